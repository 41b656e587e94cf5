"""Customers in each order that can be asked for: whole, page by page, from both ends, and from an index."""

from typing import Any

import pytest
from retailer import Retailer

from domain.privacy.viewer import Role
from resolvers.readpath.engine import Request

KEYS = {
    "REGISTERED_AT": "registered_at",
    "LAST_ORDER_AT": "coalesce(last_order_at, 'epoch')",
    "ORDERS_90D": "orders_90d",
    "SPEND_90D": "spend_90d",
    "SPEND_365D": "spend_365d",
}
PAGE = """
query ($by: CustomerOrderField!, $direction: SortDirection!, $first: Int, $after: String, $last: Int, $before: String) {
  customers(first: $first, after: $after, last: $last, before: $before, orderBy: {by: $by, direction: $direction}) {
    nodes { id } totalCount { value }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def page(retailer: Retailer, by: str, direction: str, **paging: Any) -> dict[str, Any]:
    variables = {"by": by, "direction": direction, **paging}
    found: dict[str, Any] = (await retailer.ask(PAGE, variables=variables))["data"]["customers"]
    return found


async def walk(retailer: Retailer, by: str, direction: str, names: tuple[str, str, str, str]) -> list[str]:
    """Ids in the order they were met. `names`: of the size, the start, "is there more", and where."""
    size, start, more, cursor = names
    met: list[str] = []
    place = None
    while True:
        found = await page(retailer, by, direction, **{size: 70, start: place})
        ids = [node["id"] for node in found["nodes"]]
        met += ids if size == "first" else reversed(ids)
        place = found["pageInfo"][cursor]
        if not found["pageInfo"][more]:
            return met


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("by", list(KEYS))
async def test_pages_keep_the_order_from_either_end(retailer: Retailer, by: str, direction: str) -> None:
    ids = await retailer.column(
        f"""SELECT customer_id FROM customers JOIN customer_facts USING (customer_id)
            ORDER BY {KEYS[by]} {direction}, customer_id {direction}"""
    )
    expected = [f"cus_{one}" for one in ids]

    forward = await walk(retailer, by, direction, ("first", "after", "hasNextPage", "endCursor"))
    backward = await walk(retailer, by, direction, ("last", "before", "hasPreviousPage", "startCursor"))

    assert forward == expected
    assert backward == expected[::-1]
    assert retailer.fallbacks == []


@pytest.mark.parametrize("by", list(KEYS))
async def test_a_page_reads_an_index(retailer: Retailer, by: str) -> None:
    """Not sorted: read in order, with nothing but the page behind the cursor."""
    engine, context = retailer.api.engine, retailer.context(Role.OPERATOR)
    cursor = (await page(retailer, by, "DESC", first=5))["pageInfo"]["endCursor"]
    text = f'{{ customers(first: 5, after: "{cursor}", orderBy: {{by: {by}}}) {{ nodes {{ id }} }} }}'
    operation, prepared = engine.accept(request := Request(text), context.viewer)
    inputs = engine.inputs(operation, request, context)
    statement = engine.plan(prepared, operation, inputs, context.viewer).statement

    async with retailer.stores.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        rows = await connection.fetch(f"EXPLAIN {statement.sql}", *statement.values(inputs))

    plan = "\n".join(row[0] for row in rows)
    table = "customers" if by == "REGISTERED_AT" else "customer_facts"
    assert f"Index Scan Backward using ix_{table}_{by.lower()}_customer_id" in plan or (
        f"Index Only Scan Backward using ix_{table}_{by.lower()}_customer_id" in plan
    )
