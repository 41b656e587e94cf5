"""Makes the graph anew from PostgreSQL."""

from collections.abc import Callable

from domain.relationships.edges import Changes
from domain.relationships.mirror_nodes import mirror_nodes
from domain.relationships.ports import DirtyKey, GraphBusy, GraphFeed, GraphStore, Snapshot

BATCH_NODES = 1_000
SETTLED_AT_ONCE = 10_000


async def rebuild_graph(
    feed: GraphFeed, graph: GraphStore, *, progress: Callable[[int], None], batch: int = BATCH_NODES
) -> int:
    """Empties the graph and mirrors one moment of PostgreSQL; returns the number of nodes.

    The result equals what following every change gives, exactly. Changes after that moment stay marked and
    follow in the next rounds. The watermark comes last: a rebuild cut short leaves a graph that asks for
    another one. `progress` hears the number of nodes done. *Errors*: `GraphBusy`, `StoreUnavailable`.
    """
    done = 0
    async with feed.snapshot() as snapshot:
        if snapshot is None:
            raise GraphBusy
        await graph.clear()
        async for keys in snapshot.keys(batch=batch):
            problems = await mirror_nodes(snapshot, graph, keys)
            for key, problem in problems.items():
                await feed.put_aside(DirtyKey(key, change_id=0), problem)
            done += len(keys) - len(problems)
            progress(done)
        await _forget_older_changes(feed, snapshot)
        await graph.apply(Changes(watermark=snapshot.at))
    return done


async def _forget_older_changes(feed: GraphFeed, snapshot: Snapshot) -> None:
    after = 0
    while known := await snapshot.dirty(limit=SETTLED_AT_ONCE, after=after):
        await feed.settle(known)
        after = known[-1].change_id
