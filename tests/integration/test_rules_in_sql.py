"""PostgreSQL reads shipped tier rules and labels as numpy does, bounds and unknowns included."""

import asyncio
from typing import Any

import asyncpg
import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from tier_cases import columns_of

from db.condition_sql import SqlReader
from domain.conditions.catalogue import used_facts, used_labels, used_policies
from domain.conditions.expression import Condition, Fact
from domain.conditions.numpy_reader import NumpyReader
from domain.customers.facts import CONDITION_INPUTS
from domain.labels.rules import LABELS
from domain.tiers.evaluation import read_rule
from domain.tiers.presets.kuailv_grade import HighMarginMode, kuailv_rule

ROWS = 400
LABEL_CONDITIONS = [
    label.condition
    for label in LABELS
    if label.condition and not used_labels(label.condition) and not used_policies(label.condition)
]
TIER_CONDITIONS = [test for mode in HighMarginMode for test in read_rule(kuailv_rule(mode)).rank_tests]
CONDITIONS: list[Condition] = [*TIER_CONDITIONS, *LABEL_CONDITIONS]
NAMES = sorted(set().union(*map(used_facts, CONDITIONS)))


def _value(name: str, random: np.random.Generator) -> int | None:
    fact = CONDITION_INPUTS[name]
    assert isinstance(fact, Fact)
    if fact.nullable and random.random() < 0.2:
        return None
    ends = (fact.lo, fact.hi, 0, 1, 3, 30, 31, 90, 91)
    if random.random() < 0.3:
        return int(random.choice(ends))
    usual = 12_000_000 if fact.unit == "cents" else 60
    return int(random.integers(0, min(fact.hi, usual)))


def _column(name: str) -> sa.ColumnElement[Any]:
    fact = CONDITION_INPUTS[name]
    assert isinstance(fact, Fact)
    return sa.column(name, sa.BigInteger if fact.hi > 2**31 - 1 else sa.Integer)


def _where(condition: Condition) -> str:
    reader = SqlReader(_column, sa.literal_column("now()"))
    return str(reader.condition(condition).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


async def _found_in_sql(database_url: str, customers: list[dict[str, int | None]]) -> list[set[int]]:
    connection = await asyncpg.connect(database_url)
    columns = ", ".join(f'"{name}" {_column(name).type.compile()}' for name in NAMES)
    await connection.execute(f"CREATE TEMP TABLE facts (row int, {columns})")
    records = [(row, *(customer[name] for name in NAMES)) for row, customer in enumerate(customers)]
    await connection.copy_records_to_table("facts", records=records)
    found = [await connection.fetch(f"SELECT row FROM facts WHERE {_where(c)}") for c in CONDITIONS]
    await connection.close()
    return [{record["row"] for record in answer} for answer in found]


def test_sql_finds_the_customers_that_numpy_finds(database_url: str) -> None:
    random = np.random.default_rng(7)
    customers = [{name: _value(name, random) for name in NAMES} for _ in range(ROWS)]
    reader = NumpyReader(columns_of(customers), 0, ROWS)

    in_memory = [set(np.flatnonzero(reader.condition(c)).tolist()) for c in CONDITIONS]

    assert asyncio.run(_found_in_sql(database_url, customers)) == in_memory
    assert sum(1 for rows in in_memory if 0 < len(rows) < ROWS) > len(CONDITIONS) * 0.8
