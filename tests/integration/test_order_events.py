"""Orders, cancellations and refunds on the real tables, in whatever order they arrive."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from events_taken import CATEGORY_DAYS, rejected_alone
from shops import NOON, TestShop, days, event, line, open_shop, order

from domain.errors import ErrorCode
from domain.ingest.events import (
    CancellationEvent,
    RefundEvent,
)
from domain.orders.order import OrderStatus

ORDERS = """
SELECT external_id, placed_at, paid_at, status, charged_cents, refunded_cents, net_cents, counted_at, line_cents,
       high_margin_cents, organic_cents, imported_cents
FROM orders ORDER BY external_id
"""


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        await opened.add_customers("ann", "bob")
        await opened.pool.execute("DELETE FROM dirty_customers")
        await opened.pool.execute("DELETE FROM dirty_graph_keys")
        yield opened


async def _order(shop: TestShop, external_id: str = "1") -> dict[str, Any]:
    rows = {row["external_id"]: dict(row) for row in await shop.pool.fetch(ORDERS)}
    return rows[external_id]


async def test_a_paid_order_counts_with_its_sums_and_roll_ups(shop: TestShop) -> None:
    lines = [line(1, "kale", 300), line(2, "cherry", 700)]

    result = await shop.ingest(event("ann", order("1", 1_000, lines=lines)))

    assert (result.accepted, result.duplicates, result.rejected, result.cursor) == (1, 0, (), "0")
    assert await _order(shop) == {
        "external_id": "1",
        "placed_at": NOON,
        "paid_at": NOON,
        "status": OrderStatus.PAID.code,
        "charged_cents": 1_000,
        "refunded_cents": 0,
        "net_cents": 1_000,
        "counted_at": NOON,
        "line_cents": 1_000,
        "high_margin_cents": 700,
        "organic_cents": 300,
        "imported_cents": 700,
    }
    days_by_category = [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)]
    assert days_by_category == [("2026-11-22", 0, 1, 300), ("2026-11-22", 1, 1, 700)]


async def test_all_spend_together_is_bounded(shop: TestShop) -> None:
    await shop.ingest(event("ann", order("1", 2**36)))

    assert (await rejected_alone(shop, event("ann", order("2", 1))))[0] == ErrorCode.OUT_OF_RANGE


async def test_a_cancelled_order_counts_for_nothing(shop: TestShop) -> None:
    await shop.ingest(event("ann", order("1", 1_000), ago=days(1)))

    await shop.ingest(event("ann", CancellationEvent(order="1")))

    cancelled = await _order(shop)
    assert (cancelled["status"], cancelled["counted_at"]) == (OrderStatus.CANCELLED.code, None)
    assert await shop.pool.fetchval("SELECT count(*) FROM category_days") == 0


async def test_an_order_of_somebody_else_is_left_alone(shop: TestShop) -> None:
    await shop.ingest(event("ann", order("1", 1_000), ago=days(1)))

    assert await rejected_alone(shop, event("bob", CancellationEvent(order="1"))) == (
        ErrorCode.CONFLICT,
        ("customer",),
    )


async def test_refunds_add_up_to_what_was_charged(shop: TestShop) -> None:
    await shop.ingest(event("ann", order("1", 1_000), ago=days(1)))

    await shop.ingest(event("ann", RefundEvent(order="1", refunded_cents=300)))
    part = await _order(shop)
    too_much = await shop.ingest(event("ann", RefundEvent(order="1", refunded_cents=701)))
    await shop.ingest(event("ann", RefundEvent(order="1", refunded_cents=700)))
    whole = await _order(shop)

    assert (part["net_cents"], part["status"], part["counted_at"]) == (
        700,
        OrderStatus.PAID.code,
        NOON - days(1),
    )
    assert [one.code for one in too_much.rejected] == [ErrorCode.OUT_OF_RANGE]
    assert (whole["net_cents"], whole["status"], whole["counted_at"]) == (0, OrderStatus.REFUNDED.code, None)
    assert await shop.pool.fetchval("SELECT count(*) FROM category_days") == 0


async def test_an_order_cannot_cost_less_than_was_refunded(shop: TestShop) -> None:
    await shop.ingest(event("ann", order("1", 1_000), ago=days(1)))
    await shop.ingest(event("ann", RefundEvent(order="1", refunded_cents=300)))

    assert (await rejected_alone(shop, event("ann", order("1", 299))))[0] == ErrorCode.OUT_OF_RANGE


STATEMENTS = (
    event("ann", order("1", 1_000, status=OrderStatus.PLACED), ago=days(9)),
    event("ann", order("1", 900), ago=days(8)),
    event("ann", order("1", 800, status=OrderStatus.DELIVERED), ago=days(7)),
)


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
async def test_the_order_of_arrival_does_not_matter(shop: TestShop, arrival: tuple[int, ...]) -> None:
    for place in arrival:
        assert (await shop.ingest(STATEMENTS[place])).accepted == 1

    found = await _order(shop)

    assert (found["status"], found["charged_cents"], found["line_cents"]) == (
        OrderStatus.DELIVERED.code,
        800,
        800,
    )
    assert (found["placed_at"], found["paid_at"], found["counted_at"]) == (
        NOON - days(9),
        NOON - days(8),
        NOON - days(8),
    )
    assert [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)] == [("2026-11-14", 0, 1, 800)]


CREDIT = "SELECT status, confirmed_at, credit_days, paid_at, counted_at FROM orders"
PLACED, DELIVERED = OrderStatus.PLACED, OrderStatus.DELIVERED
ON_CREDIT = (
    event("ann", order("1", 800, status=PLACED), ago=days(40)),
    event("ann", order("1", 800, status=PLACED, confirmed_at=NOON - days(38), credit_days=7), ago=days(38)),
    event(
        "ann", order("1", 800, status=DELIVERED, confirmed_at=NOON - days(37), credit_days=30), ago=days(36)
    ),
    event("ann", order("1", 800, status=OrderStatus.PAID), ago=days(2)),
)


async def test_an_order_on_credit_counts_from_its_confirmation(shop: TestShop) -> None:  # C4
    await shop.ingest(ON_CREDIT[0])
    placed = await shop.pool.fetchval("SELECT counted_at FROM orders")
    await shop.ingest(ON_CREDIT[1])

    assert placed is None
    assert tuple(await shop.pool.fetchrow(CREDIT)) == (
        PLACED.code,
        NOON - days(38),
        7,
        None,
        NOON - days(38),
    )
    assert [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)] == [("2026-10-15", 0, 1, 800)]


async def test_paying_an_order_on_credit_later_moves_nothing(shop: TestShop) -> None:
    await shop.ingest(*ON_CREDIT[:3])
    days_before = [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)]

    await shop.ingest(ON_CREDIT[3])

    assert tuple(await shop.pool.fetchrow(CREDIT)) == (
        OrderStatus.PAID.code,
        NOON - days(38),
        30,
        NOON - days(2),
        NOON - days(38),
    )
    assert [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)] == days_before


async def test_an_order_on_credit_that_is_cancelled_counts_no_more(shop: TestShop) -> None:
    await shop.ingest(*ON_CREDIT[:2])

    await shop.ingest(event("ann", CancellationEvent(order="1"), ago=days(1)))

    assert await shop.pool.fetchval("SELECT counted_at FROM orders") is None
    assert await shop.pool.fetchval("SELECT count(*) FROM category_days") == 0


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(4))))
async def test_the_order_of_arrival_does_not_matter_on_credit(
    shop: TestShop, arrival: tuple[int, ...]
) -> None:
    for place in arrival:
        await shop.ingest(ON_CREDIT[place])

    assert tuple(await shop.pool.fetchrow(CREDIT)) == (
        OrderStatus.PAID.code,
        NOON - days(38),
        30,
        NOON - days(2),
        NOON - days(38),
    )
    assert [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)] == [("2026-10-15", 0, 1, 800)]


@pytest.mark.parametrize(
    ("credit", "code", "member"),
    [
        ({"confirmed_at": NOON + days(1)}, ErrorCode.IN_THE_FUTURE, "confirmedAt"),
        ({"confirmed_at": NOON, "credit_days": 0}, ErrorCode.OUT_OF_RANGE, "days"),
        ({"confirmed_at": NOON, "credit_days": 366}, ErrorCode.OUT_OF_RANGE, "days"),
    ],
)
async def test_credit_that_makes_no_sense_is_rejected(
    shop: TestShop, credit: dict[str, Any], code: ErrorCode, member: str
) -> None:
    [found] = (await shop.ingest(event("ann", order("1", 1_000, **credit)))).rejected

    assert (found.code, found.field) == (code, ("data", "order", "credit", member))
    assert await shop.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_a_cancellation_outlives_an_older_statement_but_not_a_newer_one(shop: TestShop) -> None:
    await shop.ingest(event("ann", order("1", 1_000), ago=days(9)))
    await shop.ingest(event("ann", CancellationEvent(order="1"), ago=days(5)))

    await shop.ingest(event("ann", order("1", 1_000, status=OrderStatus.DELIVERED), ago=days(6)))
    assert (await _order(shop))["status"] == OrderStatus.CANCELLED.code
    await shop.ingest(event("ann", order("1", 1_000, status=OrderStatus.DELIVERED), ago=days(4)))
    assert (await _order(shop))["status"] == OrderStatus.DELIVERED.code


async def test_lines_are_replaced_as_a_whole(shop: TestShop) -> None:
    await shop.ingest(
        event("ann", order("1", 1_000, lines=[line(1, "kale", 600), line(2, "cherry", 400)]), ago=days(1))
    )

    await shop.ingest(event("ann", order("1", 500, lines=[line(7, "cherry", 500)])))

    rows = await shop.pool.fetch("SELECT line_no, net_cents FROM order_lines")
    assert [tuple(row) for row in rows] == [(7, 500)]
    assert (await _order(shop))["organic_cents"] == 0
    assert [tuple(row) for row in await shop.pool.fetch(CATEGORY_DAYS)] == [("2026-11-21", 1, 1, 500)]
