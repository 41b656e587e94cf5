"""No documented operation reads a large table from end to end: what it needs has an index.

The small database is asked with sequential scans forbidden where there is any other way, so a scan that stays
has no index at all. The large one (slow) shows what PostgreSQL chooses by itself.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from documented_operations import COUNTS_EVERYBODY, documented_operations, variables_for
from retailer import Retailer, open_retailer

from db.query_plans import reduced

OPERATIONS = documented_operations()
LARGE = {
    "customers", "identities", "customer_refs", "customer_facts", "customer_standings", "orders", "order_lines",
    "tier_standings", "tier_transitions", "label_changes", "outbox", "category_days",
}  # fmt: skip
MUCH = 3_000
COUNTS_MANY = {"03_find_customers"}
"""Its totalCount counts up to 10,000."""
RICH = """
SELECT customer_id FROM customers JOIN referrals USING (customer_id) JOIN customer_facts USING (customer_id)
WHERE community_id IS NOT NULL AND phone IS NOT NULL ORDER BY orders_90d DESC, customer_id LIMIT 1
"""


@dataclass(slots=True)
class Noted:
    """Reads through the pool, keeping what was asked."""

    reads: Any
    asked: list[tuple[str, Sequence[Any]]]

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        self.asked.append((sql, arguments))
        found: Sequence[Any] = await self.reads.fetch(sql, arguments)
        return found


async def statements_of(retailer: Retailer, name: str) -> list[tuple[str, Sequence[Any]]]:
    """Every statement of an operation with its values, as it is really asked."""
    rich = await retailer.value(RICH)
    order = await retailer.value("SELECT max(order_id) FROM orders WHERE customer_id = $1", rich)
    given = {"id": f"cus_{rich}", "phone": await retailer.phone_of(rich), "order": f"ord_{order}"}
    given["lines"] = [{"product": f"prd_{number}", "quantity": "2"} for number in range(1, 11)]
    given["where"] = {"city": ["上海"], "facts": {"spend90d": {"gt": "2000"}}}
    return await statements_of_text(retailer, OPERATIONS[name], given)


async def statements_of_text(
    retailer: Retailer, text: str, given: Mapping[str, Any] | None = None
) -> list[tuple[str, Sequence[Any]]]:
    noted, before = Noted(retailer.reads.reads, []), retailer.reads.reads
    retailer.reads.reads = noted  # type: ignore[assignment]
    try:
        found = await retailer.ask(text, variables=variables_for(text, given or {}))
    finally:
        retailer.reads.reads = before
    assert "errors" not in found
    assert retailer.fallbacks == []
    return noted.asked


def scanned(plan: Mapping[str, Any]) -> Iterator[str]:
    """Large tables that are read sequentially."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in LARGE:
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from scanned(below)


def warnings_in(step: Mapping[str, Any]) -> Iterator[str]:
    if "warning" in step:
        yield f"{step['step']}: {step['warning']}"
    for below in step.get("steps", ()):
        yield from warnings_in(below)


def read_much(plan: Mapping[str, Any]) -> Iterator[str]:
    """Large tables of which many rows are read by whatever index: a page has a hundred entries."""
    read = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    if plan.get("Relation Name") in LARGE and read > MUCH:
        yield f"{plan['Node Type']} of {round(read)} rows of {plan['Relation Name']}"
    for below in plan.get("Plans", ()):
        yield from read_much(below)


GENERIC = """
CREATE FUNCTION pg_temp.generic_plan(statement text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE found json;
BEGIN
  EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || statement INTO found;
  RETURN found;
END $$
"""
"""Through the driver PostgreSQL would put the values in, and plan for them."""


@asynccontextmanager
async def planner(retailer: Retailer, **settings: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(
        retailer.stores.database_url, server_settings={"jit": "off"} | settings
    )
    try:
        await connection.execute(GENERIC)
        yield connection
    finally:
        await connection.close()


async def plan_for(connection: Any, how: str, sql: str, arguments: Sequence[Any]) -> Any:
    """With these values, as in a first run."""
    return json.loads(await connection.fetchval(f"EXPLAIN ({how}, FORMAT JSON) {sql}", *arguments))[0]["Plan"]


async def plan_for_any(connection: Any, sql: str) -> Any:
    """Whatever the values, as a statement gets it that was run often."""
    return json.loads(await connection.fetchval("SELECT pg_temp.generic_plan($1)", sql))[0]["Plan"]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in COUNTS_EVERYBODY])
async def test_every_access_path_has_an_index(retailer: Retailer, name: str) -> None:
    async with planner(retailer, enable_seqscan="off") as connection:
        for sql, arguments in await statements_of(retailer, name):
            assert not list(scanned(await plan_for(connection, "COSTS", sql, arguments)))
            assert not list(scanned(await plan_for_any(connection, sql)))


def relations(plan: Mapping[str, Any]) -> Iterator[str]:
    if "Relation Name" in plan:
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from relations(below)


async def relations_read(retailer: Retailer, text: str) -> set[str]:
    async with planner(retailer) as connection:
        (sql, _), *_ = await statements_of_text(retailer, text)
        return set(relations(await plan_for_any(connection, sql)))


async def test_standings_are_read_without_facts_and_versions_that_nobody_asks_for(retailer: Retailer) -> None:
    found = await relations_read(
        retailer, "{ customers(first: 1) { nodes { tiers { since tier { name } } } } }"
    )

    assert found == {"customers", "tier_standings", "tiers"}


async def test_labels_are_read_without_changes_that_nobody_asks_for(retailer: Retailer) -> None:
    labels = "{ customers(first: 1) { nodes { labels { definition { code } %s } } } }"
    bare = {"customers", "customer_standings", "label_definitions"}

    assert await relations_read(retailer, labels % "") == bare
    assert await relations_read(retailer, labels % "enteredAt") == {*bare, "label_changes"}


def test_a_missing_index_would_be_noticed() -> None:
    plan = {"Node Type": "Limit", "Plans": [{"Node Type": "Seq Scan", "Relation Name": "orders"}]}

    assert list(scanned(plan)) == ["orders"]


@pytest.fixture(scope="module")
async def large(
    migrated_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Retailer]:
    """20,000 customers of whom PostgreSQL has statistics."""
    folder: Path = tmp_path_factory.mktemp("large")
    async with open_retailer(migrated_database_url, folder, customers=20_000) as opened:
        await opened.stores.pool.execute("VACUUM ANALYZE")
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in COUNTS_EVERYBODY])
async def test_postgresql_reads_no_large_table_from_end_to_end(large: Retailer, name: str) -> None:
    found: list[str] = []
    async with planner(large) as connection:
        for sql, arguments in await statements_of(large, name):
            plan = await plan_for(connection, "ANALYZE, BUFFERS", sql, arguments)
            found += warnings_in(reduced(plan))
            found += read_much(plan) if name not in COUNTS_MANY else ()
            found += scanned(await plan_for_any(connection, sql))

    assert found == []
