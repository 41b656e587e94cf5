"""Batches of checked rows: ranges of customers, so that all rows of a customer are in one, and what they did."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.import_checks import GOOD
from domain.ingest.mapping import Section

BATCH_ROWS = 150_000


@dataclass(frozen=True, slots=True)
class Applied:
    """Rows that made something new, and rows that changed something."""

    new: int = 0
    changed: int = 0

    def __add__(self, other: "Applied") -> "Applied":
        return Applied(self.new + other.new, self.changed + other.changed)


@dataclass(frozen=True, slots=True)
class BatchDone:
    """What a batch did; `unequal` orders have lines that do not add up to what was charged."""

    orders: Applied = Applied()
    lines: Applied = Applied()
    unequal: int = 0

    def __add__(self, other: "BatchDone") -> "BatchDone":
        return BatchDone(self.orders + other.orders, self.lines + other.lines, self.unequal + other.unequal)


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict's table, and what its file says."""

    table: str
    section: Section


@dataclass(frozen=True, slots=True)
class Customers:
    """A half open range of customer ids; None has no end."""

    first: int
    before: int | None

    def condition(self) -> str:
        upper = f" AND customer_id < {self.before}" if self.before is not None else ""
        return f"customer_id >= {self.first}{upper}"

    def good(self, checked: Checked, *, new: bool) -> str:
        """The good rows of orders that are new, or of those that were there before."""
        kept = "is_new" if new else "NOT is_new"
        return f"(SELECT * FROM {checked.table} WHERE {GOOD} AND {kept} AND {self.condition()})"


async def batches(
    connection: asyncpg.Connection, tables: Sequence[str], rows: int = BATCH_ROWS
) -> list[Customers]:
    """Ranges of about `rows` good rows each, of all tables together."""
    of_all = " UNION ALL ".join(
        f"SELECT customer_id, count(*) AS rows FROM {table} WHERE {GOOD} GROUP BY customer_id"
        for table in tables
    )
    firsts = await connection.fetch(
        f"""
        SELECT min(customer_id) AS first FROM (
            SELECT customer_id, (sum(rows) OVER (ORDER BY customer_id) - 1)::bigint / {rows} AS batch
            FROM (SELECT customer_id, sum(rows) AS rows FROM ({of_all}) r GROUP BY customer_id) c
        ) r GROUP BY batch ORDER BY first
        """
    )
    bounds = [row["first"] for row in firsts]
    ends = [*bounds[1:], None][: len(bounds)]
    return [Customers(*pair) for pair in zip(bounds, ends, strict=True)]


async def side_by_side(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Runs them together; the first fault ends the others and is raised as itself, not as a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from faults
