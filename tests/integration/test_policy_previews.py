"""Previews: what a candidate would do to everybody, from stored facts, without changing anybody."""

from decimal import Decimal
from typing import Any

import pytest
from own_policy import CREATE, PREVIEW, RULE, changed
from retailer import Retailer

from db import stored_facts
from domain.privacy.viewer import Role

MEASURED = """
SELECT CASE WHEN last_order_at IS NULL THEN 'GUEST'
            WHEN spend_90d >= 100000 AND last_order_at > live_as_of - INTERVAL '31 days' THEN 'FAMILY'
            WHEN spend_90d >= 30000 THEN 'FRIEND' ELSE 'GUEST' END AS tier, count(*), sum(spend_90d) / 100.0
FROM customer_facts, shop GROUP BY 1
"""
WHOLE = """
SELECT (SELECT count(*) FROM tier_transitions), (SELECT count(*) FROM dirty_customers), (SELECT count(*) FROM outbox),
       (SELECT sum(version) FROM customers), (SELECT array_agg(status ORDER BY version_id) FROM tier_policy_versions)
"""
ACTIVE = """
SELECT 'tpv_' || version_id FROM tier_policy_versions JOIN tier_policies USING (policy_id)
WHERE code = $1 AND status = 'ACTIVE'
"""
PRESETS = ["kuailv_grade", "chuanwei_value", "wanxiang_value", "wanxiang_member"]


async def act(retailer: Retailer, text: str, given: dict[str, Any]) -> dict[str, Any]:
    answer = await retailer.ask(text, Role.OPERATOR, {"input": given})
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["acted"]
    return found


async def try_rule(retailer: Retailer, rule: dict[str, Any], policy: str = "kuailv_grade") -> dict[str, Any]:
    return await act(retailer, PREVIEW, {"policy": policy, "candidate": {"rule": rule}})


@pytest.mark.parametrize("policy", PRESETS)
async def test_what_is_in_force_already_moves_nobody(retailer: Retailer, policy: str) -> None:
    """Read from stored facts alone. A ranking is placed anew, so it may move even then."""
    version = await retailer.value(ACTIVE, policy)

    found = await act(retailer, PREVIEW, {"policy": policy, "candidate": {"version": version}})

    assert (found["customers"], found["moved"], found["samples"]) == (300, 0, [])
    assert found["before"] == found["after"]
    assert sum(one["customers"] for one in found["moves"]) == 300


async def test_a_rule_nobody_saved_is_tried_on_everybody(retailer: Retailer) -> None:
    """SQL of the test's own is the second reader."""
    before = await retailer.stores.pool.fetchrow(WHOLE)

    found = await try_rule(retailer, RULE)

    rows = {row[0]: (row[1], Decimal(row[2])) for row in await retailer.stores.pool.fetch(MEASURED)}
    shown = {one["tierCode"]: one for one in found["after"]}
    assert set(rows) == {"GUEST", "FRIEND", "FAMILY"}
    for tier, (customers, spend) in rows.items():
        assert (shown[tier]["customers"], Decimal(shown[tier]["spend"]["amount"])) == (customers, spend)
        assert Decimal(shown[tier]["share"]) == round(Decimal(customers) / 300, 6)
    assert [one["tierCode"] for one in found["before"]] == ["BRONZE", "SILVER", "GOLD", "PLATINUM", "DIAMOND"]
    assert sum(Decimal(one["spendShare"]) for one in found["after"]) == pytest.approx(
        1, abs=Decimal("0.00001")
    )
    assert found["hash"] is None
    assert await retailer.stores.pool.fetchrow(WHOLE) == before


async def test_shares_are_shown_against_their_targets(retailer: Retailer) -> None:
    """S0-10: 50 to 80 % are aimed at for GUEST; the gap is in points, from the nearest end."""
    found = await try_rule(retailer, RULE)

    guest = found["after"][0]
    share = Decimal(guest["share"])
    assert guest["targetShare"] == {"min": "0.5", "max": "0.8"}
    nearest = min(max(share, Decimal("0.5")), Decimal("0.8"))
    assert Decimal(guest["gap"]) == (share - nearest) * 100
    assert found["after"][1]["gap"] is None


async def test_samples_are_of_every_kind_of_move_and_say_why(retailer: Retailer) -> None:
    found = await try_rule(retailer, RULE)

    kinds = {(one["fromCode"], one["toCode"]) for one in found["moves"]}
    shown = [(one["fromCode"], one["toCode"]) for one in found["samples"]]
    assert len(shown) == 10
    assert set(shown) <= kinds
    assert len(set(shown)) == min(10, len(kinds))
    assert all(one["customer"]["id"].startswith("cus_") for one in found["samples"])
    assert all("等级为" in one["words"] for one in found["samples"])


async def test_a_saved_version_has_a_hash_that_stays_while_the_base_does(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = await act(retailer, CREATE, {"code": "own", "name": "自有", "rule": RULE})
    version = created["tierPolicyVersion"]["id"]
    given = {"policy": "own", "candidate": {"version": version}}

    first = await act(retailer, PREVIEW, given)
    monkeypatch.setattr(stored_facts, "BLOCK_CUSTOMERS", 64)
    in_blocks = await act(retailer, PREVIEW, given)
    await retailer.stores.pool.execute(
        "UPDATE customer_facts SET spend_90d = spend_90d + 1 WHERE customer_id = 1"
    )
    drifted = await act(retailer, PREVIEW, given)

    assert len(first["hash"]) == 64
    assert first == in_blocks
    assert (first["before"], first["moved"]) == ([], 300)
    assert drifted["hash"] != first["hash"]


async def test_a_ranking_is_placed_among_everybody_as_they_stand(retailer: Retailer) -> None:
    quantity = {"code": "spend", "words": "消费", "fact": "spend365d"}
    tiers = [{"code": "REST", "name": "其余"}, {"code": "TOP", "name": "前列", "threshold": "0.1"}]
    rule = {"measure": {"rank": [quantity]}, "tiers": tiers, "timing": RULE["timing"]}
    buyers = await retailer.value("SELECT count(*) FROM customer_facts WHERE last_order_at IS NOT NULL")

    found = await try_rule(retailer, rule)

    assert found["after"][1]["customers"] == buyers // 10
    assert sum(one["customers"] for one in found["moves"] if one["toCode"] is None) == 300 - buyers


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"candidate": {"version": "tpv_999999"}}, ["candidate", "version"], "NOT_FOUND"),
        ({"candidate": {"version": "cus_1"}}, ["candidate", "version"], "NOT_FOUND"),
        ({"policy": "nothing"}, ["policy"], "UNKNOWN_POLICY"),
        ({"samples": 101}, ["samples"], "OUT_OF_RANGE"),
        (
            {"candidate": {"rule": changed(("tiers", 2, "threshold"), "300")}},
            ["candidate", "rule", "tiers", "FAMILY", "threshold"],
            "THRESHOLDS_OVERLAP",
        ),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_computed(
    retailer: Retailer, given: dict[str, Any], field: list[str], code: str
) -> None:
    found = await act(retailer, PREVIEW, {"policy": "kuailv_grade", "candidate": {"rule": RULE}} | given)

    assert [(one["field"], one["code"]) for one in found["userErrors"]] == [(field, code)]
    assert (found["hash"], found["moves"]) == (None, [])


async def test_only_operators_preview(retailer: Retailer) -> None:
    given = {"input": {"policy": "kuailv_grade", "candidate": {"rule": RULE}}}
    for role in set(Role) - {Role.OPERATOR}:
        own_id = {"customer_id": 1} if role is Role.CUSTOMER else {}
        assert "errors" in await retailer.ask(PREVIEW, role, given, **own_id), role


async def test_a_preview_costs_what_it_is(retailer: Retailer) -> None:
    """Twenty in one request would be more than any request may cost."""
    one = "tierPolicyPreview(input: $input) { hash }"
    text = "mutation M($input: TierPolicyPreviewInput!) {" + " ".join(f"a{n}: {one}" for n in range(21)) + "}"
    given = {"input": {"policy": "kuailv_grade", "candidate": {"rule": RULE}}}

    answer = await retailer.ask(text, Role.OPERATOR, given)

    assert answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_thresholds_that_would_meet_the_targets_are_shown(retailer: Retailer) -> None:
    """S0-10: the grade at the calibrated thresholds has the calibrated shares."""
    shown = "tierCode currentThreshold calibratedThreshold calibratedShare"
    text = f"mutation M($input: TierPolicyPreviewInput!) {{ acted: tierPolicyPreview(input: $input) {{ \
calibration {{ {shown} }} after {{ tierCode customers }} userErrors {{ message }} }} }}"
    version = await retailer.value(ACTIVE, "kuailv_grade")

    found = await act(retailer, text, {"policy": "kuailv_grade", "candidate": {"version": version}})

    assert [one["tierCode"] for one in found["calibration"]] == ["SILVER", "GOLD", "PLATINUM", "DIAMOND"]
    assert [one["currentThreshold"] for one in found["calibration"]] == ["40", "60", "75", "90"]
    top = found["calibration"][-1]
    assert Decimal(top["calibratedShare"]) >= Decimal("0.05")
    thresholds = [Decimal(one["calibratedThreshold"]) for one in found["calibration"]]
    assert thresholds == sorted(thresholds)
