"""A distribution against a month and 90 days ago: stability, and what each tier's customers have done since."""

from collections import Counter
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import pytest_asyncio
from retailer import Retailer

from domain.privacy.viewer import Role
from domain.tiers.stability import stability_index
from resolvers.readpath.engine import Request

WATCHED = """query ($policy: String!) { tierDistribution(policy: $policy) { stabilityIndex customers tiers {
  tier { code } customers cohort { customers arpu { amount } averageOrderValue { amount } repurchaseRate retentionRate }
} } }"""
HELD_NOW = """
SELECT tiers.code, count(*) FROM tier_standings AS s JOIN tiers USING (version_id, rank)
WHERE policy_id = (SELECT policy_id FROM tier_policies WHERE code = $1) GROUP BY 1
"""
HELD_THEN = """
SELECT DISTINCT ON (customer_id) customer_id, tiers.code FROM tier_transitions AS log
LEFT JOIN tiers ON tiers.version_id = log.version_id AND tiers.rank = log.to_rank
WHERE policy_id = (SELECT policy_id FROM tier_policies WHERE code = $1)
  AND effective_at <= (SELECT live_as_of FROM shop) - $2::interval
ORDER BY customer_id, transition_id DESC
"""
MOVE_LOG = "UPDATE tier_transitions SET effective_at = effective_at + make_interval(days => $1)"


async def watched(retailer: Retailer, policy: str) -> dict[str, Any]:
    answer = await retailer.ask(WATCHED, Role.ANALYST, {"policy": policy})
    assert "errors" not in answer
    assert retailer.fallbacks == []
    found: dict[str, Any] = answer["data"]["tierDistribution"]
    return found


@pytest_asyncio.fixture
async def older_log(retailer: Retailer) -> AsyncIterator[None]:
    """As if the first look at everybody had been before the last 90 days."""
    await retailer.stores.pool.execute(MOVE_LOG, -60)
    yield
    await retailer.stores.pool.execute(MOVE_LOG, 60)


@pytest.mark.parametrize("policy", ["kuailv_grade", "wanxiang_value", "xiaoxiang_layer"])
async def test_the_index_is_the_formula_over_the_counts_of_both_months(
    retailer: Retailer, policy: str
) -> None:
    """May 2 is a month before June 2."""
    now = {row[0]: row[1] for row in await retailer.stores.pool.fetch(HELD_NOW, policy)}
    rows = await retailer.stores.pool.fetch(HELD_THEN.replace("$2::interval", "interval '31 days'"), policy)
    then = Counter(code for _, code in rows if code)

    found = await watched(retailer, policy)

    assert Decimal(found["stabilityIndex"]) == stability_index(now, then)
    assert {one["tier"]["code"]: one["customers"] for one in found["tiers"] if one["customers"]} == now


async def test_nobody_is_compared_with_a_time_before_the_log(retailer: Retailer) -> None:
    found = await watched(retailer, "kuailv_grade")
    assert {one["tier"]["code"] for one in found["tiers"] if one["cohort"]} == set()

    await retailer.stores.pool.execute(MOVE_LOG, 45)
    later = await watched(retailer, "kuailv_grade")
    await retailer.stores.pool.execute(MOVE_LOG, -45)

    assert later["stabilityIndex"] is None
    assert later["customers"] == found["customers"]


@pytest.mark.usefixtures("older_log")
@pytest.mark.parametrize("policy", ["kuailv_grade", "chuanwei_value"])
async def test_a_cohort_is_measured_by_the_facts_of_those_who_held_the_tier(
    retailer: Retailer, policy: str
) -> None:
    rows = await retailer.stores.pool.fetch(HELD_THEN.replace("$2::interval", "interval '90 days'"), policy)
    facts = {
        row["customer_id"]: row
        for row in await retailer.stores.pool.fetch(
            "SELECT customer_id, spend_90d, orders_90d, orders_180d FROM customer_facts"
        )
    }
    found = {one["tier"]["code"]: one["cohort"] for one in (await watched(retailer, policy))["tiers"]}

    assert any(found.values())
    for code, cohort in found.items():
        members = [facts[customer_id] for customer_id, tier in rows if tier == code]
        assert cohort == expected(members)


@pytest.mark.parametrize(
    ("selection", "reads_log"),
    [("tiers { customers }", False), ("stabilityIndex", True), ("tiers { cohort { customers } }", True)],
)
async def test_the_log_is_only_read_for_what_is_asked_of_it(
    retailer: Retailer, selection: str, reads_log: bool
) -> None:
    engine, context = retailer.api.engine, retailer.context(Role.ANALYST)
    request = Request(f'{{ tierDistribution(policy: "kuailv_grade") {{ {selection} }} }}', {})
    operation, prepared = engine.accept(request, context.viewer)
    inputs = engine.inputs(operation, request, context)
    statement = engine.plan(prepared, operation, inputs, context.viewer).statement

    plan = await retailer.column(f"EXPLAIN {statement.sql}", *statement.values(inputs))

    assert any("tier_transitions" in line for line in plan) == reads_log


def expected(members: list[Any]) -> dict[str, Any] | None:
    if not members:
        return None
    spend, orders = sum(one["spend_90d"] for one in members), sum(one["orders_90d"] for one in members)
    again = [one for one in members if one["orders_90d"] >= 1]
    before = [one for one in members if one["orders_180d"] > one["orders_90d"]]
    return {
        "customers": len(members),
        "arpu": {"amount": amount(spend, len(members))},
        "averageOrderValue": {"amount": amount(spend, orders)} if orders else None,
        "repurchaseRate": rate(sum(one["orders_90d"] >= 2 for one in again), len(again)),
        "retentionRate": rate(sum(one["orders_90d"] >= 1 for one in before), len(before)),
    }


def amount(cents: int, of: int) -> str:
    return str((Decimal(cents) / of).quantize(Decimal(1), ROUND_HALF_UP).scaleb(-2))


def rate(part: int, whole: int) -> str | None:
    return str((Decimal(part) / whole).quantize(Decimal("0.000001"), ROUND_HALF_UP)) if whole else None
