"""A customer answers five standings, each with its parts, its reasons and its way up; policies show their rules."""

from decimal import Decimal
from typing import Any

import pytest
from retailer import Retailer

from domain.privacy.viewer import Role
from domain.tiers.presets import PRESETS

STANDINGS = """query ($where: CustomerFilter) { customers(first: 60, where: $where) { nodes { id
  facts { orders365d spend365d spend30d growthValue365d ordersAllTime daysSinceLastOrder tenureMonths365d }
  tiers {
    policy { code } tier { code rank } rawTier { code rank } score
    parts { code observed points weight tierCode fact { number } }
    explanation { words checks { tierCode metric observed threshold comparison passed } evidence { text }
                  period { from to } contributingOrders(first: 3) { nodes { id } } }
    progress { nextTier { code } almostThere gaps { metric current required missing unit atMost }
               retention { metric missing } recipes { kind reachable } }
  } } } }"""
MEASURES = """{ tierPolicies { code activeVersion { measure {
  kind combination scoreCap parts { code unit weight slope cap fact { code } per { code }
                                    steps { tierCode comparison value } } }
  tiers { code threshold targetShare { min max } gates { words comparison value unit } benefits { kind } } } } }"""


async def _standings(retailer: Retailer, where: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await retailer.ask(STANDINGS, Role.OPERATOR, {"where": where})
    assert "errors" not in answer
    assert retailer.fallbacks == []
    nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
    return nodes


@pytest.fixture(scope="module")
async def customers(retailer: Retailer) -> list[dict[str, Any]]:
    return await _standings(retailer, {})


def _under(customer: dict[str, Any], policy: str) -> dict[str, Any] | None:
    return next((one for one in customer["tiers"] if one["policy"]["code"] == policy), None)


def _ordered(customers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in customers if one["facts"]["ordersAllTime"]]


async def test_everybody_who_ordered_stands_under_five_policies(customers: list[dict[str, Any]]) -> None:
    for customer in _ordered(customers):
        assert [one["policy"]["code"] for one in customer["tiers"]] == [policy.code for policy in PRESETS]
        assert all(one["tier"] for one in customer["tiers"])


async def test_the_tier_is_what_the_shown_facts_give(customers: list[dict[str, Any]]) -> None:
    """S1-2, S2-1, S2-3, from the answer alone; the tier in effect follows when the policy looks."""
    for customer in _ordered(customers):
        facts = {name: Decimal(str(value)) for name, value in customer["facts"].items()}
        month, growth = facts["spend30d"], facts["growthValue365d"]
        expected_month = "DIAMOND" if month > 2_000 else "GOLD" if month >= 500 else "POTENTIAL"
        levels = ((20_000, "DIAMOND"), (5_000, "GOLD"), (1_000, "SILVER"), (0, "COPPER"))
        frequency = facts["orders365d"] / facts["tenureMonths365d"]
        bands = sorted(
            [
                1 + (facts["spend365d"] > 10_000) + (facts["spend365d"] > 50_000),
                1 + (frequency * 3 >= Decimal("0.999999")) + (frequency >= 3),
                1 + (facts["daysSinceLastOrder"] <= 90) + (facts["daysSinceLastOrder"] <= 30),
            ]
        )

        assert _under(customer, "wanxiang_value")["rawTier"]["code"] == expected_month  # type: ignore[index]
        level = next(code for least, code in levels if growth >= least)
        assert _under(customer, "wanxiang_member")["rawTier"]["code"] == level  # type: ignore[index]
        assert _under(customer, "chuanwei_value")["rawTier"]["rank"] == bands[1]  # type: ignore[index]


async def test_every_standing_gives_reasons_and_what_keeps_it(customers: list[dict[str, Any]]) -> None:
    kinds = set()
    for customer in _ordered(customers):
        for standing in customer["tiers"]:
            assert standing["explanation"]["words"]
            assert standing["explanation"]["checks"][-1]["passed"]
            if standing["tier"] == standing["rawTier"]:
                is_top = standing["progress"]["nextTier"] is None
                assert is_top is (standing["progress"]["recipes"] == [] == standing["progress"]["gaps"])
            if standing["policy"]["code"] != "chuanwei_value":
                assert all(Decimal(gap["missing"]) <= 0 for gap in standing["progress"]["retention"])
            kinds |= {recipe["kind"] for recipe in standing["progress"]["recipes"]}
    assert kinds == {"MORE_ORDERS", "MORE_SPEND", "USUAL_BASKETS"}


async def test_layers_of_silence_are_no_goal(retailer: Retailer) -> None:
    """S4-2: 91 to 180 days are dormant, longer is lost; an order makes both silver."""
    silent = await _standings(retailer, {"facts": {"daysSinceLastOrder": {"gt": 90}}})

    assert silent
    for customer in silent:
        standing = _under(customer, "xiaoxiang_layer")
        assert standing is not None
        is_lost = customer["facts"]["daysSinceLastOrder"] > 180
        assert standing["rawTier"]["code"] == ("LOST" if is_lost else "DORMANT")
        if standing["tier"] == standing["rawTier"]:
            assert standing["progress"]["nextTier"]["code"] == "SILVER"


async def test_a_new_user_has_no_layer(retailer: Retailer, customers: list[dict[str, Any]]) -> None:
    """S4-6: nothing was ever decided under that policy."""
    new = [one for one in customers if not one["facts"]["ordersAllTime"]]

    for customer in new:
        assert _under(customer, "xiaoxiang_layer") is None
        assert len(customer["tiers"]) == 4


async def test_a_policy_shows_what_it_measures(retailer: Retailer) -> None:
    answer = await retailer.ask(MEASURES)
    assert "errors" not in answer
    versions = {policy["code"]: policy["activeVersion"] for policy in answer["data"]["tierPolicies"]}

    kinds = {code: version["measure"]["kind"] for code, version in versions.items()}
    assert kinds == {
        "kuailv_grade": "SCORE",
        "chuanwei_value": "BANDS",
        "wanxiang_value": "SCORE",
        "wanxiang_member": "SCORE",
        "xiaoxiang_layer": "RANK",
    }
    grade, layers = versions["kuailv_grade"]["measure"], versions["chuanwei_value"]["measure"]
    assert [(part["code"], part["weight"], part["slope"]) for part in grade["parts"]] == [
        ("R", "0.300000", "-2.000000"),
        ("F", "0.400000", "5.000000"),
        ("M", "0.300000", "0.001000"),
    ]
    assert layers["combination"] == "MEDIAN"
    assert [(part["unit"], part["steps"][1]) for part in layers["parts"]] == [
        ("CNY", {"tierCode": "HIGH", "comparison": "GT", "value": "50000.000000"}),
        ("orders per month", {"tierCode": "HIGH", "comparison": "GTE", "value": "3.000000"}),
        ("days", {"tierCode": "HIGH", "comparison": "LTE", "value": "30.000000"}),
    ]
    gold = versions["xiaoxiang_layer"]["tiers"][3]
    assert (gold["code"], Decimal(gold["threshold"])) == ("GOLD", Decimal("0.25"))
    assert gold["gates"] == [
        {"words": "距上次下单天数", "comparison": "LTE", "value": "60.000000", "unit": "days"}
    ]
    assert {key: Decimal(value) for key, value in gold["targetShare"].items()} == {
        "min": Decimal("0.15"),
        "max": Decimal("0.20"),
    }


async def test_a_share_inside_of_its_range_has_no_gap(retailer: Retailer) -> None:
    text = """{ tierDistribution(policy: "xiaoxiang_layer") { withoutTier tiers {
      tier { code } share gap targetShare { min max } } } }"""
    found = (await retailer.ask(text))["data"]["tierDistribution"]

    for one in found["tiers"]:
        share, low, high = map(Decimal, (one["share"], one["targetShare"]["min"], one["targetShare"]["max"]))
        assert Decimal(one["gap"]) == 100 * (share - min(max(share, low), high))
