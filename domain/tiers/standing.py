"""Where one customer stands under one rule: tier, exact score or place, and what each part contributed.

The same rules are read for millions of customers at once by `domain.tiers.evaluation`; tests hold both equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from domain.tiers.measure import (
    ORDERED_FACT,
    BandsMeasure,
    Facts,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    TierPart,
)
from domain.tiers.policy import Tier, TierRule
from domain.tiers.ranking import Place

__all__ = ["ORDERED_FACT", "Facts", "PartStanding", "Placing", "Standing", "stand"]


@dataclass(frozen=True, slots=True)
class PartStanding:
    """One part of a score, dimension of bands or ranked fact.

    `amount` is the fact it read, `observed` that amount for each one of `per`. `points`: of a score before
    the weight, or the percentile (0 to 100) of a ranked fact. `tier`: the tier that a dimension alone gives.
    """

    part: TierPart | Quantity
    amount: int | None
    observed: Fraction | None
    points: Fraction | None = None
    tier: Tier | None = None

    @property
    def weight(self) -> Fraction | None:
        return self.part.weight if isinstance(self.part, TierPart) else None


@dataclass(frozen=True, slots=True)
class Placing:
    """A place in the ranking of the night: doubled `ranks` of the facts among `customers`, and which top shares
    it is inside of, by tier code. `cuts`: the least sum of ranks inside each share."""

    ranks: tuple[int, ...]
    customers: int
    inside: frozenset[str]
    cuts: tuple[tuple[str, int], ...]

    @property
    def score(self) -> Fraction:
        """The mean percentile, 0 to 100."""
        return self.points(sum(self.ranks))

    def points(self, value: int) -> Fraction:
        """Of a sum of ranks. Whoever is above everybody of the night is not above 100."""
        return min(Fraction(100), Fraction(100 * value, 2 * max(1, self.customers) * len(self.ranks)))

    def percentile(self, at: int) -> Fraction:
        return min(Fraction(100), Fraction(100 * self.ranks[at], 2 * max(1, self.customers)))


@dataclass(frozen=True, slots=True)
class Standing:
    """`tier` None: the policy gives these customers none. `score` is exact and never rounded (C5); None: the
    measure has none. `placing` None: nothing is ranked, or the ranking has not been made yet."""

    tier: Tier | None
    score: Fraction | None
    parts: tuple[PartStanding, ...]
    never_ordered: bool
    facts: Facts
    placing: Placing | None = None

    @property
    def rank(self) -> int:
        """0: no tier."""
        return self.tier.rank if self.tier else 0


def stand(rule: TierRule, facts: Facts) -> Standing:
    """The standing these facts give. *Errors*: KeyError when a fact that the rule reads is missing."""
    if facts[ORDERED_FACT] is None:
        base = rule.find_tier(rule.never_ordered_tier)
        score = Fraction(0) if isinstance(rule.measure, ScoreMeasure) else None
        return Standing(base, score, parts_without_orders(rule, facts), never_ordered=True, facts=facts)
    match rule.measure:
        case ScoreMeasure() as measure:
            return _by_score(rule, measure, facts)
        case BandsMeasure() as measure:
            return _by_bands(rule, measure, facts)
        case RankMeasure() as measure:
            return _by_place(rule, measure, facts)
        case _:
            assert_never(rule.measure)


def highest_tier(rule: TierRule, facts: Facts, reaches: Callable[[Tier], bool]) -> Tier | None:
    """The highest tier whose threshold is reached and whose gates are open."""
    return next((tier for tier in reversed(rule.tiers) if reaches(tier) and tier.opens_for(facts)), None)


def _by_score(rule: TierRule, measure: ScoreMeasure, facts: Facts) -> Standing:
    parts = tuple(_scored(part, facts, part.points(facts)) for part in measure.parts)
    score = measure.total(part.points or Fraction(0) for part in parts)
    tier = highest_tier(rule, facts, lambda tier: tier.admits(score))
    return Standing(tier, score, parts, never_ordered=False, facts=facts)


def _scored(part: TierPart, facts: Facts, points: Fraction) -> PartStanding:
    amount = facts[part.fact]
    observed = None if amount is None else Fraction(amount, part.divisor(facts))
    return PartStanding(part, amount, observed, points)


def _by_bands(rule: TierRule, measure: BandsMeasure, facts: Facts) -> Standing:
    lowest = rule.tiers[0]
    tiers = [rule.find_tier(one.tier_of(facts)) or lowest for one in measure.dimensions]
    parts = tuple(
        _observed(dimension.quantity, facts, tier=tier)
        for dimension, tier in zip(measure.dimensions, tiers, strict=True)
    )
    ranks = sorted((tier.rank for tier in tiers[: len(measure.deciding)]), reverse=True)
    combined = ranks[measure.needed - 1]
    tier = highest_tier(rule, facts, lambda tier: tier.rank <= combined)
    return Standing(tier, None, parts, never_ordered=False, facts=facts)


def _observed(
    quantity: Quantity, facts: Facts, *, points: Fraction | None = None, tier: Tier | None = None
) -> PartStanding:
    return PartStanding(quantity, facts[quantity.fact], quantity.observed(facts), points, tier)


def _by_place(rule: TierRule, measure: RankMeasure, facts: Facts) -> Standing:
    placing = placing_of(measure, facts)
    inside = placing.inside if placing else frozenset()
    tier = highest_tier(rule, facts, lambda tier: tier.threshold is None or tier.code in inside)
    parts = tuple(
        _observed(quantity, facts, points=placing.percentile(at) if placing else None)
        for at, quantity in enumerate(measure.quantities)
    )
    score = placing.score if placing else None
    return Standing(tier, score, parts, never_ordered=False, facts=facts, placing=placing)


def placing_of(measure: RankMeasure, facts: Facts) -> Placing | None:
    """None: there is no ranking yet."""
    frozen = measure.frozen
    if frozen is None:
        return None
    ranks = frozen.ranks([facts[quantity.fact] or 0 for quantity in measure.quantities])
    place = Place(sum(ranks), facts["last_order_at"] or 0, -(facts["customer_id"] or 0))
    inside = frozenset(code for code, cut in frozen.cuts.items() if place >= cut)
    cuts = tuple((code, cut.value) for code, cut in frozen.cuts.items())
    return Placing(ranks, frozen.customers, inside, cuts)


def parts_without_orders(rule: TierRule, facts: Facts) -> tuple[PartStanding, ...]:
    """Nothing was measured: no points, and the lowest tier in every dimension."""
    match rule.measure:
        case ScoreMeasure() as measure:
            return tuple(_scored(part, facts, Fraction(0)) for part in measure.parts)
        case BandsMeasure() as measure:
            return tuple(_observed(one.quantity, facts, tier=rule.tiers[0]) for one in measure.dimensions)
        case RankMeasure() as measure:
            return tuple(_observed(quantity, facts) for quantity in measure.quantities)
        case _:
            assert_never(rule.measure)
