"""The graph of this process: by URL or embedded, followed by one loop; away is a state, not a failure."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from api.settings import Settings
from api.stores import Stores
from db.cache_versions import CacheVersions
from db.graph_source import PostgresGraphFeed
from domain.errors import SetupError, StoreUnavailable
from domain.relationships.apply_changes import apply_changes
from domain.relationships.edges import Changes
from domain.relationships.ports import Answer, GraphBusy, GraphStore, GraphUnbuilt, Value
from domain.relationships.rebuild_graph import rebuild_graph
from graph.embedded import EmbeddedGraph

logger = logging.getLogger("c360.graph")

SERVER_SECONDS, EMBEDDED_SECONDS = 0.4, 2.0
"""How long a field that crosses the graph may keep its reader waiting. A server that hangs costs all of it; the
embedded graph is there or is not, and its slowest questions take longer on a busy machine."""
IDLE_SECONDS = 0.5
AWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class GraphAway:
    """Stands in where another process owns the embedded graph: every question says so at once."""

    reason: str

    async def ask(self, question: str, **parameters: Value) -> list[Answer]:  # noqa: ARG002
        raise StoreUnavailable("graph", self.reason)

    async def apply(self, changes: Changes) -> None:  # noqa: ARG002
        raise StoreUnavailable("graph", self.reason)

    async def watermark(self) -> None:
        raise StoreUnavailable("graph", self.reason)

    async def clear(self) -> None:
        raise StoreUnavailable("graph", self.reason)

    async def health(self) -> None:
        raise StoreUnavailable("graph", self.reason)

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def open_graph(settings: Settings) -> AsyncIterator[GraphStore]:
    graph = await connect_graph(settings)
    try:
        yield graph
    finally:
        await graph.close()


def question_seconds(settings: Settings) -> float:
    return SERVER_SECONDS if settings.neo4j_url else EMBEDDED_SECONDS


async def connect_graph(settings: Settings) -> GraphStore:
    ask_seconds = question_seconds(settings)
    try:
        if settings.neo4j_url:
            from graph.neo4j_store import (
                Neo4jGraph,
            )  # a second of imports that the embedded graph does without

            return await Neo4jGraph.connect(
                settings.neo4j_url,
                user=settings.neo4j_user,
                password=settings.neo4j_password,
                ask_seconds=ask_seconds,
            )
        return await EmbeddedGraph.open(settings.home / "graph", ask_seconds=ask_seconds)
    except (SetupError, StoreUnavailable) as error:
        reason = error.reason if isinstance(error, StoreUnavailable) else str(error)
        logger.warning("the graph is away: %s", reason)
        return GraphAway(reason)


async def follow(stores: Stores, graph: GraphStore, versions: CacheVersions) -> None:
    """Brings changes of PostgreSQL into the graph until it is cancelled; rebuilds a graph that is empty."""
    feed = PostgresGraphFeed(stores.pool, versions.graph_changed)
    while True:
        try:
            pause = await follow_once(feed, graph, versions)
        except (StoreUnavailable, OSError) as lost:
            logger.info("the graph cannot follow now", extra={"fields": {"reason": str(lost)}})
            pause = AWAY_SECONDS
        await asyncio.sleep(pause)


async def follow_once(feed: PostgresGraphFeed, graph: GraphStore, versions: CacheVersions) -> float:
    """How long to wait before the next round."""
    try:
        done = await apply_changes(feed, graph)
        return 0.0 if done.applied else IDLE_SECONDS
    except GraphUnbuilt:
        with suppress(GraphBusy):
            await rebuild_graph(feed, graph, progress=lambda _: None)
            await versions.everything_changed()
        return 0.0
    except GraphBusy:
        return IDLE_SECONDS
