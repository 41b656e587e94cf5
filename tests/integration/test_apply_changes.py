"""One round of the applier: what it forgets and what it keeps when stores fail it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from graph_dump import without_watermark
from graph_truth import NOON, Truth, TruthFeed

from domain.errors import StoreUnavailable
from domain.relationships.apply_changes import Round, apply_changes
from domain.relationships.edges import Changes, CustomerState, NodeKey, NodeKind
from domain.relationships.ports import GraphBusy, Lag
from domain.relationships.rebuild_graph import rebuild_graph
from graph.embedded import EmbeddedGraph

FIRST = NodeKey(NodeKind.CUSTOMER, 1)


class FailingGraph(EmbeddedGraph):
    """A graph whose writes fail while `broken` says so; `dead` fails its health question too."""

    broken = False
    dead = False

    async def apply(self, changes: Changes) -> None:
        if self.dead or (self.broken and len(changes.customers) > 1):
            raise StoreUnavailable("graph", "too slow")
        await super().apply(changes)

    async def health(self) -> None:
        if self.dead:
            raise StoreUnavailable("graph")


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[FailingGraph]:
    opened = await FailingGraph.open(tmp_path / "graph.kgl")
    await opened.apply(Changes(watermark=NOON))
    yield opened
    await opened.close()


async def test_a_change_during_the_round_is_not_forgotten(graph: FailingGraph) -> None:
    truth = Truth()
    truth.put(CustomerState(1), CustomerState(2))
    feed = TruthFeed(truth, during_round=lambda: truth.mark(FIRST))

    done = await apply_changes(feed, graph)

    assert done == Round(applied=2)
    assert list(truth.dirty) == [FIRST]


async def test_the_watermark_moves_only_when_nothing_is_left_over(graph: FailingGraph) -> None:
    truth = Truth(now=NOON + timedelta(hours=1))
    truth.put(CustomerState(1), CustomerState(2), CustomerState(3))

    assert await apply_changes(TruthFeed(truth), graph, limit=2) == Round(applied=2)
    assert await graph.watermark() == NOON
    assert await apply_changes(TruthFeed(truth), graph, limit=2) == Round(applied=1)
    assert await graph.watermark() == truth.now


async def test_a_dead_graph_ends_the_round_and_nothing_is_forgotten(graph: FailingGraph) -> None:
    truth = Truth()
    truth.put(CustomerState(1), CustomerState(2))
    graph.dead = True

    with pytest.raises(StoreUnavailable):
        await apply_changes(TruthFeed(truth), graph)

    assert len(truth.dirty) == 2
    assert truth.problems == {}


async def test_a_batch_too_slow_for_a_healthy_graph_goes_in_halves(graph: FailingGraph) -> None:
    truth = Truth()
    truth.put(*(CustomerState(number) for number in range(1, 8)))
    graph.broken = True

    done = await apply_changes(TruthFeed(truth), graph)

    assert done == Round(applied=7)
    assert len((await without_watermark(graph))[0]) == 7


async def test_only_one_applier_works(graph: FailingGraph) -> None:
    truth = Truth()
    truth.put(CustomerState(1))

    assert await apply_changes(TruthFeed(truth, busy=True), graph) == Round()
    with pytest.raises(GraphBusy):
        await rebuild_graph(TruthFeed(truth, busy=True), graph, progress=lambda _: None)

    assert len(truth.dirty) == 1
    assert await graph.watermark() == NOON


async def test_a_file_owned_by_a_process_is_refused_with_its_number(tmp_path: Path) -> None:
    owner = await EmbeddedGraph.open(tmp_path / "graph.kgl")

    with pytest.raises(StoreUnavailable, match=r"the graph is owned by process \d+"):
        await EmbeddedGraph.open(tmp_path / "graph.kgl")

    await owner.close()
    await (await EmbeddedGraph.open(tmp_path / "graph.kgl")).close()


async def test_what_was_applied_is_there_after_a_restart(tmp_path: Path) -> None:
    first = await EmbeddedGraph.open(tmp_path / "graph.kgl")
    await first.apply(Changes(customers=(CustomerState(1),), watermark=NOON))
    await first.close()

    again = await EmbeddedGraph.open(tmp_path / "graph.kgl")

    assert await again.watermark() == NOON
    assert len((await without_watermark(again))[0]) == 1
    await again.close()


def test_lag_is_the_age_of_the_oldest_waiting_change() -> None:
    assert Lag(pending=0, oldest_marked_at=None, put_aside=0).seconds(NOON) == 0.0
    assert Lag(pending=2, oldest_marked_at=NOON.replace(hour=11), put_aside=0).seconds(NOON) == 3600.0
