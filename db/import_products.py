"""Checked products into their table, with categories that are new; orders follow when a product moves."""

from collections.abc import Mapping

import asyncpg

from db.import_batches import Applied
from db.import_checks import GOOD
from db.import_marks import mark_customers, mark_graph
from db.import_orders import when_different
from db.rollups import refresh_rollups
from domain.ingest.mapping import Section
from domain.orders.order import MAXIMUM_CATEGORIES

VALUES: Mapping[str, tuple[str, str]] = {
    "name": ("name", "coalesce(c.name, c.external_id)"),
    "category": ("category_id", "c.category_id"),
    "unit_price": ("unit_price_cents", "c.unit_price::bigint"),
    "unit_cost": ("unit_cost_cents", "c.unit_cost::bigint"),
    "high_margin": ("high_margin", "c.high_margin"),
    "organic": ("organic", "c.organic"),
    "imported": ("imported", "c.imported"),
}
MERGED = "import_products"


async def apply_products(
    connection: asyncpg.Connection, checked: str, section: Section, *, shop_zone: str, source_id: int
) -> Applied:
    """Within the caller's transaction."""
    await add_categories(connection, checked)
    await connection.execute(f"DROP TABLE IF EXISTS {MERGED}")
    await connection.execute(
        f"CREATE TEMP TABLE {MERGED} (product_id bigint, action text, sorted_anew boolean) ON COMMIT DROP"
    )
    await connection.execute(merge_products(checked, section, source_id))
    await mark_graph(connection, "PRODUCT", f"SELECT product_id AS key FROM {MERGED}")
    await follow_orders(connection, shop_zone)
    counts = await connection.fetchrow(
        f"SELECT count(*) FILTER (WHERE action = 'INSERT'), count(*) FILTER (WHERE action = 'UPDATE') FROM {MERGED}"
    )
    new, changed = counts or (0, 0)
    return Applied(new, changed)


async def add_categories(connection: asyncpg.Connection, checked: str) -> None:
    """A category is known by its code or its name. The row that would make one too many is rejected."""
    await connection.execute("LOCK TABLE categories IN SHARE ROW EXCLUSIVE MODE")
    await connection.execute(
        f"""
        WITH unknown AS (
            SELECT category, row_number() OVER (ORDER BY min(row_no))
                + (SELECT coalesce(max(category_id), -1) FROM categories) AS category_id
            FROM {checked} c
            WHERE {GOOD} AND NOT EXISTS (SELECT FROM categories g WHERE c.category IN (g.code, g.name))
            GROUP BY category
        ), added AS (
            INSERT INTO categories (category_id, code, name)
            SELECT category_id, category, category FROM unknown WHERE category_id < {MAXIMUM_CATEGORIES}
            RETURNING category_id
        ), marked AS (
            INSERT INTO dirty_graph_keys (kind, key) SELECT 'CATEGORY', category_id FROM added
            ON CONFLICT (kind, key) DO UPDATE SET change_id = DEFAULT, marked_at = excluded.marked_at
        )
        UPDATE {checked} c SET reason = 'category "' || c.category
            || '" would be one too many: a shop has at most {MAXIMUM_CATEGORIES}'
        FROM unknown u WHERE u.category = c.category AND u.category_id >= {MAXIMUM_CATEGORIES} AND {GOOD}
        """
    )


def merge_products(checked: str, section: Section, source_id: int) -> str:
    columns, values = zip(*VALUES.values(), strict=True)
    return f"""
        WITH merged AS (
            MERGE INTO products p USING (
                SELECT c.*, g.category_id FROM {checked} c
                JOIN LATERAL (
                    SELECT category_id FROM categories WHERE c.category IN (code, name)
                    ORDER BY c.category = code DESC LIMIT 1
                ) g ON true
                WHERE {GOOD}
            ) c ON p.product_id = c.product_id
            {when_different(VALUES, section, "p")}
            WHEN NOT MATCHED THEN INSERT (source_id, external_id, {", ".join(columns)})
                VALUES ({source_id}, c.external_id, {", ".join(values)})
            RETURNING new.product_id, merge_action() AS action,
                (old.category_id, old.high_margin, old.organic, old.imported)
                    IS DISTINCT FROM (new.category_id, new.high_margin, new.organic, new.imported) AS sorted_anew
        )
        INSERT INTO {MERGED} SELECT product_id, action, action = 'UPDATE' AND sorted_anew FROM merged
    """


async def follow_orders(connection: asyncpg.Connection, shop_zone: str) -> None:
    """Orders of products that moved to another category, or became organic, are summed anew.

    Cost: one pass over all lines, only when there are such products.
    """
    if not await connection.fetchval(f"SELECT EXISTS (SELECT FROM {MERGED} WHERE sorted_anew)"):
        return
    await connection.execute(
        f"""
        CREATE TEMP TABLE import_followed ON COMMIT DROP AS
        SELECT DISTINCT l.customer_id, l.order_id, NULL::timestamptz AS old_counted_at
        FROM order_lines l JOIN {MERGED} p USING (product_id) WHERE p.sorted_anew
        """
    )
    await refresh_rollups(connection, "import_followed", time_zone=shop_zone)
    await mark_customers(connection, "import_followed")
