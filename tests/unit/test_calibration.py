"""Quantiles that would meet target shares (S0-10)."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tier_cases import unhurried

from domain.tiers.calibration import calibrate, can_calibrate
from domain.tiers.exact import MICRO
from domain.tiers.presets.chuanwei_value import chuanwei_rule
from domain.tiers.presets.kuailv_grade import kuailv_rule

RULE = kuailv_rule()


def test_a_hundred_different_scores_meet_the_targets_of_the_grade() -> None:
    """1, 2, … 100 points: 5 % from 96, 15 % from 81, 30 % from 51, 40 % from 11."""
    cuts = calibrate(RULE, np.arange(1, 101) * MICRO)

    assert [(cut.tier.code, cut.threshold, cut.share) for cut in cuts] == [
        ("SILVER", Decimal(11), Fraction(40, 100)),
        ("GOLD", Decimal(51), Fraction(30, 100)),
        ("PLATINUM", Decimal(81), Fraction(15, 100)),
        ("DIAMOND", Decimal(96), Fraction(5, 100)),
    ]


def test_whoever_ties_with_the_last_one_is_inside() -> None:
    cuts = calibrate(RULE, np.array([10] * 90 + [70] * 10) * MICRO)

    assert cuts[-1].threshold == 70
    assert cuts[-1].share == Fraction(10, 100)


def test_nobody_gives_no_cuts() -> None:
    assert calibrate(RULE, np.zeros(0, np.int64)) == ()


def test_only_scores_with_targets_and_without_gates_can_be_calibrated() -> None:
    without = replace(RULE, tiers=tuple(replace(tier, target_share=None) for tier in RULE.tiers))

    assert can_calibrate(RULE)
    assert not can_calibrate(without)
    assert not can_calibrate(chuanwei_rule())


@unhurried
@given(st.lists(st.integers(0, 100 * MICRO), min_size=1, max_size=300))
def test_every_cut_takes_at_least_its_target_together_with_those_above(scores: list[int]) -> None:
    wanted, reached = Decimal(0), Fraction(0)
    for cut in reversed(calibrate(RULE, np.array(scores, np.int64))):
        wanted += cut.target_share
        reached += cut.share
        found = sum(score >= cut.threshold * MICRO for score in scores)
        assert reached == Fraction(found, len(scores))
        assert found + Decimal("0.5") >= min(wanted * len(scores), Decimal(len(scores)))
