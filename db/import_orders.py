"""Checked orders and order lines into their tables, with everything that follows, a batch of customers at a time.

New orders are inserted with their lines; what is stored already is merged, and its roll-ups are made anew.
"""

from collections.abc import Mapping

import asyncpg

from db.import_batches import Applied, BatchDone, Checked, Customers
from db.import_marks import mark_customers
from db.import_new_orders import LINE_VALUES, ORDER_VALUES, STATED_AT, insert_new
from db.rollups import refresh_rollups
from domain.ingest.mapping import Section

SOURCE_LOCK = 362
"""Events of a source hold it alone, batches of an import share it."""
CHANGED = "import_changed"
CHANGED_COLUMNS = (
    "customer_id bigint, order_id bigint, old_counted_at timestamptz, "
    "created int, updated int, of_lines boolean"
)


async def apply_batch(
    connection: asyncpg.Connection,
    orders: Checked | None,
    lines: Checked | None,
    *,
    of: Customers,
    shop_zone: str,
    source_id: int,
) -> BatchDone:
    """Within the caller's transaction, which batches of events of the same source wait for."""
    await connection.execute(f"SELECT pg_advisory_xact_lock_shared({SOURCE_LOCK}, {source_id})")
    await connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {CHANGED} ({CHANGED_COLUMNS})")
    await connection.execute(f"TRUNCATE {CHANGED}")
    done = BatchDone()
    if orders is not None:
        done = await insert_new(connection, orders, lines, of=of, shop_zone=shop_zone, source_id=source_id)
    done += await merge_stored(connection, orders, lines, of=of, shop_zone=shop_zone)
    if done != BatchDone():
        new = [f"UNION ALL SELECT customer_id FROM {of.good(orders, new=True)} c"] if orders else []
        await mark_customers(connection, " ".join([f"(SELECT customer_id FROM {CHANGED}", *new]) + ")")
    return done


async def merge_stored(
    connection: asyncpg.Connection,
    orders: Checked | None,
    lines: Checked | None,
    *,
    of: Customers,
    shop_zone: str,
) -> BatchDone:
    """Orders that were there before, and lines of such orders."""
    stored = [(checked, of.good(checked, new=False)) for checked in (orders, lines) if checked]
    found = " OR ".join(f"EXISTS (SELECT FROM {good} c)" for _, good in stored)
    if not await connection.fetchval(f"SELECT {found}"):
        return BatchDone()
    for checked, good in stored:
        merge = merge_orders if checked is orders else merge_lines
        await connection.execute(merge(good, checked.section))
    counts = await connection.fetchrow(COUNT_CHANGES)
    if not counts or not any(counts):
        return BatchDone()
    await connection.execute(f"ANALYZE {CHANGED} (customer_id, order_id)")
    await connection.execute(JOINS_OF_FRESH_TABLES)
    unequal = await refresh_rollups(connection, CHANGED, time_zone=shop_zone)
    changed, new_lines, changed_lines = counts
    return BatchDone(
        Applied(changed=changed), Applied(new_lines, changed_lines), unequal if lines is not None else 0
    )


COUNT_CHANGES = f"""
    SELECT count(*) FILTER (WHERE NOT of_lines), coalesce(sum(created) FILTER (WHERE of_lines), 0)::bigint,
        coalesce(sum(updated) FILTER (WHERE of_lines), 0)::bigint
    FROM {CHANGED}
"""

JOINS_OF_FRESH_TABLES = """
    SELECT set_config('enable_nestloop', 'off', true) FROM pg_class
    WHERE oid IN ('orders'::regclass, 'order_lines'::regclass) AND reltuples < 0 LIMIT 1
"""
"""While tables that are being filled have no statistics, the planner takes millions of rows for a few."""


def merge_orders(good: str, section: Section) -> str:
    return f"""
        WITH merged AS (
            MERGE INTO orders o USING {good} c ON o.customer_id = c.customer_id AND o.order_id = c.order_id
            {when_different(ORDER_VALUES, section, "o")}, stated_at = greatest(o.stated_at, {STATED_AT})
            RETURNING new.customer_id, new.order_id, old.counted_at
        )
        INSERT INTO {CHANGED} SELECT customer_id, order_id, counted_at, 0, 1, false FROM merged
    """


def merge_lines(good: str, section: Section) -> str:
    columns, values = zip(*LINE_VALUES.values(), strict=True)
    return f"""
        WITH merged AS (
            MERGE INTO order_lines l USING {good} c
            ON l.customer_id = c.customer_id AND l.order_id = c.order_id AND l.line_no = c.line_no
            {when_different(LINE_VALUES, section, "l")}
            WHEN NOT MATCHED THEN INSERT (customer_id, order_id, line_no, {", ".join(columns)})
                VALUES (c.customer_id, c.order_id, c.line_no, {", ".join(values)})
            RETURNING l.customer_id, l.order_id, merge_action() AS action
        )
        INSERT INTO {CHANGED}
        SELECT customer_id, order_id, NULL, count(*) FILTER (WHERE action = 'INSERT'),
            count(*) FILTER (WHERE action = 'UPDATE'), true
        FROM merged GROUP BY customer_id, order_id
    """


def when_different(values: Mapping[str, tuple[str, str]], section: Section, alias: str) -> str:
    """Only what the file says is compared and set: a column that it has not stays as it is."""
    told = [pair for name, pair in values.items() if name in section.origins]
    different = " OR ".join(f"{alias}.{column} IS DISTINCT FROM {value}" for column, value in told)
    settings = ", ".join(f"{column} = {value}" for column, value in told)
    return f"WHEN MATCHED AND ({different}) THEN UPDATE SET {settings}"
