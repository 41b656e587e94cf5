"""Roll-ups after a few imports equal a recount by hand of all that is stored."""

import random
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from imported import Importer, table_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
STATUSES = ("PLACED", "PAID", "DELIVERED", "CANCELLED", "REFUNDED")


async def test_rollups_equal_a_recount_after_every_import(migrated_database_url: str, tmp_path: Path) -> None:
    importer, chance = Importer(migrated_database_url, tmp_path), random.Random(360)
    await importer.take_texts({"customers": table_of(["external_id"], *([f"C{n}"] for n in range(5)))})

    for _ in range(4):
        await importer.take_texts({"products": products(chance)})
        await importer.take_texts({"orders": orders(chance), "order_lines": lines(chance)})
        await importer.take_texts({"orders": orders(chance)})
        await importer.take_texts({"order_lines": lines(chance)})

        assert await stored_days(importer) == await recounted_days(importer)
        assert await importer.rows(WRONG_SUMS) == []


def products(chance: random.Random) -> str:
    flags = ("true", "false")
    rows = [
        [f"P{n}", chance.choice("ABC"), chance.choice(flags), chance.choice(flags), chance.choice(flags)]
        for n in range(6)
    ]
    return table_of(["external_id", "category", "high_margin", "organic", "imported"], *rows)


def orders(chance: random.Random) -> str:
    rows = []
    for number in chance.sample(range(60), 40):
        placed = f"2026-05-0{chance.randint(1, 4)}T{chance.choice(('00:00:00', '00:00:01', '23:59:59', '12:00:00'))}"
        refunded = chance.choice((0, 0, 0, 50))
        rows.append([f"O{number}", f"C{number % 5}", placed, chance.choice(STATUSES), 50, refunded])
    head = ["external_id", "customer_external_id", "placed_at", "status", "net_amount", "refunded_amount"]
    return table_of(head, *rows)


def lines(chance: random.Random) -> str:
    keys = chance.sample([(order, line) for order in range(60) for line in range(1, 4)], 90)
    rows = [
        [f"O{order}", line, f"P{chance.randrange(6)}", f"{chance.randint(0, 3000) / 100:.2f}"]
        for order, line in keys
    ]
    return table_of(["order_external_id", "line_no", "product_external_id", "net_amount"], *rows)


async def stored_days(importer: Importer) -> dict[tuple[object, ...], tuple[int, int]]:
    rows = await importer.rows("SELECT customer_id, day, category_id, orders, spend_cents FROM category_days")
    return {row[:3]: (row[3], row[4]) for row in rows}


async def recounted_days(importer: Importer) -> dict[tuple[object, ...], tuple[int, int]]:
    touched: dict[tuple[object, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for customer, order, counted_at, category, cents in await importer.rows(
        "SELECT o.customer_id, order_id, counted_at, category_id, l.net_cents FROM orders o"
        " JOIN order_lines l USING (customer_id, order_id) JOIN products USING (product_id)"
        " WHERE counted_at IS NOT NULL"
    ):
        day = (counted_at - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
        touched[customer, day, category][order] += cents
    return {key: (len(by_order), sum(by_order.values())) for key, by_order in touched.items()}


WRONG_SUMS = """
    SELECT o.order_id FROM orders o LEFT JOIN (
        SELECT order_id, sum(net_cents) AS line_cents,
            sum(CASE WHEN high_margin THEN net_cents ELSE 0 END) AS high_margin_cents,
            sum(CASE WHEN organic THEN net_cents ELSE 0 END) AS organic_cents,
            sum(CASE WHEN imported THEN net_cents ELSE 0 END) AS imported_cents
        FROM order_lines JOIN products USING (product_id) GROUP BY order_id
    ) s USING (order_id)
    WHERE (o.line_cents, o.high_margin_cents, o.organic_cents, o.imported_cents) IS DISTINCT FROM
        (coalesce(s.line_cents, 0), coalesce(s.high_margin_cents, 0), coalesce(s.organic_cents, 0),
         coalesce(s.imported_cents, 0))
"""
