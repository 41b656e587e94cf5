from dataclasses import dataclass, field
from typing import Any

import pytest

from api.commands.query import ask
from api.engine_port import GraphQLAnswer, GraphQLRequest, OperationKind
from domain.errors import StoreUnavailable
from domain.privacy.viewer import Role, Viewer

OPERATOR = Viewer("olga", Role.OPERATOR)
GRAPH_AWAY = (
    b'{"data":{"a":null},"errors":[{"message":"","extensions":{"code":"STORE_UNAVAILABLE","store":"graph"}}]}'
)
OTHERWISE = [
    b'{"data":{"a":1}}',
    b'{"data":{"a":null},"errors":[{"message":"","extensions":{"code":"INTERNAL"}}]}',
    b'{"data":{"a":null},"errors":[{"message":"","extensions":{"code":"STORE_UNAVAILABLE","store":"postgres"}}]}',
    b'{"errors":[{"message":"not a query"}]}',
]


@dataclass
class Service:
    """What `ask` is given: an engine that answers `body` until the graph is built."""

    body: bytes
    kind: OperationKind = OperationKind.QUERY
    is_away: bool = False
    calls: list[str] = field(default_factory=list)

    def operation_kind(self, request: GraphQLRequest) -> OperationKind:
        return self.kind

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:
        is_built = "built" in self.calls
        self.calls.append("execute")
        return GraphQLAnswer(body=b'{"data":{"a":"found"}}' if is_built else self.body)

    async def graph_built(self) -> None:
        if self.is_away:
            raise StoreUnavailable("graph", "owned by another process")
        self.calls.append("built")

    async def ask(self) -> dict[str, Any]:
        return await ask(self, GraphQLRequest(query="any"), OPERATOR, self.graph_built)  # type: ignore[arg-type]


async def test_a_query_that_needs_the_graph_waits_until_it_is_built() -> None:
    service = Service(GRAPH_AWAY)

    assert await service.ask() == {"data": {"a": "found"}}
    assert service.calls == ["execute", "built", "execute"]


async def test_a_query_is_answered_without_a_graph_that_is_away() -> None:
    service = Service(GRAPH_AWAY, is_away=True)

    assert (await service.ask())["data"] == {"a": None}
    assert service.calls == ["execute"]


@pytest.mark.parametrize("body", OTHERWISE)
async def test_a_query_that_lacks_nothing_of_the_graph_does_not_wait(body: bytes) -> None:
    service = Service(body)

    await service.ask()

    assert service.calls == ["execute"]


async def test_a_mutation_is_never_run_twice() -> None:
    service = Service(GRAPH_AWAY, kind=OperationKind.MUTATION)

    assert (await service.ask())["data"] == {"a": None}
    assert service.calls == ["execute"]
