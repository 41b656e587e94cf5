"""Roll-ups of orders, computed again from the lines themselves: sums of an order, days by category.

Everybody who changes orders or lines (imports, events) calls this in the same transaction. `changed` is SQL for
a relation of `customer_id, order_id, old_counted_at`: the orders touched, and when they counted before (null:
not, or as now). It may list an order more than once.
"""

from typing import Any


def business_day(moment: str, time_zone: str) -> str:
    """The day in the shop's zone that a moment belongs to; 00:00 ends the day before, as windows do [C3]."""
    return f"(({moment} - interval '1 microsecond') AT TIME ZONE '{time_zone}')::date"


async def refresh_rollups(connection: Any, changed: str, *parameters: Any, time_zone: str) -> int:
    """Returns how many orders' sums moved to something other than what was charged for the order.

    Cost: three statements; reads the lines of the changed orders, and all lines of the days they touch.
    """
    unequal = await connection.fetchval(refresh_line_sums(changed), *parameters)
    await connection.execute(clear_category_days(changed, time_zone), *parameters)
    await connection.execute(fill_category_days(changed, time_zone), *parameters)
    return int(unequal)


def refresh_line_sums(changed: str) -> str:
    """Shares divide line amounts by line amounts, so the sums are kept with each order."""
    return f"""
        WITH sums AS (
            SELECT customer_id, order_id,
                coalesce(sum(l.net_cents), 0)::bigint AS line_cents,
                coalesce(sum(l.net_cents) FILTER (WHERE p.high_margin), 0)::bigint AS high_margin_cents,
                coalesce(sum(l.net_cents) FILTER (WHERE p.organic), 0)::bigint AS organic_cents,
                coalesce(sum(l.net_cents) FILTER (WHERE p.imported), 0)::bigint AS imported_cents
            FROM (SELECT DISTINCT customer_id, order_id FROM {changed} c) c
            LEFT JOIN order_lines l USING (customer_id, order_id)
            LEFT JOIN products p USING (product_id)
            GROUP BY customer_id, order_id
        ), moved AS (
            UPDATE orders o SET line_cents = s.line_cents, high_margin_cents = s.high_margin_cents,
                organic_cents = s.organic_cents, imported_cents = s.imported_cents
            FROM sums s
            WHERE o.customer_id = s.customer_id AND o.order_id = s.order_id
                AND (o.line_cents <> s.line_cents OR o.high_margin_cents <> s.high_margin_cents
                    OR o.organic_cents <> s.organic_cents OR o.imported_cents <> s.imported_cents)
            RETURNING o.line_cents <> o.charged_cents AS unequal
        )
        SELECT count(*) FILTER (WHERE unequal) FROM moved
    """


def days_of(changed: str, time_zone: str) -> str:
    return f"""
        SELECT customer_id, {business_day("c.old_counted_at", time_zone)} AS day
        FROM {changed} c WHERE c.old_counted_at IS NOT NULL
        UNION
        SELECT customer_id, {business_day("o.counted_at", time_zone)}
        FROM {changed} c JOIN orders o USING (customer_id, order_id) WHERE o.counted_at IS NOT NULL
    """


def clear_category_days(changed: str, time_zone: str) -> str:
    return f"""
        DELETE FROM category_days d USING ({days_of(changed, time_zone)}) c
        WHERE d.customer_id = c.customer_id AND d.day = c.day
    """


def fill_category_days(changed: str, time_zone: str) -> str:
    """Counted orders of those days: how many touch a category, and the amount of their lines in it."""
    return f"""
        INSERT INTO category_days (customer_id, day, category_id, orders, spend_cents)
        SELECT o.customer_id, c.day, p.category_id, count(DISTINCT o.order_id), sum(l.net_cents)
        FROM ({days_of(changed, time_zone)}) c
        JOIN orders o ON o.customer_id = c.customer_id AND o.counted_at IS NOT NULL
            AND {business_day("o.counted_at", time_zone)} = c.day
        JOIN order_lines l ON l.customer_id = o.customer_id AND l.order_id = o.order_id
        JOIN products p USING (product_id)
        GROUP BY o.customer_id, c.day, p.category_id
    """
