"""The numpy facts and the SQL facts are the same facts, and so are the shown ones."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import numpy as np
import pytest
import sqlalchemy as sa
from order_histories import create_statements, insert_rows, random_rows, read_history
from sqlalchemy.dialects import postgresql

from db.facts_sql import facts_as_of, shown_fact
from domain.calendar import calendar_of, microseconds, moment_at
from domain.conditions.numpy_reader import Column
from domain.customers import measure_orders
from domain.customers.fact import FactKind
from domain.customers.fact_values import value_of
from domain.customers.facts import FACTS, STORED_FACTS
from domain.customers.measure_orders import measure_customers

CUSTOMERS = 120
MOMENTS = [
    ("midnight in Shanghai", "Asia/Shanghai", datetime(2026, 11, 22, 16, tzinfo=UTC)),
    ("Monday's midnight in Shanghai", "Asia/Shanghai", datetime(2026, 11, 15, 16, tzinfo=UTC)),
    ("an afternoon in Shanghai", "Asia/Shanghai", datetime(2026, 11, 20, 7, 30, tzinfo=UTC)),
    ("midnight after New York put its clocks back", "America/New_York", datetime(2026, 11, 9, 5, tzinfo=UTC)),
    ("midnight after New York put them forward", "America/New_York", datetime(2026, 3, 16, 4, tzinfo=UTC)),
    ("the repeated hour", "America/New_York", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
    ("a day without midnight in Sao Paulo", "America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
]


@pytest.fixture(scope="module")
async def connection(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    for statement in create_statements():
        await connection.execute(statement)
    yield connection
    await connection.close()


def _text(statement: Any, **values: Any) -> str:
    bound = statement.bindparams(**values) if values else statement
    compiled = bound.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    return str(compiled)


def _facts_text(zone: str, as_of: datetime, customers: int = CUSTOMERS) -> str:
    everyone = "{" + ",".join(str(n) for n in range(1, customers + 1)) + "}"
    return _text(facts_as_of().element, as_of=as_of.isoformat(), zone=zone, customer_ids=everyone)


def _plain(column: Column, kind: FactKind) -> list[Any]:
    values: list[Any] = column.values.tolist()
    if kind is FactKind.MOMENT:
        values = [moment_at(value) for value in values]
    known = [True] * len(values) if column.known is None else column.known.tolist()
    return [value if is_known else None for value, is_known in zip(values, known, strict=True)]


async def _differences(connection: Any, zone: str, as_of: datetime, seed: int) -> list[str]:
    calendar = calendar_of(zone)
    await insert_rows(connection, random_rows(seed, CUSTOMERS, as_of, calendar))
    history = await read_history(connection, CUSTOMERS, as_of)
    mine = measure_customers(history, as_of=as_of, calendar=calendar)
    rows = await connection.fetch(_facts_text(zone, as_of) + " ORDER BY customer_id")
    assert [row["customer_id"] for row in rows] == list(range(1, CUSTOMERS + 1))
    assert mine.keys() == {fact.name for fact in STORED_FACTS}
    return [
        f"{fact.name} of customer {n + 1}: numpy {value}, SQL {row[fact.name]}"
        for fact in STORED_FACTS
        for n, (value, row) in enumerate(zip(_plain(mine[fact.name], fact.kind), rows, strict=True))
        if value != row[fact.name]
    ]


@pytest.mark.parametrize(("words", "zone", "as_of"), MOMENTS)
async def test_every_stored_fact_of_every_customer_is_equal(
    connection: Any, words: str, zone: str, as_of: datetime
) -> None:
    assert await _differences(connection, zone, as_of, seed=1) == []


async def test_the_random_histories_are_not_vacuous(connection: Any) -> None:
    _, zone, as_of = MOMENTS[0]
    await insert_rows(connection, random_rows(1, CUSTOMERS, as_of, calendar_of(zone)))

    rows = await connection.fetch(_facts_text(zone, as_of))

    assert [fact.name for fact in STORED_FACTS if len({str(row[fact.name]) for row in rows}) < 3] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize(("words", "zone", "as_of"), MOMENTS)
async def test_equal_on_many_histories(
    connection: Any, words: str, zone: str, as_of: datetime, seed: int
) -> None:
    assert await _differences(connection, zone, as_of, seed) == []


async def test_the_session_time_zone_does_not_matter(connection: Any) -> None:
    _, zone, as_of = MOMENTS[3]
    await connection.execute("SET TIME ZONE 'America/New_York'")

    assert await _differences(connection, zone, as_of, seed=1) == []

    await connection.execute("SET TIME ZONE 'UTC'")


@pytest.mark.parametrize(
    ("words", "attribute", "value"),
    [
        ("a window a microsecond longer", "WINDOW_ENDS_US", measure_orders.WINDOW_ENDS_US + 1),
        ("a category day more", "CATEGORY_DAYS", 181),
        ("two intervals are enough", "MINIMUM_INTERVALS", 2),
        ("coarser weekly shares", "SHARE_BITS", 12),
        ("the running week counts", "last_whole_week", lambda day: (day + 4) // 7),
        ("online is the app only", "ONLINE_CHANNELS", measure_orders.ONLINE_CHANNELS[:1]),
        ("future orders count", "_until", lambda orders, as_of_us: orders),
    ],
)
async def test_a_planted_fault_is_noticed(
    connection: Any, monkeypatch: pytest.MonkeyPatch, words: str, attribute: str, value: Any
) -> None:
    monkeypatch.setattr(measure_orders, attribute, value)

    assert await _differences(connection, *MOMENTS[0][1:], seed=1) != []


async def test_every_shown_fact_is_the_same_in_python_and_in_sql(connection: Any) -> None:
    _, zone, as_of = MOMENTS[2]
    await insert_rows(connection, random_rows(1, CUSTOMERS, as_of, calendar_of(zone)))
    moment = sa.literal_column(f"TIMESTAMPTZ '{as_of.isoformat()}'", sa.TIMESTAMP(timezone=True))
    types = {fact.name: facts_as_of().selected_columns[fact.name].type for fact in STORED_FACTS}
    shown = [fact for fact in FACTS if not fact.per_category]
    columns = ", ".join(
        f"{_text(shown_fact(fact, lambda name: sa.column(name, types[name]), moment))} AS shown_{fact.name}"
        for fact in shown
    )

    rows = await connection.fetch(f"SELECT f.*, {columns} FROM ({_facts_text(zone, as_of)}) AS f")

    assert len(rows) == CUSTOMERS
    assert [
        (row["customer_id"], fact.name)
        for row in rows
        for fact in shown
        if row[f"shown_{fact.name}"] != value_of(fact, row, as_of)
    ] == []


async def test_a_customer_without_orders_has_facts_too(connection: Any) -> None:
    _, zone, as_of = MOMENTS[0]
    for table in ("orders", "category_days", "referrals"):
        await connection.execute(f"TRUNCATE {table}")

    (row,) = await connection.fetch(_facts_text(zone, as_of, customers=1))
    history = await read_history(connection, 1, as_of)
    mine = measure_customers(history, as_of=as_of, calendar=calendar_of(zone))

    assert row["orders_all_time"] == 0
    assert row["category_spend_180d"] == [0] * 64
    assert [f.name for f in STORED_FACTS if row[f.name] is None] == [
        f.name for f in STORED_FACTS if f.nullable
    ]
    assert all(_plain(mine[fact.name], fact.kind) == [row[fact.name]] for fact in STORED_FACTS)


async def test_one_customer_measured_alone_has_the_facts_of_the_batch(connection: Any) -> None:
    _, zone, as_of = MOMENTS[0]
    calendar = calendar_of(zone)
    await insert_rows(connection, random_rows(1, CUSTOMERS, as_of, calendar))
    batch = measure_customers(
        await read_history(connection, CUSTOMERS, as_of), as_of=as_of, calendar=calendar
    )
    await connection.execute("DELETE FROM orders WHERE customer_id <> 1")
    await connection.execute("DELETE FROM category_days WHERE customer_id <> 1")
    await connection.execute("DELETE FROM referrals WHERE referrer_id <> 1")

    alone = measure_customers(await read_history(connection, 1, as_of), as_of=as_of, calendar=calendar)

    for name, column in alone.items():
        assert np.array_equal(column.values[0], batch[name].values[0]), name


def test_microseconds_and_moments_are_exact() -> None:
    moment = datetime(2026, 11, 22, 16, 0, 0, 1, tzinfo=UTC)

    assert moment_at(microseconds(moment)) == moment
