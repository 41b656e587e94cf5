"""What a candidate's prices cost more or less than those in force: exact, and only of prices that are published."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from domain.tiers.benefit_cost import benefit_cost_change_cents
from domain.tiers.policy import Benefit, BenefitKind, TierRule
from domain.tiers.policy_preview import Moves, Preview, PreviewBase, same_tiers
from domain.tiers.presets.kuailv_grade import KUAILV_GRADE
from domain.words import Words

GRADE = KUAILV_GRADE.versions[0].rule
"""0.99, 0.97 and 0.95 from the third tier up."""


def without_prices(rule: TierRule) -> TierRule:
    return replace(rule, tiers=tuple(replace(tier, benefits=()) for tier in rule.tiers))


def priced(rule: TierRule, *factors: str) -> TierRule:
    """The highest tier has these prices, all others none."""
    prices = tuple(Benefit(BenefitKind.PRICE, Words("价", "price"), Decimal(one)) for one in factors)
    plain = without_prices(rule)
    return replace(plain, tiers=(*plain.tiers[:-1], replace(plain.tiers[-1], benefits=prices)))


def preview(before: TierRule | None, after: TierRule, spend: dict[tuple[int, int], int]) -> Preview:
    """By ranks before and after what was spent, in cents."""
    moves = Moves(0, same_tiers(before, after))
    for pair, cents in spend.items():
        moves.spend_cents[pair] = cents
    base = PreviewBase(
        policy_id=0, version_id=None, active_version_id=None, live_as_of=datetime(2026, 6, 1, tzinfo=UTC)
    )
    return Preview(base=base, before=before, rule=after, moves=moves)


def test_whoever_stays_at_the_same_price_costs_nothing_more() -> None:
    assert benefit_cost_change_cents(preview(GRADE, GRADE, {(5, 5): 10**9, (1, 1): 10**9, (0, 0): 7})) == 0


@pytest.mark.parametrize(
    ("words", "spend", "cents"),
    [
        ("up by two hundredths", {(3, 4): 10_000}, 200),
        ("down by four", {(5, 3): 10_000}, -400),
        ("new", {(0, 5): 10_000}, 500),
        ("gone", {(5, 0): 10_000}, -500),
        ("both", {(3, 4): 10_000, (5, 3): 10_000}, -200),
        ("half a cent more is a cent", {(1, 3): 50}, 1),
        ("half a cent less is none", {(3, 1): 50}, 0),
    ],
)
def test_spend_is_multiplied_by_the_difference_of_the_factors(
    words: str, spend: dict[tuple[int, int], int], cents: int
) -> None:
    assert benefit_cost_change_cents(preview(GRADE, GRADE, spend)) == cents, words


def test_the_lowest_of_several_prices_counts() -> None:
    several = priced(GRADE, "0.9", "0.8")

    assert benefit_cost_change_cents(preview(None, several, {(0, 5): 1_000, (0, 4): 1_000})) == 200


def test_without_a_published_price_nothing_is_claimed() -> None:
    plain = without_prices(GRADE)

    assert benefit_cost_change_cents(preview(plain, plain, {(1, 2): 1_000})) is None
    assert benefit_cost_change_cents(preview(None, plain, {(0, 2): 1_000})) is None


def test_amounts_of_spend_stay_exact() -> None:
    everything = 2**62
    assert np.int64(everything) > 0

    assert (
        benefit_cost_change_cents(preview(None, priced(GRADE, "0.5"), {(0, 5): everything}))
        == everything // 2
    )
