"""Batches of customers to look at again: taken under locks, in one transaction each.

Who computes or changes a customer holds the lock of its row in `customers` until the commit. A batch takes only
customers whose row and dirty mark nobody holds, and after that waits for nothing but the turn to publish, so that
no two batches compute one customer and no deadlock has a batch in it. An event that comes meanwhile waits for the
row and marks the customer anew.

A batch also shares LIVE_LOCK, which the night takes alone to move `live_as_of` on: all batches before it are
committed and all after it read the new moment.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from db.binary_copy import WireColumn, read_arrays
from db.review_reads import Ids, PostgresCustomerBatch
from db.review_writes import write_changes
from db.rules_in_force import LiveState, RulesInForce
from db.tier_lives import find_lives, find_some_lives, read_held
from db.version_writes import write_versions
from domain.conditions.numpy_reader import Booleans
from domain.standings.changes import StandingChanges
from domain.standings.lives import StoredLives
from domain.standings.review_customers import Clock
from domain.standings.still import HeldStandings
from domain.tiers.life_days import NEVER_DAY
from domain.tiers.transition import Occasion, TierReason

BLOCK_CUSTOMERS = 10_000
"""Ids that a full run takes at a time: large enough for streaming, small enough that events do not wait long."""
LIVE_LOCK = 361
URGENT_CUSTOMERS, OTHER_CUSTOMERS = 200, 4_000
"""Most in a batch when an event waits, and when only the night's or an import's customers do."""

BEGIN = f"""
SELECT pg_advisory_xact_lock_shared({LIVE_LOCK});
SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off
"""
TAKE_DIRTY = f"""
WITH first AS (
  SELECT urgency FROM dirty_customers WHERE problem IS NULL ORDER BY urgency, marked_at LIMIT 1
), taken AS MATERIALIZED (
  SELECT d.customer_id FROM dirty_customers AS d JOIN customers AS c USING (customer_id)
  WHERE d.problem IS NULL ORDER BY d.urgency, d.marked_at
  LIMIT (SELECT CASE urgency WHEN 0 THEN {URGENT_CUSTOMERS} ELSE {OTHER_CUSTOMERS} END FROM first)
  FOR NO KEY UPDATE OF d, c SKIP LOCKED
)
DELETE FROM dirty_customers AS d USING taken WHERE d.customer_id = taken.customer_id
RETURNING d.customer_id, d.reason, d.order_cents, d.touched_at
"""
TAKE_CHOSEN = """
WITH held AS MATERIALIZED (
  SELECT customer_id FROM customers WHERE customer_id = ANY($1::bigint[])
  ORDER BY customer_id FOR NO KEY UPDATE SKIP LOCKED
), marks AS MATERIALIZED (
  SELECT d.customer_id FROM dirty_customers AS d JOIN held USING (customer_id) FOR UPDATE OF d SKIP LOCKED
), taken AS (
  DELETE FROM dirty_customers AS d USING marks WHERE d.customer_id = marks.customer_id
  RETURNING d.customer_id, d.reason, d.order_cents, d.touched_at
)
SELECT customer_id, reason, order_cents, touched_at FROM held LEFT JOIN taken USING (customer_id)
"""
IDS_OF_BLOCK = "SELECT customer_id FROM customers WHERE customer_id >= {first} AND customer_id < {last}"
HOLD_BLOCK = IDS_OF_BLOCK + " ORDER BY customer_id FOR NO KEY UPDATE SKIP LOCKED"
TAKE_MARKS = """
WITH marks AS MATERIALIZED (
  SELECT customer_id FROM dirty_customers WHERE customer_id = ANY($1::bigint[]) FOR UPDATE SKIP LOCKED
)
DELETE FROM dirty_customers AS d USING marks WHERE d.customer_id = marks.customer_id
RETURNING d.customer_id, d.reason, d.order_cents, d.touched_at
"""
MARKED_IN_BLOCK = (
    "SELECT customer_id FROM dirty_customers WHERE customer_id >= {first} AND customer_id < {last}"
)
ID = (WireColumn("customer_id", "int8"),)
GREATEST = "SELECT coalesce(max(customer_id), -1) FROM customers"
MARK_LEFT_OUT = """
INSERT INTO dirty_customers (customer_id, reason) SELECT customer_id, 'RECOMPUTE'
FROM unnest($1::bigint[]) AS customer_id ORDER BY customer_id ON CONFLICT DO NOTHING
"""
SET_ASIDE = """
INSERT INTO dirty_customers (customer_id, reason, problem) VALUES ($1, 'EVENT', $2)
ON CONFLICT (customer_id) DO UPDATE SET problem = excluded.problem
"""
REASONS = {
    "EVENT": TierReason.EVENT,
    "IMPORT": TierReason.EVENT,
    "NIGHT": TierReason.DAILY,
    "POLICY_CHANGE": TierReason.POLICY_CHANGE,
}

UNMARKED: Mapping[str, Any] = {"reason": "", "order_cents": None, "touched_at": None}


class PostgresReviewStore:
    """`domain.standings.review_customers.ReviewStore` and `domain.standings.recompute.CustomerBlocks`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._in_force = RulesInForce()

    @asynccontextmanager
    async def next_dirty(self) -> AsyncIterator["PostgresReviewBatch"]:
        async with self._batch() as begun:
            yield batch_of(begun, await begun.connection.fetch(TAKE_DIRTY))

    @asynccontextmanager
    async def chosen(self, customer_ids: Sequence[int]) -> AsyncIterator["PostgresReviewBatch"]:
        async with self._batch() as begun:
            yield batch_of(begun, await begun.connection.fetch(TAKE_CHOSEN, list(customer_ids)))

    @asynccontextmanager
    async def block(self, number: int) -> AsyncIterator["PostgresReviewBatch"]:
        """Customers whom somebody else holds are left out and marked, so that the worker looks at them."""
        bounds = {"first": number * BLOCK_CUSTOMERS, "last": (number + 1) * BLOCK_CUSTOMERS}
        async with self._pool.acquire() as connection:
            all_ids = await read_ids(connection, IDS_OF_BLOCK.format(**bounds))
        async with self._batch() as begun:
            ids = await read_ids(begun.connection, HOLD_BLOCK.format(**bounds))
            marked = await read_ids(begun.connection, MARKED_IN_BLOCK.format(**bounds))
            held = marked[np.isin(marked, ids)].tolist()
            marks = await begun.connection.fetch(TAKE_MARKS, held) if held else []
            batch = PostgresReviewBatch(begun, ids, {row["customer_id"]: row for row in marks})
            batch.is_dense = True
            yield batch
        left_out = all_ids[~np.isin(all_ids, batch.ids)]
        if len(left_out):
            await self._pool.execute(MARK_LEFT_OUT, left_out.tolist())

    async def blocks(self) -> int:
        greatest: int = await self._pool.fetchval(GREATEST)
        return greatest // BLOCK_CUSTOMERS + 1

    async def set_aside(self, customer_id: int, problem: str) -> None:
        """Computing this customer fails: nobody tries again before the next event or night."""
        await self._pool.execute(SET_ASIDE, customer_id, problem)

    @asynccontextmanager
    async def _batch(self) -> AsyncIterator["Begun"]:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(BEGIN)
            yield Begun(connection, await self._in_force.read(connection), self._clock())


@dataclass(frozen=True, slots=True)
class Begun:
    """The transaction of a batch before its customers are taken."""

    connection: Any
    live: LiveState
    decided_at: datetime


async def read_ids(connection: Any, query: str) -> Ids:
    """Ascending. As one array: for many, rows cost more than everything that is done with them."""
    one_row = f"SELECT array_agg(customer_id) FROM ({query}) AS found"
    ids = (await read_arrays(connection, one_row, ID))["customer_id"]
    ids.sort()
    return ids


def batch_of(begun: Begun, taken: Sequence[Mapping[str, Any]]) -> "PostgresReviewBatch":
    """`taken`: customers with the mark of each, whose reason is null where there was none."""
    ids = np.array(sorted(row["customer_id"] for row in taken), np.int64)
    marks = {row["customer_id"]: row for row in taken if row["reason"] is not None}
    return PostgresReviewBatch(begun, ids, marks)


class PostgresReviewBatch(PostgresCustomerBatch):
    """`marks`: the dirty marks of customers who had one, by id."""

    def __init__(self, begun: Begun, ids: Ids, marks: Mapping[int, Mapping[str, Any]]) -> None:
        super().__init__(begun.connection, ids, as_of=begun.live.as_of, rules=begun.live.rules)
        self.decided_at = begun.decided_at
        self._marks = marks
        self._unmarked = self._occasion_of(UNMARKED)

    def occasion(self, row: int) -> Occasion:
        mark = self._marks.get(int(self.ids[row])) if self._marks else None
        return self._occasion_of(mark) if mark else self._unmarked

    def _occasion_of(self, mark: Mapping[str, Any]) -> Occasion:
        return Occasion(
            reason=REASONS.get(mark["reason"], TierReason.CORRECTION),
            as_of=self.as_of,
            decided_at=self.decided_at,
            order_cents=mark["order_cents"],
            touched_at=mark["touched_at"],
        )

    def marked(self) -> Booleans:
        """Those of whom an order changed."""
        found = np.zeros(self.size, np.bool_)
        touched = [one for one, mark in self._marks.items() if mark["touched_at"] is not None]
        found[np.searchsorted(self.ids, touched)] = True
        return found

    async def held(self, rows: NDArray[np.intp]) -> HeldStandings:
        ids = self.ids[rows]
        found = await read_held(self.connection, ids.tolist())
        return HeldStandings(
            rows=rows[np.searchsorted(ids, found["customer_id"])],
            policy_ids=found["policy_id"].astype(np.intp),
            version_ids=found["version_id"],
            base_ranks=found["base_rank"].astype(np.int64),
            before_ranks=found["before_rank"].astype(np.int64),
            base_since_us=found["base_since"],
            valid_day=np.where(
                found["has_end"], self.rules.calendar.day_numbers(found["valid_until"]), NEVER_DAY
            ),
            is_lent=found["is_lent"],
            is_pending=found["is_pending"],
        )

    async def lives(self, rows: NDArray[np.intp], wanted: Booleans) -> StoredLives:
        ids = self.ids[rows]
        places, policies = np.nonzero(wanted[rows])
        if wanted[rows].all():
            found = await find_lives(self.connection, ids.tolist(), self.rules.calendar)
        else:
            customers = ids[places].tolist()
            found = await find_some_lives(self.connection, customers, policies.tolist(), self.rules.calendar)
        place = dict(zip(ids.tolist(), rows.tolist(), strict=True))
        return {(place[customer_id], policy_id): one for (customer_id, policy_id), one in found.items()}

    async def write(self, changes: StandingChanges) -> None:
        await write_versions(self.connection, self.ids, changes, self.rules)
        await write_changes(
            self.connection,
            self.ids,
            changes,
            as_of=self.as_of,
            decided_at=self.decided_at,
            calendar=self.rules.calendar,
        )
