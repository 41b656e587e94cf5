"""`domain.standings.compare.StoredCustomers` over PostgreSQL: reads everything, locks and writes nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from db.binary_copy import WireColumn
from db.review_reads import PostgresCustomerBatch
from db.review_store import BLOCK_CUSTOMERS, GREATEST, IDS_OF_BLOCK, read_ids
from db.review_writes import FACT_WIRE
from db.rules_in_force import RulesInForce
from db.standing_store import answering
from db.tables.facts import FACT_COLUMNS
from domain.conditions.numpy_reader import Booleans, Column
from domain.standings.compute_standings import POLICY_SLOTS

NULLABLE = [fact.name for fact in FACT_COLUMNS if fact.nullable]
STORED_FACTS = f"""
SELECT customer_id, {
    ", ".join(
        f"coalesce({wire.name}, {'to_timestamp(0)' if wire.type == 'timestamptz' else 0})"
        for wire in FACT_WIRE[1:]
    )
}, {", ".join(f"{name} IS NOT NULL" for name in NULLABLE)}
FROM customer_facts WHERE {{chosen}}
"""
STORED_FACT_COLUMNS = (*FACT_WIRE, *(WireColumn(f"{name} known", "bool") for name in NULLABLE))
READABLE_RANKS = (
    "SELECT customer_id, policy_id, coalesce(rank, 0)::smallint FROM tier_standings WHERE {chosen}"
)
READABLE_COLUMNS = (
    WireColumn("customer_id", "int8"),
    WireColumn("policy_id", "int2"),
    WireColumn("rank", "int2"),
)
WAITING = "SELECT customer_id FROM dirty_customers WHERE {chosen}"
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


class PostgresStandings:
    """`as_of` None: the live moment."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", as_of: datetime | None = None) -> None:
        self._pool = pool
        self._as_of = as_of
        self._in_force = RulesInForce()

    async def blocks(self) -> int:
        async with answering():
            greatest: int = await self._pool.fetchval(GREATEST)
        return greatest // BLOCK_CUSTOMERS + 1

    @asynccontextmanager
    async def stored_block(self, number: int) -> AsyncIterator["PostgresStoredBatch"]:
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SNAPSHOT)
            live = await self._in_force.read(connection, self._as_of)
            first, last = number * BLOCK_CUSTOMERS, (number + 1) * BLOCK_CUSTOMERS
            ids = await read_ids(connection, IDS_OF_BLOCK.format(first=first, last=last))
            batch = PostgresStoredBatch(connection, ids, as_of=self._as_of or live.as_of, rules=live.rules)
            batch.is_dense = True
            yield batch


class PostgresStoredBatch(PostgresCustomerBatch):
    """`domain.standings.compare.StoredBatch`."""

    async def stored_facts(self) -> Mapping[str, Column]:
        at, *values = await self.read(STORED_FACTS, STORED_FACT_COLUMNS)
        found: dict[str, NDArray[Any]] = {}
        for column, of_column in zip(STORED_FACT_COLUMNS[1:], values, strict=True):
            found[column.name] = np.zeros(self.size, of_column.dtype)
            found[column.name][at] = of_column
        return {fact.name: Column(found[fact.name], found.get(f"{fact.name} known")) for fact in FACT_COLUMNS}

    async def readable_ranks(self) -> NDArray[np.uint8]:
        at, policy_id, rank = await self.read(READABLE_RANKS, READABLE_COLUMNS)
        ranks = np.zeros((self.size, POLICY_SLOTS), np.uint8)
        ranks[at, policy_id] = rank
        return ranks

    async def is_waiting(self) -> Booleans:
        waits = np.zeros(self.size, np.bool_)
        (at,) = await self.read(WAITING, (WireColumn("customer_id", "int8"),))
        waits[at] = True
        return waits
