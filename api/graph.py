"""The graph of this process: by URL or embedded, followed by one loop; away is a state, not a failure."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from api.settings import Settings
from api.stores import Stores
from db.cache_versions import CacheVersions
from db.graph_source import PostgresGraphFeed
from domain.errors import SetupError, StoreUnavailable
from domain.relationships.apply_changes import apply_changes
from domain.relationships.edges import Changes
from domain.relationships.ports import Answer, GraphBusy, GraphFeed, GraphStore, GraphUnbuilt, Value
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


@dataclass(frozen=True, slots=True)
class BuiltGraph:
    """`GraphReader` over a graph that is whole: one half built would answer as if nobody had bought the rest.

    `built` is what `follow` found last. While it is not set, the graph itself is asked for its watermark as well.
    """

    store: GraphStore
    built: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, question: str, **parameters: Value) -> list[Answer]:
        await self._check_built()
        return await self.store.ask(question, **parameters)

    async def health(self) -> None:
        await self.store.health()
        await self._check_built()

    async def wait_until_built(self, *, seconds: float) -> None:
        """*Errors*: `TimeoutError`; `StoreUnavailable` where it is away, such as owned by another process."""
        await self.store.health()
        await asyncio.wait_for(self.built.wait(), seconds)

    async def _check_built(self) -> None:
        if not self.built.is_set() and await self.store.watermark() is None:
            raise StoreUnavailable("graph", "it is being built")


async def follow(stores: Stores, graph: BuiltGraph, versions: CacheVersions) -> None:
    """Brings changes of PostgreSQL into the graph until it is cancelled; rebuilds a graph that is empty."""
    feed = PostgresGraphFeed(stores.pool, versions.graph_changed)
    while True:
        try:
            pause = await follow_once(feed, graph, versions.everything_changed)
        except (StoreUnavailable, OSError) as lost:
            logger.info("the graph cannot follow now", extra={"fields": {"reason": str(lost)}})
            pause = AWAY_SECONDS
        await asyncio.sleep(pause)


async def follow_once(
    feed: GraphFeed, graph: BuiltGraph, everything_changed: Callable[[], Awaitable[object]]
) -> float:
    """How long to wait before the next round, in seconds. Kept answers are told of a rebuild, after it."""
    try:
        done = await apply_changes(feed, graph.store)
    except GraphUnbuilt:
        graph.built.clear()
        return await rebuild_once(feed, graph.store, everything_changed)
    graph.built.set()
    return 0.0 if done.applied else IDLE_SECONDS


async def rebuild_once(
    feed: GraphFeed, graph: GraphStore, everything_changed: Callable[[], Awaitable[object]]
) -> float:
    """Another process that is at it is waited for."""
    try:
        await rebuild_graph(feed, graph, progress=lambda _: None)
    except GraphBusy:
        return IDLE_SECONDS
    await everything_changed()
    return 0.0
