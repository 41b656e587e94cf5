"""Histories come out of PostgreSQL packed into words, and are those that one row at a time gives."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np
import pytest
from order_histories import create_statements, insert_rows, random_rows, read_history

from db.review_reads import PostgresCustomerBatch
from domain.calendar import calendar_of, microseconds
from domain.customers.measure_orders import CATEGORY_DAYS
from domain.standings.compute_standings import make_rules

AS_OF = datetime(2026, 11, 22, 16, tzinfo=UTC)
CUSTOMERS = 40
CALENDAR = calendar_of("Asia/Shanghai")
RULES = make_rules({}, CALENDAR)
DETAILS_SINCE = AS_OF - timedelta(days=100)
FIRST_DETAIL = 3
SMALL = """
UPDATE orders SET charged_cents = charged_cents % 999999,
                  refunded_cents = least(refunded_cents, charged_cents % 999999);
UPDATE category_days SET spend_cents = spend_cents % 999999
"""
"""Fits in words; as drawn, category days do not."""
SOLD_MUCH = """
UPDATE orders SET charged_cents = 68719476736, line_cents = 68719476736 WHERE customer_id = 7;
UPDATE category_days SET orders = 1000, day = day + 3000 WHERE customer_id = 7
"""


@pytest.fixture(scope="module")
async def connection(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    for statement in create_statements():
        await connection.execute(statement)
    yield connection
    await connection.close()


def _rows(arrays: Any, names: Sequence[str]) -> list[tuple[int, ...]]:
    """Sorted, because orders of one moment may come in any order."""
    columns = (getattr(arrays, name).astype(np.int64).tolist() for name in names)
    return sorted(zip(*columns, strict=True))


def _orders_of(history: Any, rows: Sequence[int], details_since: datetime | None) -> list[tuple[int, ...]]:
    place = {row: n for n, row in enumerate(rows)}
    found = []
    for row in _rows(history.orders, history.orders.__slots__):
        if row[0] in place:
            has_details = details_since is None or row[1] > microseconds(details_since)
            details = row[FIRST_DETAIL:] if has_details else (0,) * len(row[FIRST_DETAIL:])
            found.append((place[row[0]], *row[1:FIRST_DETAIL], *details))
    return sorted(found)


def _days_of(history: Any, rows: Sequence[int]) -> list[tuple[int, ...]]:
    place = {row: n for n, row in enumerate(rows)}
    first = CALENDAR.last_whole_day(microseconds(AS_OF)) - CATEGORY_DAYS
    return sorted(
        (place[row[0]], *row[1:])
        for row in _rows(history.category_days, history.category_days.__slots__)
        if row[0] in place and row[1] > first
    )


@pytest.mark.parametrize("details_since", [None, DETAILS_SINCE])
@pytest.mark.parametrize(
    ("words", "changes"), [("small", SMALL), ("as drawn", "SELECT"), ("much", SOLD_MUCH)]
)
@pytest.mark.parametrize(
    ("chosen", "is_dense"),
    [
        (range(CUSTOMERS), True),
        ([n for n in range(CUSTOMERS) if n % 5], True),
        ([2, 5, 6, 31], False),
    ],
)
async def test_a_batch_reads_its_customers_alone(
    connection: Any,
    chosen: Sequence[int],
    is_dense: bool,
    words: str,
    changes: str,
    details_since: datetime | None,
) -> None:
    await insert_rows(connection, random_rows(3, CUSTOMERS, AS_OF, CALENDAR))
    await connection.execute(changes)
    expected = await read_history(connection, CUSTOMERS, AS_OF)

    batch = PostgresCustomerBatch(connection, np.array(chosen, np.int64) + 1, as_of=AS_OF, rules=RULES)
    batch.is_dense = is_dense
    found = await batch.history(details_since)

    assert _rows(found.orders, found.orders.__slots__) == _orders_of(expected, chosen, details_since)
    assert _rows(found.category_days, found.category_days.__slots__) == _days_of(expected, chosen)
    assert found.referrals.tolist() == expected.referrals[list(chosen)].tolist()
    at = np.array([found.orders.customer, found.orders.counted_at_us])
    assert (np.lexsort(at[::-1]) == np.arange(at.shape[1])).all()


async def test_moments_and_amounts_alone_are_those_of_the_whole(connection: Any) -> None:
    await insert_rows(connection, random_rows(4, CUSTOMERS, AS_OF, CALENDAR))

    batch = PostgresCustomerBatch(connection, np.arange(1, CUSTOMERS + 1), as_of=AS_OF, rules=RULES)
    whole, bare = await batch.history(), await batch.bare_history()

    names = ("customer", "counted_at_us", "net_cents")
    assert _rows(bare.orders, names) == _rows(whole.orders, names)


async def test_customers_far_apart_are_told_apart(connection: Any) -> None:
    await insert_rows(connection, random_rows(5, 8, AS_OF, CALENDAR))
    expected = await read_history(connection, 8, AS_OF)
    for table in ("orders", "category_days"):
        await connection.execute(
            f"UPDATE {table} SET customer_id = customer_id + (1::bigint << 60) WHERE customer_id > 4"
        )

    ids = np.array([1, 2, 3, 4, *(2**60 + np.arange(5, 9))])
    found = await PostgresCustomerBatch(connection, ids, as_of=AS_OF, rules=RULES).history()

    assert _rows(found.orders, found.orders.__slots__) == _orders_of(expected, range(8), None)
    assert _rows(found.category_days, found.category_days.__slots__) == _days_of(expected, range(8))
