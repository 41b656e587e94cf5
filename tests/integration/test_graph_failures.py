"""A Neo4j that is gone or frozen costs a caller a bounded time and one kind of error."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from domain.errors import StoreUnavailable
from domain.relationships.edges import Changes, CustomerState
from domain.relationships.ports import GraphStore
from graph.embedded import EmbeddedGraph
from graph.neo4j_store import Neo4jGraph, open_driver


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word, like a frozen server."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture(params=["silent_port", "closed_port"])
async def absent_graph(request: pytest.FixtureRequest) -> AsyncIterator[Neo4jGraph]:
    port = request.getfixturevalue(request.param)
    graph = Neo4jGraph(open_driver(f"bolt://127.0.0.1:{port}"), ask_seconds=0.2, apply_seconds=0.2)
    yield graph
    await graph.close()


@pytest.mark.parametrize(
    "call",
    [
        lambda graph: graph.ask("watermark"),
        lambda graph: graph.apply(Changes(customers=(CustomerState(1),))),
        lambda graph: graph.watermark(),
        lambda graph: graph.clear(),
        lambda graph: graph.health(),
    ],
    ids=["ask", "apply", "watermark", "clear", "health"],
)
async def test_an_absent_server_is_a_store_unavailable(
    absent_graph: Neo4jGraph, call: Callable[[GraphStore], Awaitable[object]]
) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailable) as error:
            await call(absent_graph)

    assert error.value.store == "graph"


async def test_a_question_past_its_time_is_a_store_unavailable(tmp_path: Path) -> None:
    graph = await EmbeddedGraph.open(tmp_path / "graph.kgl", ask_seconds=0.0)

    with pytest.raises(StoreUnavailable, match="no answer within"):
        await graph.ask("watermark")

    await graph.close()
