"""Drafting policies through the API: what is stored, and how every mistake is named."""

import json
from dataclasses import replace
from typing import Any

import pytest
from own_policy import CREATE, DRAFT, RECENCY, RULE, SPEND, changed
from random_operations import Values
from retailer import Retailer
from retailer_operations import comparison_over
from written_rules import written_rule

from domain.privacy.viewer import Role
from domain.tiers.policy import TierPolicy
from domain.tiers.presets import PRESETS
from domain.tiers.rule_json import rule_to_json

STORED = """
SELECT (SELECT count(*) FROM tier_policies), (SELECT count(*) FROM tier_policy_versions),
       (SELECT count(*) FROM tiers), (SELECT count(*) FROM audit_log), (SELECT count(*) FROM dirty_customers)
"""
AUDIT = (
    "SELECT actor, role, action, object_id FROM audit_log WHERE object_kind = 'TIER_POLICY' ORDER BY audit_id"
)
PARTS = ("measure", "score", "parts")


async def act(retailer: Retailer, text: str, given: dict[str, Any]) -> dict[str, Any]:
    answer = await retailer.ask(text, Role.OPERATOR, {"input": given})
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["acted"]
    return found


def own(rule: dict[str, Any] = RULE, **more: Any) -> dict[str, Any]:
    return {"code": "own", "name": "自有", "rule": rule} | more


async def have_own(retailer: Retailer) -> None:
    """The policy of the first test, where another worker ran that."""
    if not await retailer.value("SELECT count(*) FROM tier_policies WHERE code = 'own'"):
        await act(retailer, CREATE, own())


async def test_a_policy_is_drafted_and_drafted_again_as_data(retailer: Retailer) -> None:
    created = await act(retailer, CREATE, own())
    again = await act(retailer, DRAFT, {"policy": "own", "rule": changed(("tiers", 1, "threshold"), "400")})

    version = created["tierPolicyVersion"]
    assert created["userErrors"] == again["userErrors"] == []
    assert (version["number"], version["status"]) == (1, "DRAFT")
    assert version["policy"] == {"code": "own", "name": "自有"}
    assert version["timing"] == {"cadence": "REALTIME"}
    assert version["measure"] == {"kind": "SCORE", "parts": [{"code": "spend", "unit": "CNY"}]}
    assert [tier["threshold"] for tier in version["tiers"]] == [None, "300", "1000"]
    assert version["tiers"][2]["gates"] == [{"words": "距上次下单天数", "value": "30.000000", "unit": "days"}]
    assert version["tiers"][2]["benefits"] == [
        {"words": "亲友券", "value": None, "days": None},
        {"words": "亲友价", "value": "0.9", "days": None},
    ]
    assert [tier["threshold"] for tier in again["tierPolicyVersion"]["tiers"]] == [None, "400", "1000"]
    assert again["tierPolicyVersion"]["number"] == 2
    rows = [tuple(row) for row in await retailer.stores.pool.fetch(AUDIT)]
    assert rows == [
        ("somebody", "OPERATOR", "DRAFTED", "own 1"),
        ("somebody", "OPERATOR", "DRAFTED", "own 2"),
    ]
    assert await retailer.value("SELECT policy_id FROM tier_policies WHERE code = 'own'") == 7


async def test_a_draft_grades_nobody_and_can_be_read_by_the_staff(retailer: Retailer) -> None:
    await have_own(retailer)
    text = "{ tierPolicies { code activeVersion { number } versions(first: 1) { nodes { timing { cadence } } } } }"

    answer = await retailer.ask(text, Role.ANALYST)

    assert answer["data"]["tierPolicies"][-1]["activeVersion"] is None
    assert answer["data"]["tierPolicies"][-1]["versions"]["nodes"] == [{"timing": {"cadence": "REALTIME"}}]
    assert await retailer.value("SELECT count(*) FROM tier_standings WHERE policy_id = 7") == 0


IDS = "SELECT version_id FROM tier_policy_versions JOIN tier_policies USING (policy_id) WHERE code = 'own'"
OUTSIDERS = (Role.CUSTOMER, Role.PARTNER, Role.PRIVACY_OFFICER)
TRIED = ["versions(first: 1) { nodes { id } }", "canaryVersion { id }", "activeVersion { status }"]
TRIED += ["activeVersion { scope { share } }"]


@pytest.mark.parametrize("role", OUTSIDERS)
async def test_a_draft_is_not_there_for_others_than_the_staff(retailer: Retailer, role: Role) -> None:
    await have_own(retailer)
    mine = {"customer_id": 1} if role is Role.CUSTOMER else {}
    draft, active = (
        await retailer.value(IDS),
        await retailer.value("SELECT min(version_id) FROM tier_policy_versions"),
    )
    text = """query ($ids: [ID!]!, $draft: ID!) { tierPolicies { code activeVersion { number } }
      draft: node(id: $draft) { id } nodes(ids: $ids) { id ... on TierPolicyVersion { tiers { code } } } }"""
    variables = {"draft": f"tpv_{draft}", "ids": [f"tpv_{active}", f"tpv_{draft}", "tpo_7"]}

    seen = (await retailer.ask(text, role, variables, **mine))["data"]
    by_staff = (await retailer.ask(text, Role.MARKETER, variables))["data"]

    assert seen["draft"] is None
    assert [one and one["id"] for one in seen["nodes"]] == [f"tpv_{active}", None, None]
    assert seen["nodes"][0]["tiers"]
    assert "own" not in {one["code"] for one in seen["tierPolicies"]}
    assert len(seen["tierPolicies"]) == 5
    assert [one["id"] for one in by_staff["nodes"]] == variables["ids"]
    assert "own" in {one["code"] for one in by_staff["tierPolicies"]}


async def test_planner_and_reference_hide_the_same_drafts(retailer: Retailer) -> None:
    await have_own(retailer)
    policies = {"ID": [f"tpv_{number}" for number in range(1, 9)] + [f"tpo_{number}" for number in range(8)]}
    comparison = await comparison_over(retailer, ["tierPolicies", "node", "nodes"])
    values = Values(by_name={}, by_scalar=comparison.values.by_scalar | policies)
    outsiders = [one for one in comparison.contexts if one.viewer.role in OUTSIDERS]
    comparison = replace(comparison, values=values, contexts=outsiders)

    await comparison.run(15, seed=5)

    assert comparison.disagreements == []
    assert retailer.fallbacks == []


@pytest.mark.parametrize("role", OUTSIDERS)
@pytest.mark.parametrize("selection", TRIED)
async def test_nobody_but_the_staff_hears_of_what_is_tried(
    retailer: Retailer, role: Role, selection: str
) -> None:
    mine = {"customer_id": 1} if role is Role.CUSTOMER else {}

    refused = await retailer.ask(f"{{ tierPolicies {{ {selection} }} }}", role, **mine)
    told = await retailer.ask(f"{{ tierPolicies {{ {selection} }} }}", Role.AGENT)

    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    assert "errors" not in told


WRONG: list[tuple[str, tuple[Any, ...], Any, list[str], str]] = [
    (
        "overlap",
        ("tiers", 2, "threshold"),
        "300",
        ["rule", "tiers", "FAMILY", "threshold"],
        "THRESHOLDS_OVERLAP",
    ),
    ("gap", ("tiers", 1, "threshold"), None, ["rule", "tiers", "FRIEND", "threshold"], "REQUIRED"),
    ("below zero", ("tiers", 1, "threshold"), "-1", ["rule", "tiers", "FRIEND", "threshold"], "OUT_OF_RANGE"),
    (
        "a fact nobody knows",
        (*PARTS, 0, "quantity", "fact"),
        "luck90d",
        ["rule", "measure", "score", "spend", "fact"],
        "UNKNOWN_FACT",
    ),
    (
        "a wrong unit",
        (*PARTS, 0, "quantity", "unit"),
        "cents",
        ["rule", "measure", "score", "spend", "unit"],
        "WRONG_UNIT",
    ),
    (
        "unreachable",
        (*PARTS, 0, "cap"),
        "500",
        ["rule", "tiers", "FAMILY", "threshold"],
        "TIER_UNREACHABLE",
    ),
    ("shares", ("tiers", 1, "targetShare"), "0.6", ["rule", "tiers"], "UNSATISFIABLE"),
    (
        "share in percent",
        ("tiers", 1, "targetShare"),
        "60",
        ["rule", "tiers", "FRIEND", "targetShare"],
        "OUT_OF_RANGE",
    ),
    ("unknown tier", ("neverOrderedTier",), "RUBY", ["rule", "neverOrderedTier"], "UNKNOWN_TIER"),
    ("tier twice", ("tiers", 2, "code"), "FRIEND", ["rule", "tiers"], "DUPLICATE"),
    ("no tiers", ("tiers",), [], ["rule", "tiers"], "REQUIRED"),
    (
        "timing",
        ("timing",),
        {"cadence": "REALTIME", "qualificationDays": 0},
        ["rule", "timing", "qualificationDays"],
        "INVALID",
    ),
    (
        "a validity that ends on no date",
        ("timing",),
        RULE["timing"] | {"validityDays": 2_000_000_000, "expiryAnchor": "TIER_START"},
        ["rule", "timing", "validityDays"],
        "INVALID",
    ),
    ("a lower-case tier", ("tiers", 0, "code"), "guest", ["rule", "tiers", "guest", "code"], "INVALID"),
    (
        "an alarm of no tier",
        ("timing",),
        RULE["timing"] | {"silenceAlarmDays": 25, "silenceAlarmTier": "RUBY"},
        ["rule", "timing", "silenceAlarmTier"],
        "UNKNOWN_TIER",
    ),
    (
        "an alarm after no time",
        ("timing",),
        RULE["timing"] | {"silenceAlarmTier": "FAMILY"},
        ["rule", "timing", "silenceAlarmTier"],
        "REQUIRED",
    ),
]


@pytest.mark.parametrize(("words", "path", "value", "field", "code"), WRONG)
async def test_a_wrong_rule_is_named_and_nothing_is_stored(
    retailer: Retailer, words: str, path: tuple[Any, ...], value: Any, field: list[str], code: str
) -> None:
    before = await retailer.stores.pool.fetchrow(STORED)

    acted = await act(retailer, CREATE, own(changed(path, value), code="wrong"))

    assert acted["tierPolicyVersion"] is None
    assert (field, code) in [(error["field"], error["code"]) for error in acted["userErrors"]]
    assert await retailer.stores.pool.fetchrow(STORED) == before


async def test_all_mistakes_are_told_at_once(retailer: Retailer) -> None:
    rule = changed(("measure",), {"bands": {"dimensions": [
        {"quantity": SPEND | {"unit": "orders"}, "steps": [
            {"tier": "FRIEND", "comparison": "GTE", "value": "5"},
            {"tier": "FAMILY", "comparison": "GTE", "value": "4"}]},
        {"quantity": RECENCY | {"fact": "moonPhase"}, "steps": []}]}})  # fmt: skip

    acted = await act(retailer, CREATE, own(rule, code="WRONG"))
    version = await act(retailer, DRAFT, {"policy": "own", "rule": rule})

    found = [error["code"] for error in acted["userErrors"]]
    assert found[:2] == ["WRONG_UNIT", "UNKNOWN_FACT"]
    assert {"INVALID", "THRESHOLDS_GAP", "THRESHOLDS_OVERLAP"} <= set(found)
    assert all(error["message"] for error in acted["userErrors"])
    assert version["tierPolicyVersion"] is None


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"code": "own"}, ["code"], "DUPLICATE"),
        ({"code": "Own Policy"}, ["code"], "INVALID"),
        ({"code": "unnamed", "name": "  "}, ["name"], "REQUIRED"),
    ],
)
async def test_a_policy_needs_a_code_and_a_name_of_its_own(
    retailer: Retailer, given: dict[str, Any], field: list[str], code: str
) -> None:
    await have_own(retailer)
    before = await retailer.stores.pool.fetchrow(STORED)

    acted = await act(retailer, CREATE, own(**given))

    assert [(error["field"], error["code"]) for error in acted["userErrors"]] == [(field, code)]
    assert await retailer.stores.pool.fetchrow(STORED) == before


async def test_a_version_needs_a_policy_that_is_there(retailer: Retailer) -> None:
    acted = await act(retailer, DRAFT, {"policy": "nothing", "rule": RULE})

    assert [(one["field"], one["code"]) for one in acted["userErrors"]] == [(["policy"], "UNKNOWN_POLICY")]


async def test_there_is_room_for_eight_policies(retailer: Retailer) -> None:
    for code in ("sixth", "seventh", "eighth"):  # as many as there is room for
        await act(retailer, CREATE, own(code=code))

    acted = await act(retailer, CREATE, own(code="ninth"))

    assert [(one["field"], one["code"]) for one in acted["userErrors"]] == [(["code"], "TOO_MANY")]


async def test_only_operators_draft(retailer: Retailer) -> None:
    for role in set(Role) - {Role.OPERATOR}:
        own_id = {"customer_id": 1} if role is Role.CUSTOMER else {}
        answer = await retailer.ask(CREATE, role, {"input": own(code="theirs")}, **own_id)
        assert "errors" in answer, role


@pytest.mark.parametrize("preset", PRESETS, ids=[preset.code for preset in PRESETS])
async def test_a_shipped_policy_drafted_again_is_the_same_rule(
    retailer: Retailer, preset: TierPolicy
) -> None:
    """Its churn alarm, too. [S0-18] A third is written with six digits: no tenure tells one from the other. [S1-3]"""
    rule = preset.versions[0].rule
    acted = await act(retailer, DRAFT, {"policy": preset.code, "rule": written_rule(rule)})

    assert acted["userErrors"] == []
    query = "SELECT rule FROM tier_policy_versions WHERE version_id = $1"
    stored = json.loads(await retailer.value(query, int(acted["tierPolicyVersion"]["id"][4:])))
    expected = json.dumps(rule_to_json(rule), sort_keys=True).replace('"1/3"', '"0.333333"')
    assert json.dumps(stored, sort_keys=True) == expected


async def test_a_version_shows_after_which_silence_it_raises_the_alarm(retailer: Retailer) -> None:
    text = "{ tierPolicies { code activeVersion { timing { silenceAlarmDays silenceAlarmTier } } } }"

    answer = await retailer.ask(text)

    shown = {one["code"]: one["activeVersion"]["timing"] for one in answer["data"]["tierPolicies"][:5]}
    assert shown["kuailv_grade"] == {"silenceAlarmDays": 25, "silenceAlarmTier": "PLATINUM"}
    assert shown["xiaoxiang_layer"] == {"silenceAlarmDays": None, "silenceAlarmTier": None}
