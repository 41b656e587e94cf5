"""Trials and overrides through the API: what they lend, what they refuse, and what remains of them."""

from datetime import timedelta
from typing import Any

import pytest
from retailer import NOW, Retailer

from domain.privacy.viewer import Role

STANDING = """tierStanding {
  tier { code } baseTier { code } rawTier { code } reason since validUntil nextReviewAt
  trial { tier { code } endsAt } override { tier { code } reasonKind reason by endsAt } protection { lowerRuns }
}"""
START = (
    f"mutation M($input: TierTrialStartInput!) {{ acted: tierTrialStart(input: $input) {{ changed {STANDING} \
userErrors {{ field code message }} }} }}"
)
END = f"mutation M($input: TierTrialEndInput!) {{ acted: tierTrialEnd(input: $input) {{ changed {STANDING} \
userErrors {{ field code }} }} }}"
CREATE = (
    f"mutation M($input: TierOverrideCreateInput!) {{ acted: tierOverrideCreate(input: $input) {{ changed \
{STANDING} userErrors {{ field code message }} }} }}"
)
REVOKE = (
    f"mutation M($input: TierOverrideRevokeInput!) {{ acted: tierOverrideRevoke(input: $input) {{ changed \
{STANDING} userErrors {{ field code }} }} }}"
)
POLICY = "kuailv_grade"
OF_RANK = (
    "SELECT customer_id FROM tier_standings WHERE policy_id = 0 AND rank = $1 ORDER BY customer_id OFFSET $2"
)
LOG = """
SELECT kind, from_rank, to_rank, reason, actor FROM tier_transitions
WHERE customer_id = $1 AND policy_id = 0 ORDER BY transition_id DESC LIMIT 1
"""
AUDIT = "SELECT actor, role, action, object_kind, object_id FROM audit_log WHERE customer_id = $1 ORDER BY audit_id"
WHOLE = """
SELECT (SELECT count(*) FROM tier_transitions), (SELECT count(*) FROM audit_log WHERE action <> 'READ'),
       (SELECT max(event_id) FROM outbox), (SELECT sum(version) FROM customers)
"""


async def act(retailer: Retailer, text: str, role: Role = Role.OPERATOR, **given: Any) -> dict[str, Any]:
    answer = await retailer.ask(text, role, {"input": {"policy": POLICY, **given}})
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["acted"]
    return found


async def somebody(retailer: Retailer, rank: int, place: int = 0) -> int:
    found: int = await retailer.value(OF_RANK, rank, place)
    return found


def override(**more: Any) -> dict[str, Any]:
    ends_at = (NOW + timedelta(days=9)).isoformat()
    return {"tier": "DIAMOND", "reasonKind": "CONTRACT", "reason": "three shops", "endsAt": ends_at} | more


def codes(acted: dict[str, Any]) -> list[tuple[list[str], str]]:
    return [(error["field"], error["code"]) for error in acted["userErrors"]]


async def test_a_trial_lends_one_tier_for_fourteen_days(retailer: Retailer) -> None:
    """S0-17. From noon of June 1st to the midnight that ends June 15th."""
    key = await somebody(retailer, 2)

    acted = await act(retailer, START, customer=f"cus_{key}")

    standing = acted["tierStanding"]
    assert (acted["changed"], acted["userErrors"]) == (True, [])
    assert (standing["tier"]["code"], standing["baseTier"]["code"]) == ("GOLD", "SILVER")
    assert standing["trial"] == {"tier": {"code": "GOLD"}, "endsAt": "2026-06-15T16:00:00+00:00"}
    assert (standing["reason"], standing["since"]) == ("TRIAL", "2026-06-01T04:00:00+00:00")
    row = await retailer.stores.pool.fetchrow(LOG, key)
    assert tuple(row) == ("TRIAL_STARTED", 2, 3, "TRIAL", "somebody")  # type: ignore[arg-type]


async def test_asking_for_the_same_trial_again_changes_nothing(retailer: Retailer) -> None:
    key = await somebody(retailer, 2, 1)
    first = await act(retailer, START, customer=f"cus_{key}")
    before = await retailer.stores.pool.fetchrow(WHOLE)

    again = await act(retailer, START, customer=f"cus_{key}")

    assert (again["changed"], again["userErrors"]) == (False, [])
    assert again["tierStanding"] == first["tierStanding"]
    assert await retailer.stores.pool.fetchrow(WHOLE) == before


async def test_a_second_trial_within_180_days_is_refused(retailer: Retailer) -> None:
    key = await somebody(retailer, 2, 2)
    await act(retailer, START, customer=f"cus_{key}")
    ended = await act(retailer, END, Role.AGENT, customer=f"cus_{key}")
    before = await retailer.stores.pool.fetchrow(WHOLE)

    again = await act(retailer, START, customer=f"cus_{key}")

    assert (ended["tierStanding"]["tier"]["code"], ended["tierStanding"]["trial"]) == ("SILVER", None)
    assert codes(again) == [(["customer"], "TRIAL_TOO_SOON")]
    assert again["userErrors"][0]["message"].endswith("once in 180 days: wait 180 more.")
    assert await retailer.stores.pool.fetchrow(WHOLE) == before


async def test_there_is_no_trial_above_the_top(retailer: Retailer) -> None:
    key = await somebody(retailer, 2, 3)
    before = await retailer.stores.pool.fetchrow(WHOLE)
    await retailer.stores.pool.execute("UPDATE tier_standings SET base_rank = 5 WHERE customer_id = $1", key)

    acted = await act(retailer, START, customer=f"cus_{key}")

    assert codes(acted) == [(["customer"], "NO_TIER_ABOVE")]
    assert acted["tierStanding"] is None
    assert await retailer.stores.pool.fetchrow(WHOLE) == before


async def test_an_override_is_a_dated_record_with_a_reason_and_an_audit(retailer: Retailer) -> None:
    key = await somebody(retailer, 1)

    acted = await act(retailer, CREATE, customer=f"cus_{key}", **override())

    standing = acted["tierStanding"]
    assert standing["override"] == {
        "tier": {"code": "DIAMOND"},
        "reasonKind": "CONTRACT",
        "reason": "three shops",
        "by": "somebody",
        "endsAt": "2026-06-10T16:00:00+00:00",
    }
    assert (standing["tier"]["code"], standing["baseTier"]["code"]) == ("DIAMOND", "BRONZE")
    row = await retailer.stores.pool.fetchrow(LOG, key)
    assert tuple(row) == ("OVERRIDDEN", 1, 5, "MANUAL", "somebody")  # type: ignore[arg-type]
    audit = [tuple(one) for one in await retailer.stores.pool.fetch(AUDIT, key)]
    assert ("somebody", "OPERATOR", "OVERRIDDEN", "TIER_STANDING", POLICY) in audit


async def test_the_same_override_again_changes_nothing_and_another_replaces_it(retailer: Retailer) -> None:
    key = await somebody(retailer, 1, 1)
    await act(retailer, CREATE, customer=f"cus_{key}", **override())

    again = await act(retailer, CREATE, customer=f"cus_{key}", **override())
    other = await act(retailer, CREATE, customer=f"cus_{key}", **override(tier="GOLD"))

    assert (again["changed"], other["changed"]) == (False, True)
    assert other["tierStanding"]["tier"]["code"] == "GOLD"


async def test_an_override_taken_back_leaves_the_measured_tier(retailer: Retailer) -> None:
    key = await somebody(retailer, 1, 2)
    await act(retailer, CREATE, customer=f"cus_{key}", **override())

    acted = await act(retailer, REVOKE, customer=f"cus_{key}")

    assert (acted["tierStanding"]["tier"]["code"], acted["tierStanding"]["override"]) == ("BRONZE", None)
    row = await retailer.stores.pool.fetchrow(LOG, key)
    assert tuple(row) == ("OVERRIDE_ENDED", 5, 1, "MANUAL", "somebody")  # type: ignore[arg-type]
    assert (await act(retailer, REVOKE, customer=f"cus_{key}"))["changed"] is False


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"endsAt": "2026-05-31T00:00:00+08:00"}, (["endsAt"], "IN_THE_PAST")),
        ({"tier": "RUBY"}, (["tier"], "UNKNOWN_TIER")),
        ({"policy": "nothing"}, (["policy"], "UNKNOWN_POLICY")),
        ({"customer": "cus_999999"}, (["customer"], "NOT_FOUND")),
        ({"customer": "ord_1"}, (["customer"], "NOT_FOUND")),
        ({"reason": "  "}, (["reason"], "REQUIRED")),
        ({"reason": "x" * 501}, (["reason"], "TOO_LONG")),
    ],
)
async def test_a_mistake_is_named_and_changes_nothing(
    retailer: Retailer, wrong: dict[str, Any], expected: tuple[list[str], str]
) -> None:
    before = await retailer.stores.pool.fetchrow(WHOLE)

    acted = await act(retailer, CREATE, **({"customer": "cus_1"} | override() | wrong))

    assert codes(acted) == [expected]
    assert await retailer.stores.pool.fetchrow(WHOLE) == before


@pytest.mark.parametrize(
    ("text", "allowed"), [(START, {Role.AGENT, Role.OPERATOR}), (CREATE, {Role.OPERATOR})]
)
async def test_only_some_roles_may_act(retailer: Retailer, text: str, allowed: set[Role]) -> None:
    more = override() if text == CREATE else {}
    given = {"policy": "nothing", "customer": "cus_1"} | more
    for role in Role:
        own = {"customer_id": 1} if role is Role.CUSTOMER else {}
        answer = await retailer.ask(text, role, {"input": given}, **own)
        assert ("errors" in answer) is (role not in allowed), role


async def test_the_past_answers_who_stood_where_then(retailer: Retailer) -> None:
    key = await somebody(retailer, 1, 3)
    await act(retailer, CREATE, customer=f"cus_{key}", **override())
    shown = "tier(asOf: $asOf) { tier { code } baseTier { code } reason asOf override { reasonKind } score }"
    text = f'query Q($asOf: DateTime) {{ customer(by: {{id: "cus_{key}"}}) {{ {shown} }} }}'
    query = (
        "SELECT to_rank, as_of FROM tier_transitions WHERE customer_id = $1 ORDER BY transition_id LIMIT 1"
    )
    first = await retailer.stores.pool.fetchrow(query, key)
    assert first is not None

    then = await retailer.ask(text, variables={"asOf": first["as_of"].isoformat()})
    now = await retailer.ask(text)
    before_all = await retailer.ask(text, variables={"asOf": "2020-01-01T00:00:00Z"})

    standing = then["data"]["customer"]["tier"]
    ladder = ["BRONZE", "SILVER", "GOLD", "PLATINUM", "DIAMOND"]
    assert standing["tier"]["code"] == ladder[first["to_rank"] - 1]
    assert (standing["override"], standing["score"] is None) == (None, False)
    assert now["data"]["customer"]["tier"]["override"] == {"reasonKind": "CONTRACT"}
    assert before_all["data"]["customer"]["tier"] is None


async def test_a_version_says_when_it_decides(retailer: Retailer) -> None:
    """S0-11, S0-12, S0-17, S0-18."""
    shown = "cadence upgrade largeOrder { amount } largeOrderTimesOwnMean downgrade lowerReviews"
    shown += " validityDays expiryAnchor graceDays marginPercent trial { days onceInDays }"

    answer = await retailer.ask(f"{{ tierPolicies {{ code activeVersion {{ timing {{ {shown} }} }} }} }}")

    found = {one["code"]: one["activeVersion"]["timing"] for one in answer["data"]["tierPolicies"]}
    assert found[POLICY] == {
        "cadence": "MONTHLY",
        "upgrade": "AT_ONCE_ON_LARGE_ORDER",
        "largeOrder": {"amount": "10000.00"},
        "largeOrderTimesOwnMean": 3,
        "downgrade": "ONE_STEP",
        "lowerReviews": 2,
        "validityDays": None,
        "expiryAnchor": "NONE",
        "graceDays": 0,
        "marginPercent": None,
        "trial": {"days": 14, "onceInDays": 180},
    }
