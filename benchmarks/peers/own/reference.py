"""Our own naive reader as a server: every operation by graphql-core, field by field, never compiled.

Run as `python -m benchmarks.peers.own.reference` with the settings of `c360 serve`.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from api.engine import ReadPathEngine, as_request
from api.engine_port import GraphQLAnswer, GraphQLRequest, LiveResult, OperationKind, Take, Tell
from api.logs import configure_logging
from api.run_server import bind, run_app
from api.settings import read_settings
from api.stores import open_stores
from api.wiring import open_service
from benchmarks.peers.own.serving import app_parts
from domain.privacy.viewer import Viewer


@dataclass(frozen=True, slots=True)
class ReferenceEngine:
    """`api.engine_port.Engine`, for queries."""

    own: ReadPathEngine

    def operation_kind(self, request: GraphQLRequest) -> OperationKind | None:
        return self.own.operation_kind(request)

    def recall(self, raw: bytes, viewer: Viewer, tell: Tell) -> None:  # noqa: ARG002
        tell(None)

    async def find(self, raw: bytes, viewer: Viewer) -> None:
        """Nothing is kept."""

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:
        body = await self.own.engine.reference(as_request(request), self.own.make_context(viewer))
        return GraphQLAnswer(body=body)

    def subscribe(
        self, request: GraphQLRequest, viewer: Viewer, take: Take | None = None
    ) -> AsyncGenerator[LiveResult, None]:
        return self.own.subscribe(request, viewer, take)


async def main() -> None:
    settings = read_settings()
    listening = bind("127.0.0.1", int(os.environ["PORT"]))
    configure_logging()
    async with open_stores(settings) as stores, open_service(settings, stores) as service:
        await run_app(app_parts(ReferenceEngine(service.engine), service.tokens), listening)


if __name__ == "__main__":
    asyncio.run(main())
