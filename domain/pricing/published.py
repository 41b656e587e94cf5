"""What the tiers that somebody holds give, as their policies publish it."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from domain.pricing.rules import PublishedTiers, TierPrice
from domain.tiers.policy import Benefit, BenefitKind, Tier, TierPolicyVersion

Held = tuple[TierPolicyVersion, Tier]
"""A version of a policy, and the tier of it that is in effect, trial and override included. [S0-17]"""


def published_tiers(held: Iterable[Held]) -> PublishedTiers:
    """Prices of all policies, in their order. Multipliers of points do not add up: the best of them counts."""
    tiers = tuple(held)
    multipliers = [value for _, value in _values(tiers, BenefitKind.POINTS_MULTIPLIER)]
    return PublishedTiers(
        prices=tuple(
            TierPrice(rule=rule_of(one), tier_name=one[1].name, factor=Fraction(value))
            for one, value in _values(tiers, BenefitKind.PRICE)
        ),
        is_member=any(_gives(tier, BenefitKind.MEMBER_DAY) for _, tier in tiers),
        points_multiplier=max([Fraction(1), *map(Fraction, multipliers)]),
    )


def rule_of(held: Held) -> str:
    """Names policy, version and tier: `kuailv_grade@1/DIAMOND`."""
    version, tier = held
    return f"{version.policy_code}@{version.number}/{tier.code}"


def benefits_of(tier: Tier, kind: BenefitKind) -> Iterator[Benefit]:
    return (benefit for benefit in tier.benefits if benefit.kind is kind)


def _values(held: Iterable[Held], kind: BenefitKind) -> Iterator[tuple[Held, Decimal]]:
    """Those that publish a number."""
    for one in held:
        for benefit in benefits_of(one[1], kind):
            if benefit.value is not None:
                yield one, benefit.value


def _gives(tier: Tier, kind: BenefitKind) -> bool:
    return next(benefits_of(tier, kind), None) is not None
