"""A small shop in a migrated database: its stores, events in one line, and its computed state to compare."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from api.house import prepare_house
from api.recompute import rebuild_facts, review_store
from api.settings import Settings
from api.stores import Stores
from db.encryption import LocalCipher
from db.event_store import PostgresEventStore
from db.keys import LocalKeys
from domain.ingest.events import CustomerKey, Event, EventBody, OrderEvent, OrderLine, ProfileChangeEvent
from domain.ingest.ingest_events import IngestResult, ingest_events
from domain.orders.order import OrderChannel, OrderStatus
from domain.standings.review_customers import ReviewCounts, review_customers

NOON = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
SOURCE = "pos"
EMPTIED = """
SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
COMPUTED = {
    "facts": "SELECT * FROM customer_facts ORDER BY customer_id",
    "standings": "SELECT customer_id, facts_digest, tiers, raw_tiers, versions, tiers_due_on, label_bits, "
    "review_on FROM customer_standings ORDER BY customer_id",
    "tiers": "SELECT * FROM tier_standings ORDER BY customer_id, policy_id",
}
FORGET = "TRUNCATE customer_facts, customer_standings, tier_standings, label_changes"


@dataclass(slots=True)
class TestShop:
    """`now` is business time; moving it moves `settings.clock`."""

    __test__ = False

    stores: Stores
    now: datetime = NOON
    numbers: Any = field(default_factory=itertools.count)

    @property
    def pool(self) -> Any:
        return self.stores.pool

    @property
    def settings(self) -> Settings:
        return Settings(clock=self.now)

    async def ingest(self, *events: Event, source: str = SOURCE) -> IngestResult:
        store = PostgresEventStore(self.pool, self.stores.cipher)
        return await ingest_events(source=source, events=events, store=store, now=self.now)

    async def add_customers(self, *names: str) -> None:
        result = await self.ingest(
            *(event(name, ProfileChangeEvent(city="上海"), ago=days(30)) for name in names)
        )
        assert result.rejected == ()

    async def review(self) -> ReviewCounts:
        """Until nobody is dirty."""
        store, total = review_store(self.settings, self.stores), ReviewCounts()
        while True:
            async with store.next_dirty() as batch:
                counts = await review_customers(batch)
            if not counts.customers:
                return total
            total += counts

    async def customer_id(self, name: str) -> int:
        found: int = await self.pool.fetchval(
            "SELECT customer_id FROM customer_refs WHERE external_id = $1", name
        )
        return found

    async def dirty(self) -> dict[str, str]:
        """Reasons by the customers' names."""
        rows = await self.pool.fetch(
            "SELECT external_id, reason FROM dirty_customers JOIN customer_refs USING (customer_id)"
        )
        return {row["external_id"]: row["reason"] for row in rows}

    async def computed(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            name: [tuple(row) for row in await self.pool.fetch(query)] for name, query in COMPUTED.items()
        }

    async def computed_anew(self) -> dict[str, list[tuple[Any, ...]]]:
        """What a run over everybody gives that begins with the orders and the log of decisions alone."""
        await self.pool.execute(FORGET)
        await rebuild_facts(self.settings, self.stores)
        return await self.computed()


@asynccontextmanager
async def open_shop(database_url: str) -> AsyncIterator[TestShop]:
    """Empties the database first: tests of one module share it."""
    settings = {"timezone": "UTC", "jit": "off"}
    async with asyncpg.create_pool(database_url, min_size=1, max_size=8, server_settings=settings) as pool:
        await pool.execute(f"TRUNCATE {await pool.fetchval(EMPTIED)} RESTART IDENTITY")
        cipher = LocalCipher(LocalKeys(b"k" * 32, b"b" * 32))
        shop = TestShop(Stores(database_url, "", pool, cipher))
        await add_products(pool)
        async with pool.acquire() as connection:
            await prepare_house(connection, shop.settings, sources=[SOURCE, "crm"])
        yield shop


async def add_products(pool: Any) -> None:
    await pool.execute("INSERT INTO sources (code, words, kind) VALUES ('pos', 'pos', 'STREAM')")
    await pool.execute("INSERT INTO categories VALUES (0, 'LEAF', '叶菜'), (1, 'FRUIT', '水果')")
    await pool.execute(
        "INSERT INTO products (source_id, external_id, name, category_id, unit_price_cents, high_margin, organic, "
        "imported) VALUES (1, 'kale', '羽衣甘蓝', 0, 500, false, true, false), "
        "(1, 'cherry', '车厘子', 1, 9900, true, false, true)"
    )


_ids = itertools.count()


def event(name: str, body: EventBody, *, ago: timedelta = timedelta(0), event_id: str | None = None) -> Event:
    """Of the customer with this external id, so long before NOON."""
    return Event(
        event_id=event_id or f"event-{next(_ids)}",
        occurred_at=NOON - ago,
        customer=CustomerKey(external_id=name),
        body=body,
    )


def order(
    external_id: str,
    cents: int,
    *,
    status: OrderStatus = OrderStatus.PAID,
    lines: Sequence[OrderLine] | None = None,
    paid_at: datetime | None = None,
    confirmed_at: datetime | None = None,
    credit_days: int | None = None,
) -> OrderEvent:
    """An order by app, of one line of kale unless told otherwise."""
    return OrderEvent(
        external_id=external_id,
        status=status,
        channel=OrderChannel.APP,
        charged_cents=cents,
        paid_at=paid_at,
        confirmed_at=confirmed_at,
        credit_days=credit_days,
        lines=(line(1, "kale", cents),) if lines is None else tuple(lines),
    )


def line(line_no: int, product: str, cents: int) -> OrderLine:
    return OrderLine(line_no=line_no, product=product, quantity=Decimal(1), net_cents=cents)


def days(number: float) -> timedelta:
    return timedelta(days=number)
