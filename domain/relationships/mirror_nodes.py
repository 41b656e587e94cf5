"""Makes some nodes of the graph what they are in PostgreSQL, finding those that cannot be mirrored."""

from collections.abc import Sequence

from domain.errors import StoreUnavailable
from domain.relationships.edges import NodeKey
from domain.relationships.ports import GraphRefused, GraphStore, Snapshot


async def mirror_nodes(snapshot: Snapshot, graph: GraphStore, keys: Sequence[NodeKey]) -> dict[NodeKey, str]:
    """The nodes the graph refused, each with the reason; all others are mirrored.

    A batch that the graph refuses is halved until the node at fault is alone. *Errors*: `StoreUnavailable`.
    """
    problem = await _refusal(snapshot, graph, keys)
    if problem is None:
        return {}
    if len(keys) == 1:
        return {keys[0]: problem}
    middle = len(keys) // 2
    first = await mirror_nodes(snapshot, graph, keys[:middle])
    return first | await mirror_nodes(snapshot, graph, keys[middle:])


async def _refusal(snapshot: Snapshot, graph: GraphStore, keys: Sequence[NodeKey]) -> str | None:
    try:
        await graph.apply(await snapshot.states(keys))
    except GraphRefused as refused:
        return str(refused)
    except StoreUnavailable as failure:
        await graph.health()  # a dead graph ends it here; a live one makes the batch the suspect
        return str(failure)
    return None
