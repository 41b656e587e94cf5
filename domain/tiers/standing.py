"""Where one customer stands under one rule: tier, exact score and what each part contributed.

The same parts are read for millions of customers at once by `domain.tiers.evaluation`; tests hold both equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from domain.tiers.policy import Tier, TierPart, TierRule

ORDERED_FACT = "days_since_last_order"
"""Unknown exactly for customers without a counted order (C8)."""

Facts: TypeAlias = Mapping[str, int | None]
"""One customer's facts by name, in stored units (cents, orders, days); None is unknown."""


@dataclass(frozen=True, slots=True)
class PartStanding:
    """`amount` is the fact the part read, `whole` what it was divided by (None: not a share)."""

    part: TierPart
    amount: int | None
    whole: int | None
    points: Fraction

    @property
    def contribution(self) -> Fraction:
        return self.part.weight * self.points


@dataclass(frozen=True, slots=True)
class Standing:
    """`tier` None: the policy gives these customers none. `score` is exact and never rounded (C5)."""

    tier: Tier | None
    score: Fraction
    parts: tuple[PartStanding, ...]
    never_ordered: bool

    @property
    def rank(self) -> int:
        """0: no tier."""
        return self.tier.rank if self.tier else 0


def stand(rule: TierRule, facts: Facts) -> Standing:
    """The standing these facts give. *Errors*: KeyError when a fact that the rule reads is missing."""
    if facts[ORDERED_FACT] is None:
        return _never_ordered(rule, facts)
    parts = tuple(_part_standing(part, facts) for part in rule.parts)
    score = total_score(rule, parts)
    return Standing(rule.tier_of(score), score, parts, never_ordered=False)


def total_score(rule: TierRule, parts: tuple[PartStanding, ...]) -> Fraction:
    """Weighted sum; where a bonus part is among them, cut at the score cap (S0-5)."""
    score = sum((part.contribution for part in parts), Fraction(0))
    has_bonus = any(part.part.bonus for part in parts)
    return min(rule.score_cap, score) if has_bonus else score


def _part_standing(part: TierPart, facts: Facts) -> PartStanding:
    whole = facts[part.per] if part.per else None
    return PartStanding(part, facts[part.fact], whole, part.points(facts))


def _never_ordered(rule: TierRule, facts: Facts) -> Standing:
    parts = tuple(
        PartStanding(part, facts[part.fact], facts[part.per] if part.per else None, Fraction(0))
        for part in rule.parts
    )
    return Standing(rule.find_tier(rule.never_ordered_tier), Fraction(0), parts, never_ordered=True)
