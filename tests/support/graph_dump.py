"""Everything a graph holds, for comparing: the catalogue itself never returns whole nodes."""

from typing import Any

from domain.relationships.ports import GraphStore
from graph.embedded import EmbeddedGraph
from graph.neo4j_store import Neo4jGraph

NODES = "MATCH (n) RETURN labels(n) AS labels, n.key AS key, n.at AS at ORDER BY labels[0], key"
EDGES = """
MATCH (a)-[e]->(b)
RETURN labels(a)[0] AS from_label, a.key AS from_key, type(e) AS kind, labels(b)[0] AS to_label,
       b.key AS to_key, e.at AS at, e.orders AS orders, e.amount_cents AS amount_cents,
       e.first_at AS first_at, e.last_at AS last_at
ORDER BY kind, from_key, to_key, to_label"""


async def dump(graph: GraphStore) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All nodes and all edges with all their properties."""
    return await run(graph, NODES), await run(graph, EDGES)


async def run(graph: GraphStore, text: str) -> list[dict[str, Any]]:
    if isinstance(graph, EmbeddedGraph):
        return [dict(row) for row in graph._session.cypher(text).to_list()]
    assert isinstance(graph, Neo4jGraph)
    async with graph._driver.session() as session:
        return await (await session.run(text)).data()


async def without_watermark(graph: GraphStore) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    nodes, edges = await dump(graph)
    return [node for node in nodes if node["labels"] != ["Watermark"]], edges
