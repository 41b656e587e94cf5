"""Random order histories full of edges, written to the tables and read back as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from db import tables as t
from db.binary_copy import WireColumn, read_columns
from domain.calendar import DAY_US, Calendar, microseconds
from domain.customers.order_arrays import CategoryDayArrays, CustomerHistory, OrderArrays

_STEADY = {"status": 2, "charged_cents": 9_999, "refunded_cents": 0}
EDGE_DAYS = (0, 1, 7, 30, 90, 91, 92, 180, 365, 400)
TABLES = (t.orders, t.category_days, t.referrals)
ORDER_COLUMNS = (
    WireColumn("customer_id", "int8"),
    WireColumn("counted_at", "timestamptz"),
    WireColumn("net_cents", "int8"),
    WireColumn("is_refunded", "bool"),
    WireColumn("channel", "int2"),
    WireColumn("line_cents", "int8"),
    WireColumn("high_margin_cents", "int8"),
    WireColumn("organic_cents", "int8"),
    WireColumn("imported_cents", "int8"),
)
DAY_COLUMNS = (
    WireColumn("customer_id", "int8"),
    WireColumn("day", "date"),
    WireColumn("category_id", "int2"),
    WireColumn("orders", "int4"),
    WireColumn("spend_cents", "int8"),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is inserted; moments and days as PostgreSQL takes them."""

    orders: list[dict[str, Any]]
    category_days: list[dict[str, Any]]
    referrals: list[dict[str, Any]]


def create_statements() -> list[str]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return [str(CreateTable(table).compile(dialect=dialect)) for table in TABLES]


def random_rows(seed: int, customers: int, as_of: datetime, calendar: Calendar) -> Rows:
    random = np.random.default_rng(seed)
    orders = [
        _order(random, customer, as_of, calendar)
        for customer in range(1, customers + 1)
        for _ in range(int(random.choice([0, 1, 2, 4, 5, 40], p=[0.1, 0.2, 0.2, 0.2, 0.2, 0.1])))
    ]
    orders += [
        {**_order(random, customer, as_of, calendar), **_STEADY, "placed_at": at, "paid_at": at}
        for customer in range(5, customers + 1, 5)
        for at in _weekly(random, as_of)
    ]
    return Rows(orders, _category_days(random, customers, as_of), _referrals(random, customers, as_of))


def _order(random: Any, customer: int, as_of: datetime, calendar: Calendar) -> dict[str, Any]:
    charged = int(random.choice([0, 1, 199, random.integers(0, 10**6), random.integers(0, 2**30)]))
    refunded = int(random.choice([0, 0, 0, charged // 3, charged]))
    line = int(random.integers(0, charged + 2))
    parts = {name: int(random.integers(0, line + 1)) for name in ("high_margin", "organic", "imported")}
    paid = random.random() < 0.8
    at = _moment(random, as_of, calendar)
    return {
        "customer_id": customer,
        "placed_at": at - timedelta(hours=1) if paid else at,
        "stated_at": at,
        "paid_at": at if paid else None,
        "status": int(random.choice([1, 2, 2, 3, 3, 3, 4, 5])),
        "channel": int(random.integers(1, 7)),
        "charged_cents": charged,
        "refunded_cents": refunded,
        "line_cents": line,
        **{f"{name}_cents": cents for name, cents in parts.items()},
    }


def _moment(random: Any, as_of: datetime, calendar: Calendar) -> datetime:
    """On a window's edge, at a local midnight, or anywhere in 400 days; sometimes in the future."""
    shift = timedelta(microseconds=int(random.integers(-1, 2)))
    kind = random.random()
    if kind < 0.3:
        return as_of - timedelta(days=int(random.choice(EDGE_DAYS))) + shift
    if kind < 0.6:
        day = calendar.last_whole_day(microseconds(as_of)) - int(random.integers(-3, 110))
        return calendar.end_of_day(day) + shift
    return as_of - timedelta(microseconds=int(random.integers(-2 * DAY_US, 400 * DAY_US)))


def _weekly(random: Any, as_of: datetime) -> list[datetime]:
    return [
        as_of - timedelta(hours=int(random.integers(0, 24 * 95)))
        for _ in range(int(random.choice([30, 60, 120])))
    ]


def _category_days(random: Any, customers: int, as_of: datetime) -> list[dict[str, Any]]:
    keys = {
        (
            int(random.integers(1, customers + 1)),
            int(random.choice([-2, -1, 0, 1, 2, 90, 178, 179, 180, 181, 182])),
            int(random.choice([0, 1, 7, 63])),
        )
        for _ in range(customers * 4)
    }
    return [
        {
            "customer_id": customer,
            "day": as_of.date() - timedelta(days=age),
            "category_id": category,
            "orders": int(random.integers(1, 4)),
            "spend_cents": int(random.integers(0, 2**30)),
        }
        for customer, age, category in sorted(keys)
    ]


def _referrals(random: Any, customers: int, as_of: datetime) -> list[dict[str, Any]]:
    return [
        {
            "customer_id": customer,
            "referrer_id": int(random.integers(1, customers + 1)),
            "referred_at": as_of + timedelta(microseconds=int(random.choice([-DAY_US, 0, 1]))),
        }
        for customer in range(1, customers + 1, 2)
    ]


async def insert_rows(connection: Any, rows: Rows) -> None:
    """Replaces what the tables hold."""
    for table in TABLES:
        await connection.execute(f"TRUNCATE {table.name}")
    numbered = [
        {"order_id": n, "source_id": 1, "external_id": str(n), **order} for n, order in enumerate(rows.orders)
    ]
    for name, records in (
        ("orders", numbered),
        ("category_days", rows.category_days),
        ("referrals", rows.referrals),
    ):
        if records:
            columns = list(records[0])
            values = [tuple(record[column] for column in columns) for record in records]
            await connection.copy_records_to_table(name, records=values, columns=columns)


async def read_history(connection: Any, customers: int, as_of: datetime) -> CustomerHistory:
    """The arrays of customers 1 to `customers`, by binary COPY."""
    names = ", ".join(column.name for column in ORDER_COLUMNS).replace("is_refunded", "refunded_cents > 0")
    counted = f"SELECT {names} FROM orders WHERE counted_at IS NOT NULL ORDER BY customer_id, counted_at"
    orders = await read_columns(connection, counted, ORDER_COLUMNS)
    names = ", ".join(column.name for column in DAY_COLUMNS)
    days = await read_columns(connection, f"SELECT {names} FROM category_days", DAY_COLUMNS)
    brought = await connection.fetch("SELECT referrer_id FROM referrals WHERE referred_at <= $1", as_of)
    referrers = np.array([row["referrer_id"] for row in brought], np.int64)
    return CustomerHistory(
        customers,
        OrderArrays(*_integers(orders, ORDER_COLUMNS)),
        CategoryDayArrays(*_integers(days, DAY_COLUMNS)),
        np.bincount(referrers - 1, minlength=customers) if len(referrers) else np.zeros(customers, np.int64),
        np.arange(1, customers + 1),
    )


def _integers(read: dict[str, Any], columns: Sequence[WireColumn]) -> list[Any]:
    first, *others = (read[column.name].astype(np.int64) for column in columns)
    return [first - 1, *others]


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
