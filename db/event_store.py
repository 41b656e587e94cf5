"""Where events go: each is claimed by the source's id of it, takes effect, and marks what must be computed again."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from db.order_events import TouchedOrder, apply_cancellation, apply_order, apply_refund
from db.profile_events import apply_profile_change, identities_of, lock_customer
from db.read_pool import LOST, STORE
from db.rollups import refresh_rollups
from db.told import Changed, tell_nobody
from domain.errors import DomainError, ErrorCode, StoreUnavailable
from domain.ingest.events import CancellationEvent, Event, OrderEvent, ProfileChangeEvent, RefundEvent
from domain.ingest.ingest_events import EventTransaction
from domain.ports import Cipher

CLAIM = """
INSERT INTO ingested_events (source_id, source_event_id, digest) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING 1
"""
FIND_DIGEST = "SELECT digest FROM ingested_events WHERE source_id = $1 AND source_event_id = $2"
# an order that is new is behind a decision of the same moment; one that was there was part of it
MARK_CUSTOMERS = """
WITH came AS (
  SELECT customer_id,
         min(CASE WHEN old_counted_at IS NULL THEN counted_at + interval '1 microsecond'
                  ELSE least(old_counted_at, counted_at) END) AS touched_at,
         max(net_cents) FILTER (WHERE old_counted_at IS NULL AND counted_at IS NOT NULL) AS order_cents
  FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[]) AS touched (customer_id, order_id, old_counted_at)
  JOIN orders USING (customer_id, order_id) GROUP BY customer_id
)
INSERT INTO dirty_customers AS d (customer_id, reason, urgency, order_cents, touched_at)
SELECT customer_id, 'EVENT', 0, order_cents, touched_at
FROM unnest($1::bigint[]) AS customer_id LEFT JOIN came USING (customer_id) ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET reason = excluded.reason, urgency = excluded.urgency, problem = NULL,
  order_cents = greatest(d.order_cents, excluded.order_cents),
  touched_at = least(d.touched_at, excluded.touched_at)
"""
MARK_GRAPH = """
INSERT INTO dirty_graph_keys (kind, key)
SELECT 'CUSTOMER', customer_id FROM unnest($1::bigint[]) AS customer_id ORDER BY customer_id
ON CONFLICT (kind, key) DO UPDATE SET change_id = excluded.change_id, marked_at = now(), attempts = 0, problem = NULL
"""
MOVE_VERSIONS = (
    "UPDATE customers SET version = version + 1, changed_at = now() WHERE customer_id = ANY($1::bigint[])"
)
TOUCHED_ORDERS = """
(SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS touched (customer_id, order_id, old_counted_at))
"""
TIME_ZONE = "SELECT time_zone FROM shop"
SOURCE_LOCK = 362
"""Batches of one source go one after the other, so that two never create the same order or customer."""
HOLD = """
SELECT customer_id FROM customers WHERE customer_id IN (
  SELECT customer_id FROM customer_refs WHERE source_id = $1 AND external_id = ANY($2::text[])
  UNION ALL
  SELECT customer_id FROM identities JOIN unnest($3::text[], $4::bytea[]) AS named (namespace, value_hash)
    USING (namespace, value_hash)
) ORDER BY customer_id FOR NO KEY UPDATE
"""
CURSOR = "SELECT coalesce(max(event_id), 0)::text FROM outbox"
WAKE_WORKERS = "SELECT pg_notify('c360_dirty', '')"


class PostgresEventStore:
    """`domain.ingest.ingest_events.EventStore` over a pool.

    `changed` is told which customers a batch touched, after its commit and before anybody hears that it was taken.
    """

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", cipher: Cipher, changed: Changed = tell_nobody
    ) -> None:
        self._pool = pool
        self._cipher = cipher
        self._changed = changed

    @asynccontextmanager
    async def transaction(self, source: str) -> AsyncIterator[EventTransaction]:
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            source_id = await connection.fetchval("SELECT source_id FROM sources WHERE code = $1", source)
            if source_id is None:
                message = f"No source is called {source!r}; create it, or import a file of it first."
                raise DomainError(ErrorCode.UNKNOWN_SOURCE, message, ("source",))
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", SOURCE_LOCK, source_id)
            batch = PostgresEventTransaction(connection, source_id, self._cipher)
            yield batch
        await self._changed(batch.touched)


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """A lost connection, and a deadlock with a batch of another source: nothing is stored, send it again."""
    try:
        yield
    except (*LOST, asyncpg.DeadlockDetectedError) as error:
        raise StoreUnavailable(STORE, repr(error)) from error


@dataclass(slots=True)
class PostgresEventTransaction:
    """Customers touched so far are marked once, at the end, in the order of their ids: so batches never deadlock."""

    connection: Any  # the pool's proxy of an asyncpg connection
    source_id: int
    cipher: Cipher
    touched: set[int] = field(default_factory=set)
    orders: list[TouchedOrder] = field(default_factory=list)

    async def hold(self, events: Sequence[Event]) -> None:
        refs, named = set(), set()
        for event in events:
            refs |= {event.customer.external_id, getattr(event.body, "referred_by", None)} - {None}
            named |= set(identities_of(event.customer.phone, event.customer.email))
        namespaces = [namespace for namespace, _ in named]
        hashes = [self.cipher.blind_index(namespace, value) for namespace, value in named]
        await self.connection.execute(HOLD, self.source_id, list(refs), namespaces, hashes)

    async def take(self, event: Event) -> bool:
        async with self.connection.transaction():
            if not await self._claim(event):
                return False
            await self._apply(event)
            return True

    async def finish(self) -> str:
        touched = sorted(self.touched)
        if touched:
            orders = self._touched_orders()
            await refresh_rollups(
                self.connection,
                TOUCHED_ORDERS,
                *orders,
                time_zone=await self.connection.fetchval(TIME_ZONE),
            )
            await self.connection.execute(MOVE_VERSIONS, touched)
            await self.connection.execute(MARK_CUSTOMERS, touched, *orders)
            await self.connection.execute(MARK_GRAPH, touched)
            await self.connection.execute(WAKE_WORKERS)
        cursor: str = await self.connection.fetchval(CURSOR)
        return cursor

    def _touched_orders(self) -> tuple[list[int], list[int], list[datetime | None]]:
        """Customers, orders, and when each counted before the batch: as its first mention says."""
        first = {order.order_id: order for order in reversed(self.orders)}.values()
        return (
            [order.customer_id for order in first],
            [order.order_id for order in first],
            [order.old_counted_at for order in first],
        )

    async def _claim(self, event: Event) -> bool:
        digest = self.cipher.blind_index("EVENT", stable_text(event))
        if await self.connection.fetchval(CLAIM, self.source_id, event.event_id, digest):
            return True
        if await self.connection.fetchval(FIND_DIGEST, self.source_id, event.event_id) == digest:
            return False
        message = "This event id was taken before with other content; send corrections under a new id."
        raise DomainError(ErrorCode.CONFLICT, message, ("id",))

    async def _apply(self, event: Event) -> None:
        body = event.body
        if isinstance(body, ProfileChangeEvent):
            self.touched |= await apply_profile_change(
                self.connection, self.cipher, self.source_id, event, body
            )
            return
        customer_id = await lock_customer(self.connection, self.cipher, self.source_id, event.customer)
        self.orders.append(await self._apply_to_order(customer_id, event.occurred_at, body))
        self.touched.add(customer_id)

    async def _apply_to_order(
        self, customer_id: int, occurred_at: datetime, body: OrderEvent | CancellationEvent | RefundEvent
    ) -> TouchedOrder:
        match body:
            case OrderEvent():
                return await apply_order(self.connection, self.source_id, customer_id, occurred_at, body)
            case CancellationEvent():
                return await apply_cancellation(
                    self.connection, self.source_id, customer_id, occurred_at, body
                )
            case RefundEvent():
                return await apply_refund(self.connection, self.source_id, customer_id, body)


def stable_text(event: Event) -> str:
    """Equal for equal events, also after fields that an event may lack were added to the product."""
    known = asdict(
        event, dict_factory=lambda items: {name: value for name, value in items if value is not None}
    )
    return json.dumps([type(event.body).__name__, known], default=str, sort_keys=True, ensure_ascii=False)
