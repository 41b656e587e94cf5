"""Batches of events on the real tables: each event once, and nothing of a refused one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from events_taken import CATEGORY_DAYS, everything, rejected_alone
from shops import NOON, TestShop, days, event, line, open_shop, order

from domain.errors import DomainError, ErrorCode, StoreUnavailable
from domain.ingest.events import (
    CancellationEvent,
    CustomerKey,
    Event,
    ProfileChangeEvent,
    RefundEvent,
)
from domain.orders.order import OrderStatus


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        await opened.add_customers("ann", "bob")
        await opened.pool.execute("DELETE FROM dirty_customers")
        await opened.pool.execute("DELETE FROM dirty_graph_keys")
        yield opened


async def test_an_event_marks_the_customer_and_moves_the_version(shop: TestShop) -> None:
    await shop.ingest(event("ann", order("1", 1_000)))

    assert await shop.dirty() == {"ann": "EVENT"}
    assert await shop.pool.fetchval("SELECT urgency FROM dirty_customers") == 0
    ann = await shop.customer_id("ann")
    assert [tuple(row) for row in await shop.pool.fetch("SELECT kind, key FROM dirty_graph_keys")] == [
        ("CUSTOMER", ann)
    ]
    versions = await shop.pool.fetch("SELECT version FROM customers ORDER BY customer_id")
    assert [row["version"] for row in versions] == [3, 2]


async def test_the_same_event_twice_counts_once(shop: TestShop) -> None:
    once = event("ann", order("1", 1_000))
    await shop.ingest(once)
    before = await everything(shop)

    again = await shop.ingest(once)
    in_one_batch = await shop.ingest(once, once)

    assert (again.accepted, again.duplicates) == (0, 1)
    assert (in_one_batch.accepted, in_one_batch.duplicates) == (0, 2)
    assert await everything(shop) == before


async def test_the_same_id_with_other_content_is_a_conflict(shop: TestShop) -> None:
    once = event("ann", order("1", 1_000))
    await shop.ingest(once)
    before = await everything(shop)

    result = await shop.ingest(replace(once, body=order("1", 2_000)))

    assert [(one.code, one.field) for one in result.rejected] == [(ErrorCode.CONFLICT, ("id",))]
    assert await everything(shop) == before


async def test_sources_have_ids_of_their_own(shop: TestShop) -> None:
    change = event("ann", ProfileChangeEvent(city="北京"), event_id="1")

    assert (await shop.ingest(change)).accepted == 1
    assert (await shop.ingest(change, source="crm")).accepted == 1


async def test_an_unknown_source_refuses_the_batch(shop: TestShop) -> None:
    before = await everything(shop)

    with pytest.raises(DomainError) as refused:
        await shop.ingest(event("ann", order("1", 1)), source="nobody")

    assert refused.value.code is ErrorCode.UNKNOWN_SOURCE
    assert await everything(shop) == before


@pytest.mark.parametrize(
    ("words", "faulty", "code", "field"),
    [
        ("future", event("ann", order("1", 1), ago=-timedelta(seconds=1)), "IN_THE_FUTURE", ("occurredAt",)),
        (
            "paid in the future",
            event("ann", order("1", 1, paid_at=NOON + timedelta(seconds=1))),
            "IN_THE_FUTURE",
            ("data", "order", "paidAt"),
        ),
        ("unknown customer", event("eve", order("1", 1)), "NOT_FOUND", ("customer", "externalId")),
        (
            "unknown product",
            event("ann", order("1", 1, lines=[line(1, "kale", 1), line(2, "snow", 1)])),
            "UNKNOWN_PRODUCT",
            ("data", "order", "lines", "1", "product"),
        ),
        (
            "unknown order",
            event("ann", CancellationEvent(order="9")),
            "NOT_FOUND",
            ("data", "orderCancellation", "order"),
        ),
        (
            "refund of an unknown order",
            event("ann", RefundEvent(order="9", refunded_cents=1)),
            "NOT_FOUND",
            ("data", "orderRefund", "order"),
        ),
        ("nothing said", event("ann", ProfileChangeEvent()), "REQUIRED", ("data", "profileChange")),
        (
            "unknown referrer of a new customer",
            event("new", ProfileChangeEvent(city="北京", referred_by="eve")),
            "NOT_FOUND",
            ("data", "profileChange", "referredBy"),
        ),
        (
            "own referrer",
            event("ann", ProfileChangeEvent(referred_by="ann")),
            "SELF_REFERENCE",
            ("data", "profileChange", "referredBy"),
        ),
        (
            "unknown community",
            event("ann", ProfileChangeEvent(community="nowhere")),
            "NOT_FOUND",
            ("data", "profileChange", "community"),
        ),
        (
            "too much spend",
            event("ann", order("1", 2**36 + 1)),
            "OUT_OF_RANGE",
            ("data", "order", "netAmount"),
        ),
        ("NUL", event("ann", ProfileChangeEvent(city="a\0b")), "INVALID", ()),
        (
            "four decimals",
            event(
                "ann",
                order(
                    "1",
                    1,
                    lines=[replace(line(1, "kale", 1), quantity=Decimal("1.0001"))],
                ),
            ),
            "INVALID",
            ("data", "order", "lines", "0", "quantity"),
        ),
    ],
)
async def test_a_rejected_event_leaves_nothing(
    shop: TestShop, words: str, faulty: Event, code: str, field: tuple[str, ...]
) -> None:
    assert await rejected_alone(shop, faulty) == (code, field)


async def test_a_rejected_event_is_taken_once_it_is_mended(shop: TestShop) -> None:
    early = event("ann", CancellationEvent(order="1"))
    assert len((await shop.ingest(early)).rejected) == 1
    await shop.ingest(event("ann", order("1", 100), ago=days(1)))

    assert (await shop.ingest(early)).accepted == 1
    assert await shop.pool.fetchval("SELECT status FROM orders") == OrderStatus.CANCELLED.code


async def test_an_event_gives_a_customer_put_aside_another_try(shop: TestShop) -> None:
    ann = await shop.customer_id("ann")
    await shop.pool.execute(
        "INSERT INTO dirty_customers (customer_id, reason, urgency, problem) VALUES ($1, 'NIGHT', 2, 'it broke')",
        ann,
    )

    await shop.ingest(event("ann", order("1", 100)))

    row = await shop.pool.fetchrow("SELECT reason, urgency, problem FROM dirty_customers")
    assert tuple(row) == ("EVENT", 0, None)


async def test_batches_of_one_source_at_once_take_each_event_once(shop: TestShop) -> None:
    events = [event("ann", order(str(number), 100)) for number in range(20)]

    results = await asyncio.gather(*(shop.ingest(*events) for _ in range(4)))

    assert sorted((one.accepted, one.duplicates) for one in results) == [(0, 20), (0, 20), (0, 20), (20, 0)]
    assert [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)] == [("2026-11-22", 0, 20, 2_000)]


async def test_two_sources_about_the_same_customers_at_once_lose_nothing(shop: TestShop) -> None:
    await shop.ingest(event("ann", ProfileChangeEvent(phone="13800001234")))
    await shop.ingest(event("bob", ProfileChangeEvent(phone="13900005678")))
    await shop.pool.execute(
        "INSERT INTO products (source_id, external_id, name, category_id, unit_price_cents, high_margin, organic, "
        "imported) SELECT source_id, 'kale', 'kale', 0, 1, false, false, false FROM sources WHERE code = 'crm'"
    )

    def crossing(prefix: str, phones: list[str]) -> list[Event]:
        return [
            replace(
                event("x", order(f"{prefix}{number}", 100)), customer=CustomerKey(phone=phones[number % 2])
            )
            for number in range(20)
        ]

    phones = ["13800001234", "13900005678"]
    results = await asyncio.gather(
        shop.ingest(*crossing("p", phones)), shop.ingest(*crossing("c", phones[::-1]), source="crm")
    )

    assert [one.accepted for one in results] == [20, 20]
    spend = await shop.pool.fetch("SELECT orders, spend_cents FROM category_days ORDER BY customer_id")
    assert [tuple(row) for row in spend] == [(20, 2_000), (20, 2_000)]


async def test_a_full_disk_stores_nothing_and_the_same_batch_goes_in_once_there_is_room(
    shop: TestShop,
) -> None:
    before = await everything(shop)
    await shop.pool.execute("""
        CREATE FUNCTION fill_up() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER fill_up BEFORE INSERT ON order_lines FOR EACH ROW EXECUTE FUNCTION fill_up()
    """)
    batch = (event("ann", order("1", 1_000)), event("bob", order("2", 2_000)))

    with pytest.raises(StoreUnavailable, match="No space left on device"):
        await shop.ingest(*batch)
    left = await everything(shop)
    await shop.pool.execute("DROP FUNCTION fill_up CASCADE")
    again = await shop.ingest(*batch)

    assert left == before
    assert (again.accepted, again.duplicates) == (2, 0)
