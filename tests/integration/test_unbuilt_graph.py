"""A graph that is not whole answers nobody, and nothing that it might have said is kept."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graph_truth import Truth, TruthFeed, purchase
from retailer import NOW, Retailer
from rich.console import Console

from api.caches import open_caches
from api.demo import see_graph_built
from api.engine import ReadPathEngine
from api.graph import IDLE_SECONDS, BuiltGraph, GraphAway, follow_once
from api.graphql_request import request_from_body
from api.latest_shop import open_shop
from api.settings import Settings
from api.wiring import graph_questions, make_engine
from db.cache_versions import CacheVersions
from db.graph_source import PostgresGraphFeed
from db.read_pool import ReadPool
from domain.errors import StoreUnavailable
from domain.privacy.viewer import Role, Viewer
from domain.relationships.edges import Changes, CustomerState
from domain.relationships.rebuild_graph import rebuild_graph
from graph.embedded import EmbeddedGraph

OPERATOR = Viewer("olga", Role.OPERATOR)
CROSSING = """{ customer(by: {id: "cus_1"}) {
  id recommendations(first: 2) { rank } relationships(first: 100) { nodes { kind } } } }"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedGraph]:
    """An empty graph."""
    opened = await EmbeddedGraph.open(tmp_path / "graph.kgl", ask_seconds=30.0)
    yield opened
    await opened.close()


@pytest.fixture
def feed() -> TruthFeed:
    """Two customers, one of whom bought something."""
    truth = Truth()
    truth.put(CustomerState(1, purchases=(purchase(7, orders=3),)), CustomerState(2))
    return TruthFeed(truth)


async def no_caches() -> None: ...


async def purchases(graph: BuiltGraph) -> list[Any]:
    return [answer["product"] for answer in await graph.ask("own_purchases", keys=[1, 2], limit=10)]


async def test_a_graph_is_asked_from_the_moment_it_is_whole(store: EmbeddedGraph, feed: TruthFeed) -> None:
    graph = BuiltGraph(store)
    customer = feed.truth.states[min(feed.truth.states)]
    await store.apply(Changes(customers=(customer,)))  # as a rebuild that was cut short leaves it

    with pytest.raises(StoreUnavailable, match="it is being built"):
        await purchases(graph)
    with pytest.raises(StoreUnavailable, match="it is being built"):
        await graph.health()

    await follow_once(feed, graph, no_caches)

    assert await purchases(graph) == [7]
    await graph.health()


async def test_a_graph_that_was_built_before_the_start_answers_at_once(
    store: EmbeddedGraph, feed: TruthFeed
) -> None:
    await rebuild_graph(feed, store, progress=lambda _: None)

    graph = BuiltGraph(store)

    assert await purchases(graph) == [7]
    assert not graph.built.is_set()


async def test_a_graph_that_lost_everything_answers_nobody_until_it_is_built_again(
    store: EmbeddedGraph, feed: TruthFeed
) -> None:
    graph = BuiltGraph(store)
    for _ in range(2):
        await follow_once(feed, graph, no_caches)
    assert graph.built.is_set()
    await store.clear()
    feed.busy = True  # another process begins to build it

    pause = await follow_once(feed, graph, no_caches)

    with pytest.raises(StoreUnavailable, match="it is being built"):
        await purchases(graph)
    assert pause == IDLE_SECONDS
    feed.busy = False
    for _ in range(2):
        await follow_once(feed, graph, no_caches)
    assert await purchases(graph) == [7]
    assert graph.built.is_set()


async def test_an_absent_graph_says_why_it_is_absent() -> None:
    graph = BuiltGraph(GraphAway("the graph is owned by process 42"))

    with pytest.raises(StoreUnavailable, match="owned by process 42"):
        await graph.ask("watermark")
    with pytest.raises(StoreUnavailable, match="owned by process 42"):
        await graph.health()


async def test_a_demo_says_that_it_is_ready_when_its_graph_is_built(
    store: EmbeddedGraph, feed: TruthFeed
) -> None:
    graph = BuiltGraph(store)
    waiting = asyncio.create_task(see_graph_built(Console(file=io.StringIO()), graph))

    await follow_once(feed, graph, no_caches)
    was_done = waiting.done()
    await follow_once(feed, graph, no_caches)
    async with asyncio.timeout(5):
        await waiting

    assert (was_done, graph.built.is_set()) == (False, True)


async def test_a_demo_whose_graph_takes_long_says_what_is_missing_meanwhile(store: EmbeddedGraph) -> None:
    said = io.StringIO()

    await see_graph_built(Console(file=said, width=100), BuiltGraph(store), seconds=0.01)

    assert said.getvalue().strip() == (
        "The graph is still being built: recommendations and relationships are null."
    )


async def test_a_demo_whose_graph_is_away_does_not_wait_for_it() -> None:
    graph = BuiltGraph(GraphAway("the graph is owned by process 42"))

    async with asyncio.timeout(5):
        await see_graph_built(Console(file=io.StringIO()), graph)

    assert not graph.built.is_set()


@dataclass
class Desk:
    """A service that keeps answers, over a graph of its own."""

    api: ReadPathEngine
    graph: BuiltGraph
    feed: PostgresGraphFeed
    versions: CacheVersions

    async def send(self) -> Any:
        raw = json.dumps({"query": CROSSING}).encode()
        kept = await self.api.find(raw, OPERATOR)
        answer = kept or await self.api.execute(request_from_body(raw), OPERATOR)
        return json.loads(answer.body)

    async def follow(self) -> None:
        await follow_once(self.feed, self.graph, self.versions.everything_changed)


@pytest.fixture
async def desk(
    retailer: Retailer, store: EmbeddedGraph, own_valkey_url: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    settings = Settings(home=tmp_path, clock=NOW, redis_url=own_valkey_url)
    graph, reads = BuiltGraph(store), ReadPool(retailer.stores.database_url)
    shop = await open_shop(retailer.stores)
    async with open_caches(
        settings, own_valkey_url, graph_questions(graph, shop), lambda: shop.mark
    ) as caches:
        caches.versions.line._wire.expect_within(5.0)
        await caches.versions.everything_changed()
        api = make_engine(
            settings,
            retailer.stores,
            reads,
            graph,
            shop,
            retailer.subscribers,
            retailer.fallbacks.append,
            caches,
        )
        yield Desk(api, graph, PostgresGraphFeed(retailer.stores.pool), caches.versions)
    await reads.close()


def missing(answer: Any) -> set[tuple[str, str, str]]:
    """Fields that are null, with the code and the store."""
    customer = answer["data"]["customer"]
    found = {
        (error["path"][-1], error["extensions"]["code"], error["extensions"]["store"])
        for error in answer.get("errors", ())
    }
    assert {name for name, value in customer.items() if value is None} == {name for name, *_ in found}
    return found


BOTH = {("recommendations", "STORE_UNAVAILABLE", "graph"), ("relationships", "STORE_UNAVAILABLE", "graph")}


async def test_fields_are_null_until_the_graph_is_built_and_none_of_it_is_kept(desk: Desk) -> None:
    unbuilt = [await desk.send() for _ in range(2)]
    await desk.follow()
    built = await desk.send()

    assert [missing(answer) for answer in unbuilt] == [BOTH, BOTH]
    assert unbuilt[0]["data"]["customer"]["id"] == "cus_1"
    assert missing(built) == set()
    assert [one["rank"] for one in built["data"]["customer"]["recommendations"]] == [1, 2]


async def test_what_an_emptied_graph_said_before_anybody_noticed_does_not_stay(desk: Desk) -> None:
    for _ in range(2):
        await desk.follow()
    whole = await desk.send()
    await desk.graph.store.clear()
    await desk.versions.everything_changed()
    emptied = [await desk.send() for _ in range(2)]

    await desk.follow()

    assert [answer["data"]["customer"]["recommendations"] for answer in emptied] == [[], []]
    assert (await desk.send())["data"] == whole["data"]
