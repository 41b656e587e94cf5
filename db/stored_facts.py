"""`domain.standings.preview_policy.StoredBase` over PostgreSQL: COPY of a few columns, block by block of ids.

Reading takes no lock that anybody waits for, and gives its connection back after each block.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import numpy as np

from db.binary_copy import Array, WireColumn, read_columns
from db.review_store import GREATEST
from db.review_writes import FACT_WIRE
from db.standing_store import answering
from db.tables.facts import FACT_COLUMNS
from domain.conditions.numpy_reader import Column
from domain.standings.preview_policy import StoredFactsBlock

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

    async def blocks(self, facts: Sequence[str], policy_id: int) -> AsyncIterator[StoredFactsBlock]:
        async with answering():
            greatest: int = await self._pool.fetchval(GREATEST)
        for first in range(0, greatest + 1, BLOCK_CUSTOMERS):
            async with answering(), self._pool.acquire() as connection:
                found = await read_block(connection, facts, policy_id, first)
            if len(found.ranks):
                yield found


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
