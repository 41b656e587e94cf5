"""New orders with their lines: each row written once, with sums and days by category straight from the batch.

Nothing of a new order is stored yet, so nothing is looked up, compared or counted again.
"""

from collections.abc import Mapping

import asyncpg

from db.import_batches import Applied, BatchDone, Checked, Customers
from db.rollups import business_day

ORDER_VALUES: Mapping[str, tuple[str, str]] = {
    "placed_at": ("placed_at", "c.placed_at"),
    "paid_at": ("paid_at", "c.paid_at"),
    "confirmed_at": ("confirmed_at", "c.confirmed_at"),
    "credit_days": ("credit_days", "c.credit_days"),
    "status": ("status", "c.status"),
    "channel": ("channel", "c.channel"),
    "net_amount": ("charged_cents", "c.net_amount"),
    "refunded_amount": ("refunded_cents", "c.refunded_amount"),
    "delivery_fee": ("delivery_fee_cents", "c.delivery_fee"),
}
"""Canonical column -> column of `orders` and its value."""

LINE_VALUES: Mapping[str, tuple[str, str]] = {
    "product_external_id": ("product_id", "c.product_id"),
    "quantity": ("quantity", "c.quantity"),
    "net_amount": ("net_cents", "c.net_amount"),
}

STATED_AT = "greatest(c.placed_at, c.paid_at, c.confirmed_at)"
"""A file says what it says now, even of orders that events told more of; later events still win over it."""


async def insert_new(
    connection: asyncpg.Connection,
    orders: Checked,
    lines: Checked | None,
    *,
    of: Customers,
    shop_zone: str,
    source_id: int,
) -> BatchDone:
    """Within the caller's transaction."""
    good_orders = of.good(orders, new=True)
    if lines is None:
        return BatchDone(
            Applied(new=count_of(await connection.execute(insert_orders(good_orders, source_id))))
        )
    good_lines = of.good(lines, new=True)
    had_days = await connection.fetchval(f"SELECT EXISTS (SELECT FROM category_days WHERE {of.condition()})")
    row = await connection.fetchrow(
        insert_with_lines(good_orders, good_lines, source_id, shop_zone, had_days=had_days)
    )
    new_lines = count_of(await connection.execute(insert_lines(good_lines)))
    new_orders, unequal = row or (0, 0)
    return BatchDone(Applied(new=new_orders), Applied(new=new_lines), unequal)


def count_of(status: str) -> int:
    return int(status.split()[-1])


def insert_orders(good: str, source_id: int, sums: Mapping[str, str] | None = None) -> str:
    """`sums`: more columns of `orders`, and their values."""
    columns, values = zip(*ORDER_VALUES.values(), *(sums or {}).items(), strict=True)
    return f"""
        INSERT INTO orders (customer_id, order_id, source_id, external_id, stated_at, {", ".join(columns)})
        SELECT c.customer_id, c.order_id, {source_id}, c.external_id, {STATED_AT}, {", ".join(values)}
        FROM {good} c
    """


SUMS = {
    "line_cents": "coalesce(s.line_cents, 0)",
    "high_margin_cents": "coalesce(s.high_margin, 0)",
    "organic_cents": "coalesce(s.organic, 0)",
    "imported_cents": "coalesce(s.imported, 0)",
}


def insert_with_lines(
    good_orders: str, good_lines: str, source_id: int, shop_zone: str, *, had_days: bool
) -> str:
    return f"""
        WITH sums AS MATERIALIZED ({line_sums(good_lines)}), stored AS (
            {insert_orders(good_orders, source_id, SUMS)} LEFT JOIN sums s USING (order_id)
            RETURNING order_id, line_cents <> charged_cents AS unequal, {business_day("counted_at", shop_zone)} AS day
        ), days AS (
            INSERT INTO category_days AS d (customer_id, day, category_id, orders, spend_cents)
            SELECT l.customer_id, day, category_id, count(DISTINCT order_id), sum(l.net_amount)
            FROM {good_lines} l JOIN stored USING (order_id) JOIN products USING (product_id)
            WHERE day IS NOT NULL GROUP BY l.customer_id, day, category_id
            {ADD_TO_DAYS if had_days else ""}
        )
        SELECT count(*), count(*) FILTER (WHERE unequal AND order_id IN (SELECT order_id FROM sums)) FROM stored
    """


ADD_TO_DAYS = """
    ON CONFLICT (customer_id, day, category_id) DO UPDATE SET
        orders = d.orders + excluded.orders, spend_cents = d.spend_cents + excluded.spend_cents
"""
"""New orders only ever add to a day. Costs 2.5 times a plain insert, so customers without days do without."""


def line_sums(good_lines: str) -> str:
    """The same sums as `db.rollups` keeps, of lines that are still to be written."""
    return f"""
        SELECT order_id, sum(net_amount)::bigint AS line_cents,
            sum(net_amount) FILTER (WHERE p.high_margin)::bigint AS high_margin,
            sum(net_amount) FILTER (WHERE p.organic)::bigint AS organic,
            sum(net_amount) FILTER (WHERE p.imported)::bigint AS imported
        FROM {good_lines} l JOIN products p USING (product_id) GROUP BY order_id
    """


def insert_lines(good: str) -> str:
    columns, values = zip(*LINE_VALUES.values(), strict=True)
    return f"""
        INSERT INTO order_lines (customer_id, order_id, line_no, {", ".join(columns)})
        SELECT c.customer_id, c.order_id, c.line_no, {", ".join(values)} FROM {good} c
    """
