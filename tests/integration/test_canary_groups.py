"""Canaries on a group: a share of those whom a filter finds, asked at each step of an operator and never in between."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from own_policy import END_CANARY, changed
from policy_canary import BUSINESS, WHOLE, asked, begun, ids, listed, taken, tiers
from policy_life import act, activated, codes, five_policies, work
from retailer import NOW, Retailer
from retailer_operations import comparison_over

from api.recompute import compare, rebuild_facts
from api.settings import Settings
from db.business_days import PostgresBusinessDays
from domain.privacy.viewer import Role
from domain.standings.open_business_day import open_business_day

LENIENT = changed(("tiers", 1, "threshold"), "100")
GRADED_BY = "SELECT customer_id, (versions >> 56) & 255 FROM customer_standings ORDER BY 1"
COMPUTED = "SELECT customer_id, tiers, raw_tiers, versions, tiers_due_on, label_bits, review_on \
FROM customer_standings ORDER BY 1"
SCOPE = '{ tierPolicyComparison(policy: "own") { share scope { share where } arms { kind customers } \
metrics { difference pValue } sampleRatioPValue valid } }'
MOVE = "UPDATE customers SET kind = CASE kind WHEN 'BUSINESS' THEN 'HOUSEHOLD' ELSE 'BUSINESS' END \
WHERE customer_id = ANY($1::bigint[])"


@pytest_asyncio.fixture
async def shop(retailer: Retailer) -> AsyncIterator[Retailer]:
    kinds = await retailer.stores.pool.fetch("SELECT kind, array_agg(customer_id) FROM customers GROUP BY 1")
    async with five_policies(retailer) as found:
        await activated(found)
        yield found
    for kind, members in kinds:
        text = "UPDATE customers SET kind = $1 WHERE customer_id = ANY($2::bigint[]) AND kind <> $1"
        await retailer.stores.pool.execute(text, kind, members)


async def graded_by(shop: Retailer, number: int) -> set[int]:
    return {row[0] for row in await shop.stores.pool.fetch(GRADED_BY) if row[1] == number}


async def waiting(shop: Retailer) -> set[int]:
    return set(await shop.column("SELECT customer_id FROM dirty_customers"))


async def faults(shop: Retailer) -> dict[str, int]:
    found = (await compare(shop.stores)).faults()
    return {name: count for name, count in found.items() if count}


async def compared(shop: Retailer) -> Any:
    answer = await shop.ask(SCOPE, Role.ANALYST)
    assert "errors" not in answer, answer
    return answer["data"]["tierPolicyComparison"]


async def filters(shop: Retailer) -> list[dict[str, Any]]:
    """A region, a business type, a segment, where they stand, and all at once."""
    city = await shop.value("SELECT city FROM customers GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")
    label = {"label": {"code": "high_frequency"}}
    return [
        {"city": [city]},
        BUSINESS,
        label,
        {"tier": {"policy": "kuailv_grade", "in": ["BRONZE", "SILVER"]}},
        {"all": [BUSINESS, {"not": {"city": [city]}}, {"facts": {"orders90d": {"gte": 1}}}]},
    ]


async def test_a_canary_grades_its_share_of_the_group_and_nobody_else(shop: Retailer) -> None:
    for where in await filters(shop):
        group = await listed(shop, where)
        in_it, before = taken(group, 5_000), await tiers(shop)
        version = await begun(shop, "0.5", LENIENT, where=where, worked=False)
        assert 0 < len(in_it) < len(group) < 300
        assert await waiting(shop) == in_it, where

        await work(shop)

        after = await tiers(shop)
        assert await graded_by(shop, int(await number_of(shop, version))) == in_it
        assert {one for one in before if before[one] != after[one]} <= in_it
        assert await faults(shop) == {}
        await act(shop, END_CANARY, policy="own", reason="the next one")
        assert await waiting(shop) == in_it, where
        await work(shop)
        assert await tiers(shop) == before


async def number_of(shop: Retailer, version: str) -> int:
    found: int = await shop.value(
        "SELECT number FROM tier_policy_versions WHERE version_id = $1", int(version[4:])
    )
    return found


async def test_without_a_share_it_is_the_whole_group(shop: Retailer) -> None:
    await begun(shop, None, LENIENT, where=BUSINESS)

    found = await compared(shop)

    businesses = await listed(shop, BUSINESS)
    assert await graded_by(shop, 2) == set(businesses)
    assert found["scope"] == {"share": "1", "where": '{"kind":"BUSINESS"}'}
    assert [one["customers"] for one in found["arms"]] == [0, len(businesses)]
    assert {(one["difference"], one["pValue"]) for one in found["metrics"]} == {(None, None)}
    assert (found["sampleRatioPValue"], found["valid"]) == ("1.000000", False)


async def test_both_arms_are_of_the_group(shop: Retailer) -> None:
    await begun(shop, "0.4", LENIENT, where=BUSINESS)

    found = await compared(shop)

    group = await listed(shop, BUSINESS)
    sizes = {one["kind"]: one["customers"] for one in found["arms"]}
    in_it = taken(group, 4_000)
    assert sizes == {"CONTROL": len(group) - len(in_it), "TREATMENT": len(in_it)}
    assert (found["share"], found["valid"]) == ("0.4", True)
    assert found["scope"] == {"share": "0.4", "where": json.dumps(BUSINESS, separators=(",", ":"))}


async def test_an_ended_canary_still_shows_its_group(shop: Retailer) -> None:
    await begun(shop, "0.4", LENIENT, where=BUSINESS)
    running = await compared(shop)

    await act(shop, END_CANARY, policy="own", reason="enough")
    await work(shop)

    assert await compared(shop) == running


async def test_who_matches_later_waits_for_the_next_step_and_nobody_leaves(shop: Retailer) -> None:
    group = await listed(shop, BUSINESS)
    version = await begun(shop, "0.5", LENIENT, where=BUSINESS)
    others = sorted(set(await ids(shop)) - set(group))
    leavers, comers = group[:20], others[:20]
    await shop.stores.pool.execute(MOVE, [*leavers, *comers])
    await open_business_day(PostgresBusinessDays(shop.stores.pool), NOW + timedelta(days=1))
    await work(shop)
    meanwhile = await graded_by(shop, 2)

    acted = await asked(shop, version, "0.5", where=BUSINESS)
    marked = await waiting(shop)
    await work(shop)

    assert meanwhile == taken(group, 5_000)
    assert acted["userErrors"] == []
    assert marked == taken(comers, 5_000) != set()
    assert await graded_by(shop, 2) == taken([*group, *comers], 5_000)
    assert sum(one["customers"] for one in (await compared(shop))["arms"]) == len(group) + len(comers)
    assert await faults(shop) == {}


async def test_the_same_step_twice_changes_nothing(shop: Retailer) -> None:
    version = await begun(shop, "0.5", LENIENT, where=BUSINESS)
    before = await shop.stores.pool.fetchrow(WHOLE)

    again = await asked(shop, version, "0.5", where=BUSINESS)

    assert codes(again) == [(["scope", "share"], "OUT_OF_RANGE")]
    assert await shop.stores.pool.fetchrow(WHOLE) == before


async def test_a_larger_share_takes_more_of_the_group(shop: Retailer) -> None:
    group = await listed(shop, BUSINESS)
    version = await begun(shop, "0.2", LENIENT, where=BUSINESS)

    await asked(shop, version, "0.5", where=BUSINESS)
    marked = await waiting(shop)
    await work(shop)
    await asked(shop, version, None, where=BUSINESS)
    await work(shop)

    assert marked == taken(group, 5_000) - taken(group, 2_000)
    assert await graded_by(shop, 2) == set(group)
    assert await faults(shop) == {}


async def test_a_group_is_widened_to_everybody(shop: Retailer) -> None:
    """Whoever was in it stays; of all others the same share comes in."""
    group, everybody = await listed(shop, BUSINESS), await ids(shop)
    version = await begun(shop, "0.5", LENIENT, where=BUSINESS)

    acted = await asked(shop, version, "0.5")
    marked = await waiting(shop)
    await work(shop)

    assert acted["tierPolicyVersion"]["scope"] == {"share": "0.5"}
    assert marked == taken(everybody, 5_000) - taken(group, 5_000)
    assert await graded_by(shop, 2) == taken(everybody, 5_000)
    assert (await compared(shop))["scope"] == {"share": "0.5", "where": None}
    assert await shop.value("SELECT count(*) FROM tier_canary_groups") == 0
    assert await faults(shop) == {}


async def test_a_promoted_group_grades_everybody(shop: Retailer) -> None:
    version = await begun(shop, "0.5", LENIENT, where=BUSINESS)

    acted = await asked(shop, version, None)
    await work(shop)

    assert acted["tierPolicyVersion"]["status"] == "ACTIVE"
    assert len(await graded_by(shop, 2)) == 300
    assert await faults(shop) == {}


async def test_a_rebuild_puts_everybody_where_they_were(shop: Retailer) -> None:
    """Also whoever matches no longer, or not yet."""
    group = await listed(shop, BUSINESS)
    await begun(shop, "0.5", LENIENT, where=BUSINESS)
    kept = await shop.stores.pool.fetch(COMPUTED)
    await shop.stores.pool.execute(MOVE, group[:30])

    await rebuild_facts(Settings(clock=NOW), shop.stores)

    assert [(row[0], row[3]) for row in await shop.stores.pool.fetch(COMPUTED)] == [
        (row[0], row[3]) for row in kept
    ]


async def test_the_next_canary_forgets_the_group_of_the_last(shop: Retailer) -> None:
    first = await begun(shop, "0.5", LENIENT, where=BUSINESS)
    await act(shop, END_CANARY, policy="own", reason="enough")
    await work(shop)

    second = await begun(shop, "0.5", LENIENT, where={"kind": "HOUSEHOLD"})

    found = await shop.column("SELECT DISTINCT version_id FROM tier_canary_groups")
    assert found == [int(second[4:])] != [int(first[4:])]


async def test_planner_and_reference_compare_a_group_alike(shop: Retailer) -> None:
    await begun(shop, "0.5", LENIENT, where=BUSINESS)
    comparison = await comparison_over(shop, ["tierPolicyComparison"])
    comparison = replace(comparison, values=replace(comparison.values, by_name={"policy": ["own"]}))

    await comparison.run(10, seed=2)

    assert comparison.disagreements == []
    assert shop.fallbacks == []


@pytest.mark.parametrize(("role", "sees"), [(Role.ANALYST, True), (Role.PARTNER, False)])
async def test_partners_do_not_see_whom_a_filter_names(shop: Retailer, role: Role, *, sees: bool) -> None:
    await begun(shop, "0.5", LENIENT, where=BUSINESS, worked=False)

    answer = await shop.ask("{ tierPolicies { canaryVersion { scope { share where } } } }", role)

    assert ("errors" not in answer) is sees
