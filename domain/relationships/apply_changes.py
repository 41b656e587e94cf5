"""Brings what changed in PostgreSQL into the graph: one round of the applier."""

from dataclasses import dataclass

from domain.relationships.edges import Changes
from domain.relationships.mirror_nodes import mirror_nodes
from domain.relationships.ports import GraphFeed, GraphStore, GraphUnbuilt

ROUND_KEYS = 500


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did."""

    applied: int = 0
    put_aside: int = 0


async def apply_changes(feed: GraphFeed, graph: GraphStore, *, limit: int = ROUND_KEYS) -> Round:
    """Applies the oldest changes to the graph, then forgets them.

    States are read, not events: a burst of changes costs one read, order does not matter, and a round cut
    short is repeated without harm. A key that the graph refuses is put aside. *Errors*: `StoreUnavailable`,
    with nothing forgotten; `GraphUnbuilt` when a rebuild must come first.
    """
    if await graph.watermark() is None:
        raise GraphUnbuilt
    async with feed.snapshot() as snapshot:
        dirty = await snapshot.dirty(limit=limit) if snapshot else []
        if snapshot is None or not dirty:
            return Round()
        problems = await mirror_nodes(snapshot, graph, [one.key for one in dirty])
        if len(dirty) < limit:
            await graph.apply(Changes(watermark=snapshot.at))
    refused = [one for one in dirty if one.key in problems]
    for one in refused:
        await feed.put_aside(one, problems[one.key])
    await feed.settle([one for one in dirty if one.key not in problems])
    return Round(applied=len(dirty) - len(refused), put_aside=len(refused))
