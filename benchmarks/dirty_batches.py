"""What a batch of 200 customers with a new order each costs the worker: read, compute, compare, write, publish."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.recompute import review_store
from api.stores import Stores
from benchmarks.bulk_shop import BATCH, DAY, SOURCE, settings_at
from benchmarks.cpu import cpu_of_family, spent_ns
from benchmarks.figures import Figure, percentile
from db.event_store import PostgresEventStore
from db.review_store import PostgresReviewStore
from domain.ingest.events import CustomerKey, Event, OrderEvent
from domain.ingest.ingest_events import ingest_events
from domain.orders.order import OrderChannel, OrderStatus
from domain.standings.review_customers import review_customers

BATCHES, CUSTOMERS = 12, 200
"""The first two are for the caches and are not counted."""
CHOOSE = """
SELECT external_id FROM customer_refs WHERE customer_id = ANY (
  SELECT customer_id FROM customers ORDER BY hashint8(customer_id) LIMIT $1)
ORDER BY hashtext(external_id)
"""


async def batch_figures(stores: Stores) -> list[Figure]:
    await stores.pool.execute("TRUNCATE dirty_customers")
    chosen = [row[0] for row in await stores.pool.fetch(CHOOSE, BATCHES * CUSTOMERS)]
    size = min(CUSTOMERS, len(chosen) // BATCHES)
    store, spent = review_store(settings_at(Path(), DAY), stores), []
    for number in range(BATCHES):
        await order(stores, number, chosen[number * size : (number + 1) * size])
        spent.append(await cpu_of_review(store))
    counted = spent[2:]
    return [
        Figure(f"{size} customers with a new order, p50 of CPU", percentile(counted, 0.5), "ms"),
        Figure(f"{size} customers with a new order, p95 of CPU", percentile(counted, 0.95), "ms"),
    ]


async def order(stores: Stores, number: int, customers: Sequence[str]) -> None:
    events = [
        Event(
            event_id=f"{BATCH} {number} {external_id}",
            occurred_at=DAY,
            customer=CustomerKey(external_id=external_id),
            body=OrderEvent(
                external_id=f"{BATCH} {number} {external_id}",
                status=OrderStatus.PAID,
                channel=OrderChannel.APP,
                charged_cents=8_800,
                paid_at=None,
                lines=(),
            ),
        )
        for external_id in customers
    ]
    store = PostgresEventStore(stores.pool, stores.cipher)
    for start in range(0, len(events), 100):
        some = events[start : start + 100]
        taken: Any = await ingest_events(source=SOURCE, events=some, store=store, now=DAY)
        assert taken.accepted == len(some), taken.rejected


async def cpu_of_review(store: PostgresReviewStore) -> float:
    """Milliseconds. `store`: the same for all batches, as in a worker, which reads the rules once."""
    before = cpu_of_family(os.getpid())
    async with store.next_dirty() as batch:
        await review_customers(batch)
    return spent_ns(before, cpu_of_family(os.getpid())) / 1_000_000
