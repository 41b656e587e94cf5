"""Graphs of both engines: kglite always, a real Neo4j where Java and Maven are."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from api.neo4j_server import can_run_neo4j, start_neo4j
from domain.relationships.ports import GraphStore
from graph.embedded import EmbeddedGraph
from graph.neo4j_store import Neo4jGraph


@pytest.fixture(scope="session")
def neo4j_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bolt URL of a server that these tests wipe: the one C360_TEST_NEO4J_URL names, or an own one."""
    if url := os.environ.get("C360_TEST_NEO4J_URL"):
        yield url
        return
    if not can_run_neo4j():
        pytest.skip("no java or no mvn: the graph is tested on kglite alone")
    server = start_neo4j(tmp_path_factory.mktemp("neo4j"))
    yield server.url
    server.stop()


@pytest.fixture
async def kglite_graph(tmp_path: Path) -> AsyncIterator[EmbeddedGraph]:
    """An empty graph in a file."""
    graph = await EmbeddedGraph.open(tmp_path / "graph.kgl", ask_seconds=20)
    yield graph
    await graph.close()


@pytest.fixture
async def neo4j_graph(neo4j_url: str) -> AsyncIterator[Neo4jGraph]:
    """An empty graph on a server."""
    graph = await Neo4jGraph.connect(neo4j_url, ask_seconds=20)
    await graph.clear()
    yield graph
    await graph.close()


@pytest.fixture(params=["kglite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def graph(request: pytest.FixtureRequest) -> GraphStore:
    """An empty graph of either engine."""
    found: GraphStore = request.getfixturevalue(f"{request.param}_graph")
    return found
