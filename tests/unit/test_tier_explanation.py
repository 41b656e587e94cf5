"""Why a tier, from the stored decision alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from hypothesis import given
from tier_cases import NEVER, any_facts, unhurried

from domain.tiers.evidence import evidence_of
from domain.tiers.explanation import Comparison, explain
from domain.tiers.policy import TierPolicyVersion
from domain.tiers.presets.kuailv_grade import KUAILV_GRADE
from domain.tiers.standing import stand

AS_OF = datetime(2026, 11, 22, 16, tzinfo=UTC)
VERSION = KUAILV_GRADE.versions[0]
GOLD = NEVER | {"days_since_last_order": 10, "orders_90d": 15, "spend_90d": 6_000_000}


def _stored(facts: dict[str, int | None], version: TierPolicyVersion = VERSION) -> Any:
    """Through JSON, as the database keeps it."""
    return json.loads(json.dumps(evidence_of(version, stand(version.rule, facts), as_of=AS_OF)))


def test_a_stored_decision_says_why_in_both_languages() -> None:
    found = explain(_stored(GOLD))

    assert found.words.zh == (
        "得分 72，等级为黄金：最近下单 80 分 × 0.3，90天下单次数 75 分 × 0.4，90天消费金额 60 分 × 0.3"
    )
    assert found.words.en == (
        "A score of 72 is Gold: Recency of the last order 80 × 0.3, "
        "Orders in 90 days 75 × 0.4, Spend in 90 days 60 × 0.3"
    )


def test_each_cut_says_what_was_wanted_and_found_from_the_top_down() -> None:
    found = explain(_stored(GOLD))

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
    found = explain(_stored(GOLD))

    assert {e.fact: e.value for e in found.evidence} == {
        "days_since_last_order": 10,
        "orders_90d": 15,
        "spend_90d": 6_000_000,
    }
    assert found.period.until == AS_OF
    assert found.period.after == datetime(2026, 8, 24, 16, tzinfo=UTC)


def test_whoever_never_ordered_is_told_so() -> None:
    """C8."""
    found = explain(_stored(NEVER))

    assert found.words.zh == "尚无有效订单，等级为青铜"
    assert [c.tier_code for c in found.checks if c.passed] == ["BRONZE"]


def test_a_strict_cut_is_explained_by_its_own_sign() -> None:
    tiers = tuple(replace(tier, threshold_inclusive=False) for tier in VERSION.rule.tiers)
    version = replace(VERSION, rule=replace(VERSION.rule, tiers=tiers))

    assert explain(_stored(GOLD, version)).checks[0].words.en == (
        "Diamond: needs a score > 90, found 72, not reached"
    )


@unhurried
@given(facts=any_facts)
def test_the_highest_passed_cut_is_the_tier_for_every_stored_decision(facts: dict[str, int | None]) -> None:
    standing = stand(VERSION.rule, facts)

    found = explain(_stored(facts))

    assert standing.tier is not None
    assert next(c.tier_code for c in found.checks if c.passed) == standing.tier.code
    assert sum((p.points * p.weight for p in found.parts), Fraction(0)) == standing.score
