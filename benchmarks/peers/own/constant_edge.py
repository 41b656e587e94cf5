"""A floor: our server with its admission, checks and log, whose engine answers the same bytes to everything.

Run as `python -m benchmarks.peers.own.constant_edge`. ANSWER: the file with the bytes. KEYS, PORT.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from api.auth import Tokens, load_signing_key
from api.engine_port import (
    GraphQLAnswer,
    GraphQLRequest,
    LiveResult,
    OperationKind,
    OperationRefused,
    Take,
    Tell,
)
from api.logs import configure_logging
from api.run_server import bind, run_app
from benchmarks.peers.own.serving import app_parts
from domain.privacy.viewer import Viewer


@dataclass(frozen=True, slots=True)
class ConstantEngine:
    """`api.engine_port.Engine`."""

    answer: GraphQLAnswer

    def operation_kind(self, request: GraphQLRequest) -> OperationKind:  # noqa: ARG002
        return OperationKind.QUERY

    def recall(self, raw: bytes, viewer: Viewer, tell: Tell) -> None:  # noqa: ARG002
        tell(None)

    async def find(self, raw: bytes, viewer: Viewer) -> None:
        """Nothing is kept."""

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:  # noqa: ARG002
        return self.answer

    def subscribe(
        self,
        request: GraphQLRequest,  # noqa: ARG002
        viewer: Viewer,  # noqa: ARG002
        take: Take | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[LiveResult, None]:
        raise OperationRefused([{"message": "This server answers queries only."}])


async def main() -> None:
    body = Path(os.environ["ANSWER"]).read_bytes()
    tokens = Tokens(load_signing_key(Path(os.environ["KEYS"])))
    configure_logging()
    parts = app_parts(ConstantEngine(GraphQLAnswer(body=body)), tokens)
    await run_app(parts, bind("127.0.0.1", int(os.environ["PORT"])))


if __name__ == "__main__":
    asyncio.run(main())
