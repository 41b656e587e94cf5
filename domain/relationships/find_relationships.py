"""Who is related to these customers, and how. [S1-15]"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.relationships.moments import moment_of
from domain.relationships.ports import Answer, GraphReader, Value
from domain.relationships.relationship import (
    DEEPEST,
    Relationship,
    RelationshipKind,
    community_path,
    referral_path,
)

HUB_BUYERS = 2_000
"""A product with more buyers makes nobody alike, and walking it would walk the whole shop."""

CHAINS = (RelationshipKind.REFERRED, RelationshipKind.REFERRED_BY)


async def find_relationships(
    graph: GraphReader,
    customer_ids: Sequence[int],
    kinds: Sequence[RelationshipKind],
    *,
    depth: int = 1,
    limit: int = 100,
) -> dict[int, list[Relationship]]:
    """Relationships of each customer, by kind, then nearest and strongest first; at most `limit` a kind.

    *Cost*: one question a kind for all customers together. *Errors*: `StoreUnavailable`.
    """
    asked = [kind for kind in RelationshipKind if kind in kinds]
    answers = await asyncio.gather(*(_ask(graph, kind, customer_ids, depth, limit) for kind in asked))
    found: dict[int, list[Relationship]] = {customer_id: [] for customer_id in customer_ids}
    for kind, rows in zip(asked, answers, strict=True):
        for row in rows:
            relationship = read_relationship(kind, row)
            found[relationship.customer_id].append(relationship)
    return found


async def _ask(
    graph: GraphReader, kind: RelationshipKind, customer_ids: Sequence[int], depth: int, limit: int
) -> list[Answer]:
    parameters: dict[str, Value] = {"keys": list(customer_ids), "limit": limit}
    if kind in CHAINS:
        parameters["depth"] = min(depth, DEEPEST)
    if kind is RelationshipKind.BOUGHT_ALIKE:
        parameters["hub"] = HUB_BUYERS
    return await graph.ask(f"related_{kind.lower()}", **parameters)


def read_relationship(kind: RelationshipKind, row: Any) -> Relationship:
    """The relationship a row of a `related_…` question tells of."""
    key, other, via = row["key"], row["other"], tuple(row[f"via_{n}"] for n in (1, 2, 3))
    known = tuple(node for node in via if node is not None)
    if kind is RelationshipKind.BOUGHT_ALIKE:
        steps = referral_path((key, other), (None,), kind)
        return Relationship(key, other, kind, 1, steps, None, known, row["strength"])
    if kind not in CHAINS:
        return Relationship(key, other, kind, 1, community_path(key, via[0], other, kind))
    times = tuple(_moment(row[f"at_{n}"]) for n in (1, 2, 3))
    steps = referral_path((key, *known, other), times, kind)
    return Relationship(key, other, kind, row["depth"], steps, _moment(row["since"]))


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else moment_of(milliseconds)
