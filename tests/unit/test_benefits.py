"""What tiers give, with its numbers: as published, never worse higher up, and refused where it makes no sense."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

from domain.errors import ErrorCode
from domain.pricing.published import published_tiers
from domain.pricing.rules import TierPrice
from domain.tiers.policy import Benefit, BenefitKind, Tier, TierPolicy, TierRule
from domain.tiers.presets import PRESETS
from domain.tiers.rule_check import rule_problems
from domain.words import Words

BY_CODE = {policy.code: policy for policy in PRESETS}
SOME = Words("某", "some")


def tier_of(policy: str, tier: str) -> Tier:
    found = BY_CODE[policy].versions[0].rule.find_tier(tier)
    assert found is not None
    return found


def value_of(tier: Tier, kind: BenefitKind) -> Decimal | None:
    return next((one.value for one in tier.benefits if one.kind is kind), None)


@pytest.mark.parametrize(
    ("tier", "factor", "points", "credit"),
    [
        ("BRONZE", None, None, None),
        ("SILVER", None, None, None),
        ("GOLD", "0.99", "2", (7, 10_000)),
        ("PLATINUM", "0.97", "2", (15, 50_000)),
        ("DIAMOND", "0.95", "2", (30, 100_000)),
    ],
)
def test_the_grades_of_kuailv_give_what_is_published(
    tier: str, factor: str | None, points: str | None, credit: tuple[int, int] | None
) -> None:  # S0-20
    found = tier_of("kuailv_grade", tier)

    terms = next((one for one in found.benefits if one.kind is BenefitKind.CREDIT), None)
    assert value_of(found, BenefitKind.PRICE) == (factor and Decimal(factor))
    assert value_of(found, BenefitKind.POINTS_MULTIPLIER) == (points and Decimal(points))
    assert (None if terms is None else (terms.days, int(terms.value or 0))) == credit


@pytest.mark.parametrize("policy", PRESETS, ids=lambda policy: policy.code)
def test_a_higher_tier_never_pays_more_earns_less_or_owes_shorter(policy: TierPolicy) -> None:  # S0-20
    version = policy.versions[0]
    given = [published_tiers([(version, tier)]) for tier in version.rule.tiers]
    limits = [value_of(tier, BenefitKind.CREDIT) or Decimal(0) for tier in version.rule.tiers]

    for lower, higher in pairwise(given):
        assert best(higher.prices) <= best(lower.prices)
        assert higher.points_multiplier >= lower.points_multiplier
    assert limits == sorted(limits)


def best(prices: tuple[TierPrice, ...]) -> Fraction:
    return min([Fraction(1), *(price.factor for price in prices)])


def test_of_several_policies_all_prices_are_offered_and_the_best_multiplier_counts() -> None:
    held = [
        (BY_CODE[policy].versions[0], tier_of(policy, tier))
        for policy, tier in [
            ("kuailv_grade", "GOLD"),
            ("wanxiang_member", "COPPER"),
            ("xiaoxiang_layer", "SILVER"),
        ]
    ]

    found = published_tiers(held)

    assert [(price.rule, price.factor) for price in found.prices] == [
        ("kuailv_grade@1/GOLD", Fraction(99, 100))
    ]
    assert found.is_member  # S2-5: every level of the membership
    assert found.points_multiplier == 2


def test_a_benefit_without_a_number_promises_no_price() -> None:  # S2-6 states none
    version = BY_CODE["wanxiang_member"].versions[0]

    assert published_tiers([(version, tier_of("wanxiang_member", "DIAMOND"))]).prices == ()


def with_benefits(*benefits: Benefit) -> TierRule:
    rule = BY_CODE["wanxiang_value"].versions[0].rule
    return replace(rule, tiers=(replace(rule.tiers[0], benefits=benefits), *rule.tiers[1:]))


PRICE, POINTS, CREDIT = BenefitKind.PRICE, BenefitKind.POINTS_MULTIPLIER, BenefitKind.CREDIT


@pytest.mark.parametrize(
    ("make", "code", "field"),
    [
        (lambda: [Benefit(PRICE, SOME, Decimal("1.01"))], ErrorCode.OUT_OF_RANGE, ("PRICE", "value")),
        (lambda: [Benefit(PRICE, SOME, Decimal(0))], ErrorCode.OUT_OF_RANGE, ("PRICE", "value")),
        (
            lambda: [Benefit(POINTS, SOME, Decimal("0.5"))],
            ErrorCode.OUT_OF_RANGE,
            ("POINTS_MULTIPLIER", "value"),
        ),
        (lambda: [Benefit(CREDIT, SOME, Decimal(100))], ErrorCode.REQUIRED, ("CREDIT", "days")),
        (lambda: [Benefit(CREDIT, SOME, Decimal(100), 0)], ErrorCode.OUT_OF_RANGE, ("CREDIT", "days")),
        (
            lambda: [Benefit(BenefitKind.COUPON, SOME, Decimal(5))],
            ErrorCode.INVALID,
            ("COUPON", "value"),
        ),
        (lambda: [Benefit(PRICE, SOME, None, 3)], ErrorCode.INVALID, ("PRICE", "days")),
        (lambda: [Benefit(PRICE, SOME, Decimal("0.9"))] * 2, ErrorCode.DUPLICATE, ("PRICE",)),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    make: Callable[[], list[Benefit]], code: ErrorCode, field: tuple[str, ...]
) -> None:
    [problem] = rule_problems(with_benefits(*make()))

    assert (problem.code, problem.field) == (code, ("tiers", "POTENTIAL", "benefits", *field))
