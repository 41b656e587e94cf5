"""Turns present states into the writes of the catalogue, in the order in which they run."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from domain.relationships.edges import Changes, CustomerState, NodeKind
from domain.relationships.moments import epoch_ms

Step: TypeAlias = tuple[str, dict[str, Any]]
"""Name of a write and its parameters."""

ROWS_AT_ONCE = 5_000
DELETE = {
    NodeKind.CUSTOMER: "delete_customers",
    NodeKind.PRODUCT: "delete_products",
    NodeKind.CATEGORY: "delete_categories",
    NodeKind.COMMUNITY: "delete_communities",
}


def steps_of(changes: Changes) -> list[Step]:
    """All steps of one transaction: nodes go, nodes come, edges go, edges come, the watermark moves."""
    steps = list(_removals(changes))
    for write, rows in (*_nodes(changes), *_edges_of_customers(changes.customers), *_other_edges(changes)):
        steps.extend((write, {"rows": part}) for part in _parts(rows))
    if changes.watermark is not None:
        steps.append(("set_watermark", {"at": epoch_ms(changes.watermark)}))
    return steps


def _parts(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    return (rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE))


def _removals(changes: Changes) -> Iterator[Step]:
    for kind, write in DELETE.items():
        rows = [{"key": node.id} for node in changes.gone if node.kind is kind]
        yield from ((write, {"rows": part}) for part in _parts(rows))


def _nodes(changes: Changes) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "upsert_categories", [{"key": state.category_id} for state in changes.categories]
    yield "upsert_products", [{"key": state.product_id} for state in changes.products]
    yield "upsert_communities", [{"key": state.community_id} for state in changes.communities]
    yield "upsert_customers", [{"key": state.customer_id} for state in changes.customers]


def _edges_of_customers(states: Sequence[CustomerState]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    referred = [(state.customer_id, state.referral) for state in states]
    living = [(state.customer_id, state.community_id) for state in states]
    yield "drop_referrals", [{"key": key, "keep": [one.referrer_id] if one else []} for key, one in referred]
    yield (
        "link_referrals",
        [
            {"key": key, "referrer": one.referrer_id, "at": epoch_ms(one.referred_at)}
            for key, one in referred
            if one
        ],
    )
    yield "drop_memberships", [{"key": key, "keep": _one_or_none(community)} for key, community in living]
    yield "link_memberships", [{"key": key, "community": one} for key, one in living if one is not None]
    yield (
        "drop_purchases",
        [{"key": state.customer_id, "keep": [one.product_id for one in state.purchases]} for state in states],
    )
    yield "link_purchases", [row for state in states for row in _purchases(state)]


def _purchases(state: CustomerState) -> Iterator[dict[str, Any]]:
    for one in state.purchases:
        yield {
            "key": state.customer_id,
            "product": one.product_id,
            "orders": one.orders,
            "amount_cents": one.amount_cents,
            "first_at": epoch_ms(one.first_at),
            "last_at": epoch_ms(one.last_at),
        }


def _other_edges(changes: Changes) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    leading = [(state.community_id, state.leader_id) for state in changes.communities]
    yield (
        "drop_categories",
        [{"key": state.product_id, "keep": [state.category_id]} for state in changes.products],
    )
    yield (
        "link_categories",
        [{"key": state.product_id, "category": state.category_id} for state in changes.products],
    )
    yield "drop_leaders", [{"key": key, "keep": _one_or_none(leader)} for key, leader in leading]
    yield "link_leaders", [{"key": key, "leader": leader} for key, leader in leading if leader is not None]


def _one_or_none(key: int | None) -> list[int]:
    return [] if key is None else [key]
