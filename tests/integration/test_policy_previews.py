"""Previews: what a candidate would do to everybody, from stored facts, without changing anybody."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from own_policy import CREATE, PREVIEW, RULE, changed
from retailer import Retailer

from db import stored_facts
from db.review_reads import PostgresCustomerBatch
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
    await retailer.stores.pool.execute(
        "UPDATE customer_facts SET spend_90d = spend_90d - 1 WHERE customer_id = 1"
    )

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


SCOPED = """mutation M($input: TierPolicyPreviewInput!) { acted: tierPolicyPreview(input: $input) {
  hash asOf customers moved before { tierCode customers } after { tierCode customers spend { amount } }
  benefitCostChange { amount currencyCode } samples { customer { id } } userErrors { field code message } } }"""
PREVIEWS = "SELECT count(*) FROM tier_policy_previews"
FIRST = "SELECT min(as_of) FROM tier_transitions WHERE policy_id = 2"
GRADED_THEN = """
SELECT code, count(*)::int FROM tier_transitions AS log JOIN tiers
  ON tiers.version_id = log.version_id AND tiers.rank = log.measured_rank
WHERE log.policy_id = 2 AND log.as_of = $1 GROUP BY 1
"""
FILTERS = [
    {"city": ["上海", "成都"]},
    {"kind": "BUSINESS"},
    {"facts": {"spend90d": {"gte": "1000"}, "daysSinceLastOrder": {"lt": 30}}},
    {
        "any": [
            {"tier": {"policy": "kuailv_grade", "in": ["GOLD", "DIAMOND"]}},
            {"not": {"kind": "HOUSEHOLD"}},
        ]
    },
    {"ids": ["cus_1", "cus_2", "cus_300"]},
]


def counted(tiers: list[dict[str, Any]]) -> dict[str, int]:
    return {one["tierCode"]: one["customers"] for one in tiers if one["customers"]}


@pytest.mark.parametrize("where", FILTERS, ids=lambda where: next(iter(where)))
async def test_a_part_of_the_customers_is_those_whom_the_filter_lists(
    retailer: Retailer, where: dict[str, Any]
) -> None:
    version, before = await retailer.value(ACTIVE, "kuailv_grade"), await retailer.value(PREVIEWS)
    listed = await retailer.ask(
        "query ($where: CustomerFilter) { customers(first: 1, where: $where) { totalCount { value } } }",
        variables={"where": where},
    )

    given = {"policy": "kuailv_grade", "candidate": {"version": version}, "where": where}
    found = await act(retailer, SCOPED, given)

    assert found["userErrors"] == []
    assert found["customers"] == listed["data"]["customers"]["totalCount"]["value"]
    assert 0 < sum(counted(found["after"]).values()) == found["customers"] < 300
    assert (found["moved"], found["hash"]) == (0, None)
    assert await retailer.value(PREVIEWS) == before


async def test_a_ranking_places_a_part_among_everybody(retailer: Retailer) -> None:
    quantity = {"code": "spend", "words": "消费", "fact": "spend365d"}
    tiers = [{"code": "REST", "name": "其余"}, {"code": "TOP", "name": "前列", "threshold": "0.1"}]
    rule = {"measure": {"rank": [quantity]}, "tiers": tiers, "timing": RULE["timing"]}
    found = {}

    for kind in ("BUSINESS", "HOUSEHOLD", None):
        given = {"policy": "kuailv_grade", "candidate": {"rule": rule}, "where": {"kind": kind}}
        found[kind] = counted((await act(retailer, SCOPED, given))["after"])["TOP"]

    assert found["BUSINESS"] + found["HOUSEHOLD"] == found[None]


async def test_the_live_moment_measured_again_is_what_is_stored(retailer: Retailer) -> None:
    moment = await retailer.value("SELECT live_as_of FROM shop")
    given = {"policy": "chuanwei_value", "candidate": {"rule": RULE}}

    stored = await act(retailer, SCOPED, given)
    measured = await act(retailer, SCOPED, given | {"asOf": moment.isoformat()})

    assert measured == stored
    assert stored["asOf"] == moment.isoformat()


async def test_a_past_moment_shows_what_was_measured_then(retailer: Retailer) -> None:
    """The log of the first look at everybody is the second reader."""
    moment, version = await retailer.value(FIRST), await retailer.value(ACTIVE, "wanxiang_value")
    given = {"policy": "wanxiang_value", "candidate": {"version": version}, "asOf": moment.isoformat()}

    found = await act(retailer, SCOPED, given)

    then = {row[0]: row[1] for row in await retailer.stores.pool.fetch(GRADED_THEN, moment)}
    assert counted(found["after"]) == counted(found["before"]) == then
    assert (found["moved"], found["hash"], found["asOf"]) == (0, None, moment.isoformat())
    live = await act(retailer, SCOPED, {"policy": "wanxiang_value", "candidate": {"version": version}})
    assert counted(live["after"]) != then


async def test_two_rankings_of_the_past_read_it_twice_and_no_more_of_it_than_they_need(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for the places of both, once for everybody's tiers; of old orders only moments and amounts."""
    moment, version = await retailer.value(FIRST), await retailer.value(ACTIVE, "xiaoxiang_layer")
    read, details = PostgresCustomerBatch.history, []

    async def noted(batch: Any, details_since: datetime | None = None) -> Any:
        details.append(details_since)
        return await read(batch, details_since)

    monkeypatch.setattr(PostgresCustomerBatch, "history", noted)
    given = {"policy": "xiaoxiang_layer", "candidate": {"version": version}, "asOf": moment.isoformat()}

    found = await act(retailer, SCOPED, given)

    assert details == 2 * [moment - timedelta(days=180)]
    assert (found["moved"], counted(found["before"])) == (0, counted(found["after"]))


async def test_a_connection_lost_while_the_past_is_read_is_told_as_such(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment, version = await retailer.value(FIRST), await retailer.value(ACTIVE, "kuailv_grade")

    async def lost(batch: Any, _since: datetime | None = None) -> Any:
        await batch.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(PostgresCustomerBatch, "history", lost)
    given = {"policy": "kuailv_grade", "candidate": {"version": version}, "asOf": moment.isoformat()}

    answer = await retailer.ask(SCOPED, Role.OPERATOR, {"input": given})

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["STORE_UNAVAILABLE"]


async def test_prices_of_tiers_have_a_cost(retailer: Retailer) -> None:
    """From no price to 0.9 for everybody who is a FRIEND or more."""
    price = [{"kind": "PRICE", "words": "九折", "value": "0.9"}]
    priced = [tier | {"benefits": price if tier["code"] != "GUEST" else []} for tier in RULE["tiers"]]
    plain = [tier | {"benefits": []} for tier in RULE["tiers"]]

    found, without = [
        await act(
            retailer,
            SCOPED,
            {"policy": "wanxiang_member", "candidate": {"rule": RULE | {"tiers": tiers}}},
        )
        for tiers in (priced, plain)
    ]

    spend = sum(Decimal(one["spend"]["amount"]) for one in found["after"] if one["tierCode"] != "GUEST")
    assert found["benefitCostChange"]["currencyCode"] == "CNY"
    assert abs(Decimal(found["benefitCostChange"]["amount"]) - spend / 10) <= Decimal("0.005")
    assert without["benefitCostChange"] is None


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"asOf": "2026-06-02T16:00:00Z"}, ["asOf"], "IN_THE_FUTURE"),
        ({"asOf": "1969-12-31T00:00:00Z"}, ["asOf"], "OUT_OF_RANGE"),
        ({"where": {"city": ["a\0b"]}}, ["where"], "INVALID"),
        ({"samples": -1}, ["samples"], "OUT_OF_RANGE"),
    ],
)
async def test_a_scope_that_cannot_be_is_named(
    retailer: Retailer, given: dict[str, Any], field: list[str], code: str
) -> None:
    found = await act(retailer, SCOPED, {"policy": "kuailv_grade", "candidate": {"rule": RULE}} | given)

    assert [(one["field"], one["code"]) for one in found["userErrors"]] == [(field, code)]
    assert (found["asOf"], found["customers"], found["benefitCostChange"]) == (None, 0, None)
