"""What the tiers that somebody holds give, as their policies publish it."""

from collections.abc import Iterable
from fractions import Fraction

from domain.pricing.rules import PublishedTiers, TierPrice
from domain.tiers.policy import BenefitKind, Tier, TierPolicyVersion

Held = tuple[TierPolicyVersion, Tier]
"""A version of a policy, and the tier of it that is in effect, trial and override included. [S0-17]"""


def published_tiers(held: Iterable[Held]) -> PublishedTiers:
    """Prices of all policies, in their order. Multipliers of points do not add up: the best of them counts."""
    pairs = tuple(held)
    tiers = [tier for _, tier in pairs]
    multipliers = [value for tier in tiers for value in tier.values_of(BenefitKind.POINTS_MULTIPLIER)]
    return PublishedTiers(
        prices=tuple(
            TierPrice(rule=rule_of(one), tier_name=one[1].name, factor=Fraction(value))
            for one in pairs
            for value in one[1].values_of(BenefitKind.PRICE)
        ),
        is_member=any(True for tier in tiers for _ in tier.benefits_of(BenefitKind.MEMBER_DAY)),
        points_multiplier=max([Fraction(1), *map(Fraction, multipliers)]),
    )


def rule_of(held: Held) -> str:
    """Names policy, version and tier: `kuailv_grade@1/DIAMOND`."""
    version, tier = held
    return f"{version.policy_code}@{version.number}/{tier.code}"
