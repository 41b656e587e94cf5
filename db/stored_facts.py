"""`domain.standings.preview_policy.LiveBase` over PostgreSQL: COPY of a few columns, block by block of ids.

Reading takes no lock that anybody waits for, and gives its connection back after each block.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np
from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from db import tables as t
from db.binary_copy import Array, WireColumn, read_columns
from db.review_store import GREATEST
from db.review_writes import FACT_WIRE
from db.standing_store import answering
from db.standings_reads import PostgresStandings
from db.tables.facts import FACT_COLUMNS
from domain.conditions.numpy_reader import Booleans, Column
from domain.standings.measured_base import MeasuredBase
from domain.standings.preview_policy import ChosenCustomers, StoredBase, StoredFactsBlock

BLOCK_CUSTOMERS = 65_536
FACT_TYPES = {wire.name: wire for wire in FACT_WIRE[1:]}
NULLABLE = {fact.name for fact in FACT_COLUMNS if fact.nullable}
BLOCK = """
SELECT customer_id, ((raw_tiers >> {shift}) & 255)::smallint{values}
FROM customer_facts JOIN customer_standings USING (customer_id)
WHERE customer_id >= {first} AND customer_id < {last}
"""


class PostgresStoredFacts:
    """Over a pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    def at(self, moment: datetime) -> StoredBase:
        return MeasuredBase(PostgresStandings(self._pool, moment))

    def chosen_by(self, condition: ColumnElement[bool]) -> ChosenCustomers:
        """Over the columns of `customers`."""
        return PostgresChosenCustomers(self._pool, condition)

    async def blocks(self, facts: Sequence[str], policy_id: int) -> AsyncIterator[StoredFactsBlock]:
        async with answering():
            greatest: int = await self._pool.fetchval(GREATEST)
        for first in range(0, greatest + 1, BLOCK_CUSTOMERS):
            async with answering(), self._pool.acquire() as connection:
                found = await read_block(connection, facts, policy_id, first)
            if len(found.ranks):
                yield found


@dataclass(frozen=True, slots=True)
class PostgresChosenCustomers:
    """`domain.standings.preview_policy.ChosenCustomers`: asked block by block, with the values as parameters."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    condition: ColumnElement[bool]

    async def among(self, customer_ids: Array) -> Booleans:
        if not len(customer_ids):
            return np.zeros(0, np.bool_)
        first, last = int(customer_ids[0]), int(customer_ids[-1])
        return np.isin(customer_ids, await self.between(first, last))

    async def everybody(self) -> Array:
        async with answering():
            greatest: int = await self.pool.fetchval(GREATEST)
        blocks = range(0, greatest + 1, BLOCK_CUSTOMERS)
        found = [await self.between(first, first + BLOCK_CUSTOMERS - 1) for first in blocks]
        return np.sort(np.concatenate(found))

    async def between(self, first: int, last: int) -> Array:
        """Those of these ids, in any order."""
        column = t.customers.c.customer_id
        query = select(column).where(column.between(first, last), self.condition)
        compiled: Any = query.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        values = [compiled.params[name] for name in compiled.positiontup or []]
        async with answering():
            rows = await self.pool.fetch(compiled.string, *values)
        return np.array([row[0] for row in rows], np.int64)


async def read_block(connection: Any, facts: Sequence[str], policy_id: int, first: int) -> StoredFactsBlock:
    nullable = [name for name in facts if name in NULLABLE]
    values = [*map(selected, facts), *(f"{name} IS NOT NULL" for name in nullable)]
    query = BLOCK.format(
        shift=8 * policy_id,
        values="".join(f", {value}" for value in values),
        first=first,
        last=first + BLOCK_CUSTOMERS,
    )
    columns = [
        WireColumn("customer_id", "int8"),
        WireColumn("rank", "int2"),
        *(FACT_TYPES[name] for name in facts),
        *(WireColumn(f"{name} known", "bool") for name in nullable),
    ]
    found = sorted_by_id(await read_columns(connection, query, columns))
    return StoredFactsBlock(
        found["customer_id"],
        {name: column_of(found, name) for name in facts},
        found["rank"].astype(np.uint8),
    )


def sorted_by_id(found: dict[str, Array]) -> dict[str, Array]:
    """So that the same customers are samples each time; the server gives them as it likes."""
    order = np.argsort(found["customer_id"], kind="stable")
    return {name: values[order] for name, values in found.items()}


def column_of(found: dict[str, Array], name: str) -> Column:
    return Column(found[name], found.get(f"{name} known"))


def selected(name: str) -> str:
    if name not in NULLABLE:
        return name
    return f"coalesce({name}, {'to_timestamp(0)' if FACT_TYPES[name].type == 'timestamptz' else 0})"
