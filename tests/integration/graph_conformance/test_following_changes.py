"""The graph that follows changes, in any order, equals the graph rebuilt from the truth; on every engine."""

import random
from pathlib import Path

import pytest
from graph_dump import dump, without_watermark
from graph_truth import NOON, Truth, TruthFeed, purchase, random_change

from domain.relationships.apply_changes import Round, apply_changes
from domain.relationships.edges import Changes, CustomerState, NodeKey, NodeKind
from domain.relationships.ports import GraphStore, GraphUnbuilt
from domain.relationships.rebuild_graph import rebuild_graph
from graph.embedded import EmbeddedGraph
from graph.neo4j_store import Neo4jGraph
from graph.questions import catalogue

BROAD = {
    "keys": list(range(1, 14)),
    "depth": 3,
    "limit": 100,
    "hub": 6,
    "peers": 5,
    "favourites": 3,
    "buyers": 4,
}


def silent(_: int) -> None: ...


async def build(truth: Truth, graph: GraphStore) -> None:
    await rebuild_graph(TruthFeed(truth), graph, progress=silent, batch=7)


async def drain(feed: TruthFeed, graph: GraphStore, *, limit: int) -> None:
    while (await apply_changes(feed, graph, limit=limit)).applied:
        continue


async def live_through(graph: GraphStore, *, seed: int, limit: int) -> Truth:
    """A shop's changes, followed in rounds of `limit` keys at odd moments, at last to the end."""
    dice, truth = random.Random(seed), Truth()
    feed = TruthFeed(truth)
    await build(truth, graph)
    for _ in range(60):
        random_change(truth, dice)
        if dice.random() < 0.2:
            await apply_changes(feed, graph, limit=limit)
    await drain(feed, graph, limit=limit)
    return truth


async def answers_of(graph: GraphStore) -> list[list[dict[str, object]]]:
    asked = [statement for statement in catalogue().values() if statement.folder == "questions"]
    return [
        [dict(row) for row in await graph.ask(one.name, **{name: BROAD[name] for name in one.parameters})]  # type: ignore[arg-type]
        for one in asked
    ]


async def test_following_changes_in_two_rhythms_equals_a_rebuild(graph: GraphStore) -> None:
    truth = await live_through(graph, seed=1, limit=3)
    slowly = await without_watermark(graph)
    await graph.clear()
    await live_through(graph, seed=1, limit=50)
    quickly = await without_watermark(graph)

    await build(truth, graph)

    rebuilt = await without_watermark(graph)
    assert len(rebuilt[1]) > 5
    assert slowly == quickly == rebuilt


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
async def test_many_shops_are_followed_exactly(kglite_graph: EmbeddedGraph, seed: int) -> None:
    truth = await live_through(kglite_graph, seed=seed, limit=1 + seed % 9)
    followed = await without_watermark(kglite_graph)

    await build(truth, kglite_graph)

    assert await without_watermark(kglite_graph) == followed


@pytest.mark.neo4j
@pytest.mark.parametrize("seed", range(2))
async def test_both_engines_hold_and_answer_the_same(
    kglite_graph: EmbeddedGraph, neo4j_graph: Neo4jGraph, seed: int
) -> None:
    dice, truth = random.Random(seed), Truth()
    for stage in range(5):
        for _ in range(25):
            random_change(truth, dice)
        for graph in (kglite_graph, neo4j_graph):
            if stage == 0:
                await build(truth, graph)
            await graph.apply(await moment(truth))

        assert await dump(kglite_graph) == await dump(neo4j_graph)
        assert await answers_of(kglite_graph) == await answers_of(neo4j_graph)
    assert sum(map(len, await answers_of(kglite_graph))) > 50


async def moment(truth: Truth) -> Changes:
    async with TruthFeed(truth).snapshot() as snapshot:
        assert snapshot is not None
        return await snapshot.states(sorted(truth.dirty))


async def test_an_unbuilt_graph_wants_a_rebuild_first(graph: GraphStore) -> None:
    truth = Truth()
    truth.put(CustomerState(1))

    with pytest.raises(GraphUnbuilt):
        await apply_changes(TruthFeed(truth), graph)

    assert await dump(graph) == ([], [])
    assert truth.dirty


async def test_a_rebuild_counts_its_nodes_and_sets_the_watermark(graph: GraphStore) -> None:
    truth, seen = Truth(), list[int]()
    truth.put(*(CustomerState(number) for number in range(1, 6)))

    nodes = await rebuild_graph(TruthFeed(truth), graph, progress=seen.append, batch=2)

    assert (nodes, seen) == (5, [2, 4, 5])
    assert await graph.watermark() == NOON


async def test_a_poisoned_key_is_put_aside_and_the_rest_goes_on(graph: GraphStore) -> None:
    truth = Truth()
    feed = TruthFeed(truth)
    await build(truth, graph)
    truth.put(*(CustomerState(number) for number in range(1, 10)))
    poisoned = NodeKey(NodeKind.CUSTOMER, 4)
    truth.put(CustomerState(4, purchases=(purchase(1, orders=2**62),)))

    done = await apply_changes(feed, graph)

    assert done == Round(applied=8, put_aside=1)
    assert list(truth.problems) == [poisoned]
    assert list(truth.dirty) == [poisoned]
    nodes, _ = await without_watermark(graph)
    assert [node["key"] for node in nodes] == [1, 2, 3, 5, 6, 7, 8, 9]
    assert await apply_changes(feed, graph) == Round()


async def test_a_rebuild_puts_aside_what_the_graph_refuses_and_forgets_older_changes(
    graph: GraphStore,
) -> None:
    truth = Truth()
    truth.put(CustomerState(1), CustomerState(2), CustomerState(3, purchases=(purchase(1, orders=2**62),)))
    poisoned = NodeKey(NodeKind.CUSTOMER, 3)
    del truth.dirty[poisoned]

    nodes = await rebuild_graph(TruthFeed(truth), graph, progress=silent)

    assert nodes == 2
    assert list(truth.dirty) == list(truth.problems) == [poisoned]


async def test_a_file_that_cannot_be_read_is_renamed_and_asks_for_a_rebuild(tmp_path: Path) -> None:
    path = tmp_path / "graph.kgl"
    path.write_bytes(b"not a graph")

    graph = await EmbeddedGraph.open(path)

    assert await graph.watermark() is None
    assert (tmp_path / "graph.kgl.unreadable").read_bytes() == b"not a graph"
    await graph.close()
