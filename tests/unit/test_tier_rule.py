"""A rule is data: it survives JSON, and its mistakes are named before anybody is graded by it."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from domain.errors import DomainError, ErrorCode
from domain.tiers.measure import ScoreMeasure
from domain.tiers.policy import TierPolicy, TierRule
from domain.tiers.presets import PRESETS
from domain.tiers.presets.kuailv_grade import HighMarginMode, kuailv_rule
from domain.tiers.rule_check import require_sound, rule_problems
from domain.tiers.rule_json import rule_from_json, rule_to_json


@pytest.mark.parametrize("mode", HighMarginMode)
def test_a_rule_survives_json_without_losing_a_digit(mode: HighMarginMode) -> None:
    rule = kuailv_rule(mode)

    text = json.dumps(rule_to_json(rule), ensure_ascii=False)

    assert rule_from_json(json.loads(text)) == rule


@pytest.mark.parametrize("policy", PRESETS, ids=lambda policy: policy.code)
def test_a_preset_has_no_problems(policy: TierPolicy) -> None:
    assert [rule_problems(version.rule) for version in policy.versions] == [()]
    assert policy.active_version() is not None


def _with_tier(at: int, /, **changes: Any) -> TierRule:
    rule = kuailv_rule()
    tiers = tuple(replace(tier, **changes) if tier.rank == at else tier for tier in rule.tiers)
    return replace(rule, tiers=tiers)


def _with_part(of: str, /, **changes: Any) -> TierRule:
    rule = kuailv_rule()
    assert isinstance(rule.measure, ScoreMeasure)
    parts = tuple(replace(part, **changes) if part.code == of else part for part in rule.measure.parts)
    return replace(rule, measure=ScoreMeasure(parts))


@pytest.mark.parametrize(
    ("words", "rule", "code", "message"),
    [
        (
            "equal thresholds",
            _with_tier(3, threshold=Decimal(40)),
            ErrorCode.THRESHOLDS_OVERLAP,
            "GOLD must begin above SILVER: raise its threshold",
        ),
        (
            "a cut nobody reaches",
            _with_tier(5, threshold=Decimal(101)),
            ErrorCode.TIER_UNREACHABLE,
            "nobody can be DIAMOND: no score passes 100: lower its threshold",
        ),
        (
            "a cut everybody reaches",
            _with_tier(2, threshold=Decimal(0)),
            ErrorCode.TIER_UNREACHABLE,
            "nobody can be BRONZE: every score reaches SILVER: raise the threshold of SILVER",
        ),
        (
            "no threshold above the base",
            _with_tier(4, threshold=None),
            ErrorCode.REQUIRED,
            "only the lowest tier may lack a threshold: give PLATINUM one",
        ),
        (
            "a hole in the ranks",
            _with_tier(5, rank=7),
            ErrorCode.INVALID,
            "ranks must run 1, 2, 3, … from the lowest tier up",
        ),
        (
            "an unknown base",
            replace(kuailv_rule(), never_ordered_tier="copper"),
            ErrorCode.UNKNOWN_TIER,
            "no tier has the code 'copper': name one of the ladder or none",
        ),
        (
            "no weight",
            _with_part("F", weight=Fraction(0)),
            ErrorCode.OUT_OF_RANGE,
            "the weight of F must be above 0",
        ),
        (
            "no days to qualify in",
            replace(kuailv_rule(), timing=replace(kuailv_rule().timing, qualification_days=0)),
            ErrorCode.INVALID,
            "qualificationDays must lie between 1 and 36,500, not be 0",
        ),
        (
            "twice the same part",
            _with_part("F", code="M"),
            ErrorCode.DUPLICATE,
            "two parts share a code: give each its own",
        ),
    ],
)
def test_a_mistake_is_named(words: str, rule: TierRule, code: ErrorCode, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        require_sound(rule)

    assert (caught.value.code, caught.value.message) == (code, message)


def test_a_strict_cut_may_stand_right_above_an_inclusive_one() -> None:
    assert rule_problems(_with_tier(3, threshold=Decimal(40), threshold_inclusive=False)) == ()


@pytest.mark.parametrize(
    ("words", "change", "message"),
    [
        ("a missing ladder", lambda rule: rule.pop("tiers"), "the rule lacks 'tiers': add it"),
        (
            "a broken fraction",
            lambda rule: rule["measure"]["score"][0].update(slope="1/0"),
            "'1/0' is not a slope: correct it",
        ),
        (
            "an unknown cadence",
            lambda rule: rule["timing"].update(cadence="HOURLY"),
            "'HOURLY' is not a cadence: correct it",
        ),
    ],
)
def test_a_document_that_is_no_rule_is_refused(
    words: str, change: Callable[[Any], Any], message: str
) -> None:
    document = rule_to_json(kuailv_rule())
    change(document)

    with pytest.raises(DomainError) as caught:
        rule_from_json(document)

    assert caught.value.message == message
