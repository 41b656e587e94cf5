"""What events left behind, and that a refused one leaves nothing."""

from typing import Any

from shops import TestShop, event, order

from domain.errors import ErrorCode
from domain.ingest.events import Event

CATEGORY_DAYS = "SELECT day::text, category_id, orders, spend_cents FROM category_days ORDER BY 1, 2"


async def everything(shop: TestShop) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that an event may touch."""
    tables = (
        "orders",
        "order_lines",
        "category_days",
        "ingested_events",
        "dirty_customers",
        "dirty_graph_keys",
    )
    tables += ("customers", "identities", "referrals", "source_records", "customer_refs")
    return {
        name: [tuple(row) for row in await shop.pool.fetch(f"SELECT * FROM {name} ORDER BY 1, 2")]
        for name in tables
    }


async def rejected_alone(shop: TestShop, rejected: Event) -> tuple[ErrorCode, tuple[str, ...]]:
    """The one rejection; nothing of the event may stay, and its neighbour must be taken."""
    await shop.pool.execute("DELETE FROM dirty_customers")
    before = await everything(shop)
    result = await shop.ingest(rejected)
    assert await everything(shop) == before
    assert (result.accepted, result.duplicates, len(result.rejected)) == (0, 0, 1)
    beside = await shop.ingest(rejected, event("bob", order("beside", 100)))
    assert (beside.accepted, [one.index for one in beside.rejected]) == (1, [0])
    assert await shop.dirty() == {"bob": "EVENT"}
    return result.rejected[0].code, result.rejected[0].field
