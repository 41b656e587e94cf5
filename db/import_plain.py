"""The short way of orders and their lines that are plainly right: from the file through numpy into their tables.

Nothing is staged and nothing cast by SQL; the tables are filled by binary COPY, sums and days by category in the
same stream. What is not plainly right is left to `db.import_checks`, which gives reasons.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.binary_copy import WireColumn, read_columns
from db.import_batches import Applied, BatchDone, side_by_side
from db.import_marks import mark_customers
from db.import_orders import SOURCE_LOCK
from db.import_plain_batches import Batch, Plain, Stream, batches, make_batch, sort_plain
from db.import_plain_cells import Booleans, Integers
from db.import_plain_checks import judge
from db.import_plain_rows import PlainRows
from db.import_runs import count_changes
from db.import_staging import asynchronous
from domain.calendar import Calendar

BATCH_ROWS = 75_000
NEW_ORDER_IDS = (
    "SELECT nextval((SELECT pg_get_serial_sequence('orders', 'order_id'))::regclass) AS order_id "
    "FROM generate_series(1, {count})"
)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Where rows go: connections that take turns, the source, the runs of orders and of lines."""

    connections: Sequence[Any]
    source_id: int
    calendar: Calendar
    runs: Sequence[int]


@dataclass(slots=True, eq=False)
class Left:
    """What came of it, and the rows of each file that are left to be judged."""

    done: BatchDone
    left: list[Booleans]


async def take_plain(
    target: Target, orders: PlainRows, lines: PlainRows | None, advance: Callable[[int], None]
) -> Left:
    """Each batch of customers in a transaction. Should an event have stored an order of a batch meanwhile, that
    batch is left to be judged."""
    judged = await judge(target.connections[0], target.source_id, orders, lines)
    plain = await asyncio.to_thread(sort_plain, judged, orders, lines)
    left = Left(BatchDone(), [~judged.orders, ~judged.lines][: 1 if lines is None else 2])
    parts = list(batches(plain, BATCH_ROWS))[::-1]

    async def work(connection: Any) -> None:
        while parts:
            part = parts.pop()
            ids = await new_order_ids(connection, part.stop - part.start)
            batch = await asyncio.to_thread(make_batch, plain, part, ids, target.calendar, target.source_id)
            try:
                done = await store(connection, target, batch, has_lines=lines is not None)
            except asyncpg.UniqueViolationError:
                leave(left, plain, part)
                continue
            left.done += done
            advance(left.done.orders.new)

    await side_by_side([work(connection) for connection in target.connections[: len(parts)]])
    return left


async def new_order_ids(connection: Any, count: int) -> Integers:
    found = await read_columns(
        connection, NEW_ORDER_IDS.format(count=count), [WireColumn("order_id", "int8")]
    )
    ids: Integers = found["order_id"]
    return ids


def leave(left: Left, plain: Plain, part: slice) -> None:
    lines = slice(int(plain.first_line[part.start]), int(plain.first_line[part.stop]))
    for of_file, rows in zip(left.left, (plain.orders[part], plain.lines[lines]), strict=False):
        of_file[rows] = True


async def store(connection: Any, target: Target, batch: Batch, *, has_lines: bool) -> BatchDone:
    done = BatchDone(Applied(new=len(batch.rows)), Applied(new=batch.lines), batch.unequal)
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock_shared({SOURCE_LOCK}, {target.source_id})")
        await connection.execute(HOLD, batch.customers)
        await copy(connection, "orders", batch.streams["orders"])
        if has_lines:
            await copy(connection, "order_lines", batch.streams["order_lines"])
            await add_days(connection, batch)
        await mark_customers(connection, "(SELECT unnest($1::bigint[]) AS customer_id)", batch.customers)
        for run, applied in zip(target.runs, (done.orders, done.lines), strict=False):
            await count_changes(connection, run, applied)
    return done


HOLD = """
    SELECT count(*) FROM (
        SELECT FROM customers WHERE customer_id = ANY ($1::bigint[]) ORDER BY customer_id FOR NO KEY UPDATE
    ) held
"""
"""Events of other sources about these customers wait, or are waited for, before anything of them is changed."""


async def copy(connection: Any, table: str, stream: Stream) -> None:
    parts = (stream.content[at : at + PART_BYTES] for at in range(0, len(stream.content), PART_BYTES))
    await connection.copy_to_table(table, source=asynchronous(parts), columns=stream.columns, format="binary")


PART_BYTES = 1 << 19


async def add_days(connection: Any, batch: Batch) -> None:
    """Straight into the table, unless customers have days there to which to add."""
    stream = batch.streams["category_days"]
    if await connection.fetchval(HAVE_DAYS, batch.customers):
        await connection.execute(ADDED_DAYS)
        await copy(connection, "import_days", stream)
        await connection.execute(ADD_DAYS)
    else:
        await copy(connection, "category_days", stream)


HAVE_DAYS = "SELECT EXISTS (SELECT FROM category_days WHERE customer_id = ANY($1::bigint[]))"
ADDED_DAYS = "CREATE TEMP TABLE import_days (LIKE category_days) ON COMMIT DROP"
ADD_DAYS = """
    INSERT INTO category_days AS d SELECT * FROM import_days
    ON CONFLICT (customer_id, day, category_id) DO UPDATE SET
        orders = d.orders + excluded.orders, spend_cents = d.spend_cents + excluded.spend_cents
"""
