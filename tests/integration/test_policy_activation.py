"""Putting versions in force: what is asked for first, that one of two wins, and that everybody is reviewed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from own_policy import ACTIVATE, RETIRE, ROLL_BACK, RULE, changed
from policy_life import act, activated, codes, drafted, five_policies, looked_at, work
from retailer import NOW, Retailer

from api.recompute import compare
from db.business_days import PostgresBusinessDays
from domain.privacy.viewer import Role
from domain.standings.open_business_day import open_business_day
from domain.tiers.timing import MOST_DAYS, MOST_PERCENT, MOST_REVIEWS

OWN_STANDINGS = """
SELECT code, count(*) FROM tier_standings JOIN tiers USING (version_id, rank) WHERE policy_id = 7 GROUP BY 1 ORDER BY 1
"""
LAST_REASONS = """
SELECT DISTINCT kind, reason FROM tier_transitions WHERE policy_id = 7 AND version_id = $1 ORDER BY 1, 2
"""
STATUSES = """
SELECT array_agg(status ORDER BY number) FROM tier_policy_versions WHERE policy_id = 7
"""
WHOLE = """
SELECT (SELECT array_agg(status ORDER BY version_id) FROM tier_policy_versions), (SELECT count(*) FROM dirty_customers),
       (SELECT max(event_id) FROM outbox), (SELECT count(*) FROM audit_log)
"""
AUDIT = """
SELECT action, object_id, actor FROM audit_log WHERE object_kind = 'TIER_POLICY' ORDER BY audit_id DESC LIMIT 1
"""
EVENT = "SELECT payload FROM outbox WHERE kind = 'POLICY_CHANGED' ORDER BY event_id DESC LIMIT 1"
LENIENT = changed(("tiers", 1, "threshold"), "100")


@pytest_asyncio.fixture
async def shop(retailer: Retailer) -> AsyncIterator[Retailer]:
    async with five_policies(retailer) as found:
        yield found


async def test_a_sixth_policy_grades_everybody_without_code(shop: Retailer) -> None:
    version = await drafted(shop)
    preview = await looked_at(shop, version)

    acted = await act(shop, ACTIVATE, version=version, previewHash=preview["hash"])
    waiting = await shop.column("SELECT DISTINCT reason FROM dirty_customers")
    await work(shop)

    assert (acted["userErrors"], acted["tierPolicyVersion"]["status"]) == ([], "ACTIVE")
    assert waiting == ["POLICY_CHANGE"]
    standings = {row[0]: row[1] for row in await shop.stores.pool.fetch(OWN_STANDINGS)}
    assert standings == {one["tierCode"]: one["customers"] for one in preview["after"] if one["customers"]}
    assert sum(standings.values()) == 300
    audit = await shop.stores.pool.fetchrow(AUDIT)
    assert tuple(audit) == ("ACTIVATED", "own 1", "somebody")  # type: ignore[arg-type]
    assert '"action": "ACTIVATED"' in await shop.value(EVENT)
    assert not any((await compare(shop.stores)).faults().values())


async def test_customers_and_watchers_see_the_sixth_policy(shop: Retailer) -> None:
    await activated(shop)
    shown = "tier { code } explanation { words checks { passed } } progress { nextTier { code } }"
    text = (
        f'{{ customer(by: {{id: "cus_1"}}) {{ tiers {{ policy {{ code }} }} tier(policy: "own") {{ {shown} }} }} \
tierDistribution(policy: "own") {{ withoutTier tiers {{ customers }} }} }}'
    )

    answer = await shop.ask(text)

    found = answer["data"]["customer"]
    assert [one["policy"]["code"] for one in found["tiers"]][-1] == "own"
    assert len(found["tiers"]) == 6
    assert found["tier"]["tier"]["code"] in {"GUEST", "FRIEND", "FAMILY"}
    assert found["tier"]["explanation"]["words"]
    assert answer["data"]["tierDistribution"]["withoutTier"] == 0


async def test_the_greatest_numbers_of_a_timing_are_kept_to(shop: Retailer) -> None:
    timing = {"cadence": "DAILY", "qualificationDays": MOST_DAYS, "upperReviews": MOST_REVIEWS}
    timing |= {"lowerReviews": MOST_REVIEWS, "marginPercent": MOST_PERCENT, "silenceAlarmDays": MOST_DAYS}
    timing |= {"validityDays": MOST_DAYS, "expiryAnchor": "CALENDAR", "graceDays": MOST_DAYS}

    await activated(shop, changed(("timing",), timing))
    await activated(shop, changed(("timing",), timing) | {"tiers": LENIENT["tiers"]})

    ends = (
        "SELECT DISTINCT extract(YEAR FROM valid_until) FROM tier_standings WHERE policy_id = 7 AND rank > 1"
    )
    assert await shop.column(ends) == [2126]
    text = """{ customers(first: 100) { nodes { tier(policy: "own") {
      validUntil nextReviewAt explanation { period { from } } } } } }"""
    assert "errors" not in await shop.ask(text)
    assert not any((await compare(shop.stores)).faults().values())


async def test_another_version_moves_those_the_preview_named(shop: Retailer) -> None:
    first = await activated(shop)
    version = await drafted(shop, LENIENT)
    preview = await looked_at(shop, version)

    await act(shop, ACTIVATE, version=version, previewHash=preview["hash"])
    await work(shop)

    moved = await shop.value(
        "SELECT count(*) FROM tier_transitions WHERE policy_id = 7 AND version_id = $1 AND kind = 'UPGRADED'",
        int(version[4:]),
    )
    assert (moved, preview["moved"]) == (preview["moved"], moved)
    assert moved > 0
    rows = [tuple(row) for row in await shop.stores.pool.fetch(LAST_REASONS, int(version[4:]))]
    assert rows == [("UPGRADED", "POLICY_CHANGE")]
    assert await shop.value(STATUSES) == ["RETIRED", "ACTIVE"]
    assert first != version


async def test_whoever_keeps_their_tier_is_counted_and_told_what_is_missing_by_the_new_version(
    shop: Retailer,
) -> None:
    """Nothing was decided about them; still the new version grades them."""
    await activated(shop)
    guest = await shop.value(
        "SELECT customer_id FROM customer_facts WHERE spend_90d < 10000 AND last_order_at IS NOT NULL LIMIT 1"
    )
    text = f"""{{ customer(by: {{id: "cus_{guest}"}}) {{ tier(policy: "own") {{
      policyVersion {{ number }} tier {{ code }}
      progress {{ nextTier {{ threshold }} gaps {{ metric required }} }} }} }}
      tierDistribution(policy: "own") {{ tiers {{ tier {{ code }} customers }} }} }}"""

    await activated(shop, LENIENT)
    found = (await shop.ask(text))["data"]

    standing = found["customer"]["tier"]
    assert (standing["tier"], standing["policyVersion"]) == ({"code": "GUEST"}, {"number": 2})
    assert standing["progress"]["nextTier"] == {"threshold": "100"}
    assert standing["progress"]["gaps"][0] == {"metric": "score", "required": "100.000000"}
    counted = {one["tier"]["code"]: one["customers"] for one in found["tierDistribution"]["tiers"]}
    assert counted == {row[0]: row[1] for row in await shop.stores.pool.fetch(OWN_STANDINGS)}
    assert sum(counted.values()) == 300


async def test_a_tier_of_another_name_is_held_under_its_new_one(shop: Retailer) -> None:
    """The same rank of both ladders, yet not the same tier."""
    await activated(shop)

    await activated(shop, changed(("tiers", 0, "code"), "VISITOR") | {"neverOrderedTier": "VISITOR"})

    held = {row[0] for row in await shop.stores.pool.fetch(OWN_STANDINGS)}
    assert "VISITOR" in held
    assert "GUEST" not in held


async def test_what_nobody_looked_at_is_refused(shop: Retailer) -> None:
    version, other = await drafted(shop), await drafted(shop, LENIENT)
    of_other = (await looked_at(shop, other))["hash"]
    before = await shop.stores.pool.fetchrow(WHOLE)

    for wrong in ("", "0" * 64, of_other):
        acted = await act(shop, ACTIVATE, version=version, previewHash=wrong)
        assert codes(acted) == [(["previewHash"], "PREVIEW_REQUIRED")]
    assert await shop.stores.pool.fetchrow(WHOLE) == before


async def test_a_base_that_drifted_by_more_than_one_percent_is_refused(shop: Retailer) -> None:
    version = await drafted(shop)
    seen = (await looked_at(shop, version))["hash"]
    change = "UPDATE customers SET changed_at = clock_timestamp() WHERE customer_id IN \
(SELECT customer_id FROM customers ORDER BY customer_id LIMIT $1)"
    await shop.stores.pool.execute(change, 4)
    before = await shop.stores.pool.fetchrow(WHOLE)

    refused = await act(shop, ACTIVATE, version=version, previewHash=seen)
    unchanged = await shop.stores.pool.fetchrow(WHOLE)
    again = (await looked_at(shop, version))["hash"]
    await shop.stores.pool.execute(change, 3)
    accepted = await act(shop, ACTIVATE, version=version, previewHash=again)

    assert codes(refused) == [(["previewHash"], "BASE_DRIFTED")]
    assert unchanged == before
    assert accepted["userErrors"] == []


async def test_a_preview_of_yesterday_is_refused(shop: Retailer) -> None:
    version = await drafted(shop)
    seen = (await looked_at(shop, version))["hash"]
    await shop.stores.pool.execute("UPDATE shop SET live_as_of = live_as_of + INTERVAL '1 day'")

    acted = await act(shop, ACTIVATE, version=version, previewHash=seen)

    assert codes(acted) == [(["previewHash"], "BASE_DRIFTED")]


@pytest.mark.parametrize("is_same", [True, False])
async def test_of_two_at_once_one_wins(shop: Retailer, is_same: bool) -> None:
    first = await drafted(shop)
    second = first if is_same else await drafted(shop, LENIENT)
    hashes = [(await looked_at(shop, version))["hash"] for version in (first, second)]

    both = await asyncio.gather(
        act(shop, ACTIVATE, version=first, previewHash=hashes[0]),
        act(shop, ACTIVATE, version=second, previewHash=hashes[1]),
    )

    assert sorted(len(one["userErrors"]) for one in both) == [0, 1]
    assert [code for one in both for _, code in codes(one)] == ["CONFLICT"]
    assert (await shop.value(STATUSES)).count("ACTIVE") == 1
    assert await shop.value("SELECT count(*) FROM outbox WHERE kind = 'POLICY_CHANGED'") == 1


async def test_rolling_back_restores_the_version_before(shop: Retailer) -> None:
    await activated(shop)
    before = await shop.stores.pool.fetch(OWN_STANDINGS)
    await activated(shop, LENIENT)

    unsaid = await act(shop, ROLL_BACK, policy="own", reason=" ")
    acted = await act(shop, ROLL_BACK, policy="own", reason="too many friends")
    await work(shop)

    assert codes(unsaid) == [(["reason"], "REQUIRED")]
    assert acted["tierPolicyVersion"] == {"number": 1, "status": "ACTIVE"}
    assert await shop.value(STATUSES) == ["ACTIVE", "RETIRED"]
    assert await shop.stores.pool.fetch(OWN_STANDINGS) == before
    assert "too many friends" in await shop.value(EVENT)
    assert not any((await compare(shop.stores)).faults().values())


async def test_there_is_nothing_before_the_first_version(shop: Retailer) -> None:
    await activated(shop)

    acted = await act(shop, ROLL_BACK, policy="own", reason="why not")

    assert codes(acted) == [(["policy"], "WRONG_STATE")]


async def test_a_retired_policy_lets_everybody_go(shop: Retailer) -> None:
    version = await activated(shop)

    acted = await act(shop, RETIRE, policy="own")
    await work(shop)
    again = await act(shop, RETIRE, policy="own")
    primary = await act(shop, RETIRE, policy="kuailv_grade")

    assert (acted["customersLeaving"], acted["tierPolicy"]) == (300, {"code": "own", "activeVersion": None})
    rows = [tuple(row) for row in await shop.stores.pool.fetch(LAST_REASONS, int(version[4:]))]
    assert ("LEFT", "POLICY_CHANGE") in rows
    assert (
        await shop.value("SELECT count(*) FROM tier_standings WHERE policy_id = 7 AND rank IS NOT NULL") == 0
    )
    assert codes(again) == codes(primary) == [(["policy"], "WRONG_STATE")]


async def test_a_scheduled_version_of_a_retired_policy_is_none_to_roll_back_to(shop: Retailer) -> None:
    await activated(shop)
    later = await drafted(shop, LENIENT)
    seen = (await looked_at(shop, later))["hash"]
    await act(shop, ACTIVATE, version=later, previewHash=seen, effectiveFrom="2026-06-03T00:00:00+08:00")
    await act(shop, RETIRE, policy="own")
    retired = await shop.value(STATUSES)

    acted = await act(shop, ROLL_BACK, policy="own", reason="it was a mistake")

    assert retired == ["RETIRED", "RETIRED"]
    assert acted["tierPolicyVersion"] == {"number": 1, "status": "ACTIVE"}
    assert await shop.value(STATUSES) == ["ACTIVE", "RETIRED"]


async def test_a_ranking_of_ones_own_has_its_places_at_once(shop: Retailer) -> None:
    quantity = {"code": "spend", "words": "消费", "fact": "spend365d"}
    tiers = [{"code": "REST", "name": "其余"}, {"code": "TOP", "name": "前列", "threshold": "0.1"}]
    rule = {"measure": {"rank": [quantity]}, "tiers": tiers, "timing": RULE["timing"]}
    buyers = await shop.value("SELECT count(*) FROM customer_facts WHERE last_order_at IS NOT NULL")

    await activated(shop, rule)

    standings = {row[0]: row[1] for row in await shop.stores.pool.fetch(OWN_STANDINGS)}
    assert standings["TOP"] == buyers // 10
    assert not any((await compare(shop.stores)).faults().values())


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"version": "tpv_999999"}, ["version"], "NOT_FOUND"),
        ({"version": "own"}, ["version"], "NOT_FOUND"),
        ({"version": "tpv_1"}, ["version"], "CONFLICT"),
        (
            {"version": "tpv_1", "effectiveFrom": "2026-05-31T00:00:00+08:00"},
            ["effectiveFrom"],
            "IN_THE_PAST",
        ),
    ],
)
async def test_a_mistake_is_named_and_changes_nothing(
    retailer: Retailer, given: dict[str, Any], field: list[str], code: str
) -> None:
    before = await retailer.stores.pool.fetchrow(WHOLE)

    acted = await act(retailer, ACTIVATE, **({"previewHash": "0"} | given))

    assert codes(acted) == [(field, code)]
    assert await retailer.stores.pool.fetchrow(WHOLE) == before


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (ACTIVATE, {"version": "tpv_1", "previewHash": "0"}),
        (ROLL_BACK, {"policy": "own", "reason": "no"}),
        (RETIRE, {"policy": "own"}),
    ],
)
async def test_only_operators_change_what_is_in_force(
    retailer: Retailer, text: str, given: dict[str, str]
) -> None:
    for role in set(Role) - {Role.OPERATOR}:
        own_id = {"customer_id": 1} if role is Role.CUSTOMER else {}
        assert "errors" in await retailer.ask(text, role, {"input": given}, **own_id), role


async def test_what_is_done_already_is_said_as_it_is(shop: Retailer) -> None:
    """Nobody else did anything."""
    in_force = await activated(shop)
    later = await drafted(shop, LENIENT)
    seen = {one: (await looked_at(shop, one))["hash"] for one in (in_force, later)}
    moment = "2026-06-03T00:00:00+08:00"
    await act(shop, ACTIVATE, version=later, previewHash=seen[later], effectiveFrom=moment)
    before = await shop.stores.pool.fetchrow(WHOLE)

    found = [await act(shop, ACTIVATE, version=one, previewHash=seen[one]) for one in (in_force, later)]

    assert [one["userErrors"] for one in found] == [
        [
            {
                "field": ["version"],
                "code": "CONFLICT",
                "message": "This version is in force already: draft another one for what you want to change.",
            }
        ],
        [
            {
                "field": ["version"],
                "code": "CONFLICT",
                "message": "This version is scheduled for 2026-06-02T16:00:00+00:00: it begins by itself, there is "
                "nothing to do.",
            }
        ],
    ]
    assert await shop.stores.pool.fetchrow(WHOLE) == before


async def test_a_scheduled_version_begins_with_its_business_day(shop: Retailer) -> None:
    """Noon of June 1st; it begins with June 3rd in the shop."""
    version = await drafted(shop)
    seen = (await looked_at(shop, version))["hash"]
    days = PostgresBusinessDays(shop.stores.pool)

    acted = await act(
        shop, ACTIVATE, version=version, previewHash=seen, effectiveFrom="2026-06-03T00:00:00+08:00"
    )
    found = [await shop.value(STATUSES)]
    for later in (1, 2):
        await open_business_day(days, NOW + timedelta(days=later))
        found.append(await shop.value(STATUSES))
    await work(shop)

    assert acted["tierPolicyVersion"]["status"] == "SCHEDULED"
    assert acted["tierPolicyVersion"]["effectiveFrom"] == "2026-06-02T16:00:00+00:00"
    assert found == [["SCHEDULED"], ["SCHEDULED"], ["ACTIVE"]]
    assert await shop.value("SELECT count(*) FROM tier_standings WHERE policy_id = 7") == 300
