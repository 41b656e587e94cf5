"""Why a tier, from the stored decision alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from tier_cases import NEVER, any_facts, preset_rule, unhurried

from domain.tiers.checks import Comparison
from domain.tiers.evidence import evidence_of
from domain.tiers.explanation import explain
from domain.tiers.policy import TierPolicy, TierPolicyVersion
from domain.tiers.presets import PRESETS
from domain.tiers.presets.chuanwei_value import CHUANWEI_VALUE
from domain.tiers.presets.kuailv_grade import KUAILV_GRADE
from domain.tiers.presets.wanxiang_value import WANXIANG_VALUE
from domain.tiers.presets.xiaoxiang_layer import XIAOXIANG_LAYER
from domain.tiers.recall import recall
from domain.tiers.standing import stand

AS_OF = datetime(2026, 11, 22, 16, tzinfo=UTC)
VERSION = KUAILV_GRADE.versions[0]
RULE = VERSION.rule
GOLD = NEVER | {"days_since_last_order": 10, "orders_90d": 15, "spend_90d": 6_000_000}


def _stored(facts: dict[str, int | None], version: TierPolicyVersion = VERSION) -> Any:
    """Through JSON, as the database keeps it."""
    return json.loads(json.dumps(evidence_of(version, stand(version.rule, facts), as_of=AS_OF)))


def test_a_stored_decision_says_why_in_both_languages() -> None:
    found = explain(RULE, _stored(GOLD))

    assert found.words.zh == (
        "得分 72，等级为黄金：最近下单 80 分 × 0.3，90天下单次数 75 分 × 0.4，90天消费金额 60 分 × 0.3"
    )
    assert found.words.en == (
        "A score of 72 is Gold: Recency of the last order 80 × 0.3, "
        "Orders in 90 days 75 × 0.4, Spend in 90 days 60 × 0.3"
    )


def test_each_cut_says_what_was_wanted_and_found_from_the_top_down() -> None:
    found = explain(RULE, _stored(GOLD))

    assert [(c.tier_code, c.passed, c.words.en) for c in found.checks] == [
        ("DIAMOND", False, "Diamond: needs a score ≥ 90, found 72, not reached"),
        ("PLATINUM", False, "Platinum: needs a score ≥ 75, found 72, not reached"),
        ("GOLD", True, "Gold: needs a score ≥ 60, found 72, reached"),
        ("SILVER", True, "Silver: needs a score ≥ 40, found 72, reached"),
        ("BRONZE", True, "Bronze: no threshold"),
    ]
    assert found.checks[2].words.zh == "黄金：要求得分 ≥ 60，实际 72，达到"
    assert {check.comparison for check in found.checks} == {Comparison.GTE}


def test_the_record_holds_the_facts_and_the_ninety_days_they_cover() -> None:
    found = explain(RULE, _stored(GOLD))

    assert {e.fact: e.value for e in found.evidence} == {
        "days_since_last_order": 10,
        "orders_90d": 15,
        "spend_90d": 6_000_000,
    }
    assert found.period.until == AS_OF
    assert found.period.after == datetime(2026, 8, 24, 16, tzinfo=UTC)


def test_whoever_never_ordered_is_told_so() -> None:
    """C8."""
    found = explain(RULE, _stored(NEVER))

    assert found.words.zh == "尚无有效订单，等级为青铜"
    assert [c.tier_code for c in found.checks if c.passed] == ["BRONZE"]


def test_a_strict_cut_is_explained_by_its_own_sign() -> None:
    tiers = tuple(replace(tier, threshold_inclusive=False) for tier in VERSION.rule.tiers)
    version = replace(VERSION, rule=replace(VERSION.rule, tiers=tiers))

    assert explain(version.rule, _stored(GOLD, version)).checks[0].words.en == (
        "Diamond: needs a score > 90, found 72, not reached"
    )


@unhurried
@given(facts=any_facts)
def test_the_highest_passed_cut_is_the_tier_for_every_stored_decision(facts: dict[str, int | None]) -> None:
    standing = stand(VERSION.rule, facts)

    found = explain(RULE, _stored(facts))

    assert standing.tier is not None
    assert next(c.tier_code for c in found.checks if c.passed) == standing.tier.code
    assert found.parts == standing.parts
    assert sum(((p.points or 0) * (p.weight or 0) for p in found.parts), Fraction(0)) == standing.score


def test_bands_are_explained_dimension_by_dimension() -> None:
    """S1-5: 60,000 CNY, 1.5 orders a month and 20 days: two of three are high."""
    facts = NEVER | {
        "spend_365d": 6_000_000,
        "orders_365d": 18,
        "days_since_first_order": 370,
        "days_since_last_order": 20,
    }

    found = explain(CHUANWEI_VALUE.versions[0].rule, _stored(facts, CHUANWEI_VALUE.versions[0]))

    assert found.words.zh == (
        "综合各维度，等级为高价值（VIP）：近一年消费 60,000.00（高价值（VIP）），月均下单次数 1.501027（中价值），"
        "距上次下单天数 20（高价值（VIP））"
    )
    assert [(c.tier_code, c.passed, c.words.en) for c in found.checks] == [
        (
            "HIGH",
            True,
            "High value (VIP): needs spend of the last year > 50,000.00, found 60,000.00, reached",
        ),
        ("HIGH", False, "High value (VIP): needs orders a month ≥ 3, found 1.501027, not reached"),
        ("HIGH", True, "High value (VIP): needs days since the last order ≤ 30, found 20, reached"),
        ("MID", True, "Mid value: needs spend of the last year > 10,000.00, found 60,000.00, reached"),
        ("MID", True, "Mid value: needs orders a month ≥ 0.333333, found 1.501027, reached"),
        ("MID", True, "Mid value: needs days since the last order ≤ 90, found 20, reached"),
        ("LOW", True, "Low value: no threshold"),
    ]


def test_a_plain_number_is_explained_by_its_own_name() -> None:
    version = WANXIANG_VALUE.versions[0]

    found = explain(version.rule, _stored(NEVER | {"days_since_last_order": 1, "spend_30d": 60_050}, version))

    assert found.words.zh == "近30天消费 600.5，等级为黄金"
    assert found.checks[0].words.zh == "钻石：要求近30天消费 > 2000，实际 600.5，未达到"


LAYER = XIAOXIANG_LAYER.versions[0]
SECOND_BEST = NEVER | {
    "days_since_last_order": 40,
    "orders_all_time": 99,
    "spend_all_time": 99_000,
    "last_order_at": 99,
    "customer_id": 99,
}


def test_a_place_is_explained_from_the_record_when_its_ranking_is_gone() -> None:
    """C7: the ranking of a night is dropped after a while; the decision holds what it read of it."""
    bound = replace(LAYER, rule=preset_rule(XIAOXIANG_LAYER))

    found = explain(LAYER.rule, _stored(SECOND_BEST, bound))

    assert found.words.zh == (
        "在 100 位顾客中综合排名 99 分，等级为黄金：累计下单次数 99（百分位 99），累计消费 990.00（百分位 99），"
        "距上次下单天数 40"
    )
    assert [(c.tier_code, c.passed, c.words.en) for c in found.checks] == [
        ("PLATINUM", True, "Platinum: needs a place in the top 5% (from 96), found 99, reached"),
        ("PLATINUM", False, "Platinum: needs days since the last order ≤ 30, found 40, not reached"),
        ("GOLD", True, "Gold: needs a place in the top 25% (from 76), found 99, reached"),
        ("GOLD", True, "Gold: needs days since the last order ≤ 60, found 40, reached"),
        ("SILVER", True, "Silver: needs days since the last order ≤ 90, found 40, reached"),
        ("DORMANT", True, "Dormant: needs days since the last order ≤ 180, found 40, reached"),
        ("LOST", True, "Lost: no threshold"),
    ]
    assert found == explain(bound.rule, _stored(SECOND_BEST, bound))


def test_before_a_ranking_a_layer_says_so() -> None:
    found = explain(LAYER.rule, _stored(SECOND_BEST, LAYER))

    assert found.words.en.startswith("Not ranked yet: Silver: orders ever 99, spend ever 990.00")
    assert found.checks[0].words.en == "Platinum: needs a place in the top 5% (nobody), found ?, not reached"


@pytest.mark.parametrize("policy", PRESETS, ids=lambda policy: policy.code)
@unhurried
@given(facts=any_facts)
def test_a_record_recalls_the_standing_it_was_taken_on(
    policy: TierPolicy, facts: dict[str, int | None]
) -> None:
    version = replace(policy.versions[0], rule=preset_rule(policy))
    standing = stand(version.rule, facts)

    found = recall(policy.versions[0].rule, _stored(facts, version))

    assert (found.tier, found.score, found.parts, found.placing) == (
        standing.tier,
        standing.score,
        standing.parts,
        standing.placing,
    )
    assert len(json.dumps(_stored(facts, version))) < 600
