"""A tier policy as data: what it measures, where its tiers begin, and when it decides.

A policy has immutable versions; a version has one rule: a measure, the ladder of tiers over it, and timing.
A customer has the highest tier whose threshold and gates they pass. Comparisons are exact (C5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from domain.tiers.canary import CanaryScope
from domain.tiers.measure import ORDERED_FACT, BandsMeasure, Facts, Gate, Measure, RankMeasure
from domain.tiers.ranking import FrozenRanking
from domain.tiers.timing import TierTiming
from domain.words import Words


class VersionStatus(StrEnum):
    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    CANARY = "CANARY"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


class BenefitKind(StrEnum):
    PRICE = "PRICE"
    POINTS_MULTIPLIER = "POINTS_MULTIPLIER"
    FREE_DELIVERY = "FREE_DELIVERY"
    PRIORITY_DELIVERY = "PRIORITY_DELIVERY"
    DEDICATED_AGENT = "DEDICATED_AGENT"
    NEW_PRODUCT_TRIAL = "NEW_PRODUCT_TRIAL"
    MEMBER_DAY = "MEMBER_DAY"
    COUPON = "COUPON"
    BIRTHDAY_GIFT = "BIRTHDAY_GIFT"
    MONTHLY_BILL = "MONTHLY_BILL"
    CREDIT = "CREDIT"
    NEWCOMER_PACK = "NEWCOMER_PACK"
    CONTENT = "CONTENT"
    OTHER = "OTHER"


@lru_cache(maxsize=256)
def as_fraction(threshold: Decimal) -> Fraction:
    """Thresholds are few and asked for millions of times."""
    return Fraction(threshold)


@dataclass(frozen=True, slots=True)
class Benefit:
    """`value` is what the rule promises, exactly: the factor of the list price (PRICE), points for each whole unit of
    currency (POINTS_MULTIPLIER), the limit in the shop's currency (CREDIT, with `days` to pay). None: no number is
    published."""

    kind: BenefitKind
    words: Words
    value: Decimal | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of the ladder.

    `threshold` is in the unit of the measure: points of a score, the top share of a ranking, none for bands.
    The lowest tier has none and takes all the rest; another may have none where `gates` stand for it.
    `target_share` to `target_share_max` is the share of customers aimed at; without the latter, a point.
    """

    code: str
    name: Words
    rank: int
    threshold: Decimal | None = None
    threshold_inclusive: bool = True
    gates: tuple[Gate, ...] = ()
    target_share: Decimal | None = None
    target_share_max: Decimal | None = None
    benefits: tuple[Benefit, ...] = ()

    def admits(self, score: Fraction) -> bool:
        """Whether a score reaches the threshold."""
        if self.threshold is None:
            return True
        cut = as_fraction(self.threshold)
        return score >= cut if self.threshold_inclusive else score > cut

    def opens_for(self, facts: Facts) -> bool:
        """Whether all gates are passed."""
        return all(gate.admits(facts) for gate in self.gates)

    def benefits_of(self, kind: BenefitKind) -> Iterator[Benefit]:
        return (benefit for benefit in self.benefits if benefit.kind is kind)

    def values_of(self, kind: BenefitKind) -> Iterator[Decimal]:
        """Of those that publish a number."""
        return (benefit.value for benefit in self.benefits_of(kind) if benefit.value is not None)


def target_gap(share: Decimal, least: Decimal, most: Decimal) -> Decimal:
    """A share minus the nearest end of what is aimed at; 0 from `least` to `most` (S0-10)."""
    return share - min(max(share, least), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRule:
    """`tiers` run from the lowest up. `never_ordered_tier` None: such customers have no tier (C8).

    `almost_there_gap` None: this policy has no almost-there reminder (S0-16).
    """

    measure: Measure
    tiers: tuple[Tier, ...]
    never_ordered_tier: str | None = None
    almost_there_gap: Fraction | None = None
    timing: TierTiming = TierTiming()

    def find_tier(self, code: str | None) -> Tier | None:
        return next((tier for tier in self.tiers if tier.code == code), None)

    def tier_above(self, rank: int) -> Tier | None:
        return next((tier for tier in self.tiers if tier.rank == rank + 1), None)

    def goal_above(self, rank: int) -> Tier | None:
        """The tier to aim at: whoever orders again leaves the layers of silence at once, so of those only
        the highest is a goal."""
        return next((tier for tier in self.tiers if tier.rank > rank and self.is_goal(tier)), None)

    def is_goal(self, tier: Tier) -> bool:
        above = self.tier_above(tier.rank)
        return above is None or not (self._opens_by_ordering(tier) and self._opens_by_ordering(above))

    def _opens_by_ordering(self, tier: Tier) -> bool:
        """Nothing is asked but that the last order is not long ago."""
        if tier.threshold is not None or self._is_stepped(tier):
            return False
        return all(gate.quantity.fact == ORDERED_FACT and gate.cut.is_upper for gate in tier.gates)

    def _is_stepped(self, tier: Tier) -> bool:
        if not isinstance(self.measure, BandsMeasure):
            return False
        return any(one.find_cut(tier.code) is not None for one in self.measure.dimensions)

    def fact_names(self) -> tuple[str, ...]:
        """Every column that the measure and the gates read, each once."""
        gates = (name for tier in self.tiers for gate in tier.gates for name in gate.quantity.fact_names())
        return tuple(dict.fromkeys((*self.measure.fact_names(), *gates)))

    def with_ranking(self, frozen: FrozenRanking | None) -> "TierRule":
        """The same rule, read against the ranking of a night; other measures need none."""
        if not isinstance(self.measure, RankMeasure):
            return self
        return replace(self, measure=replace(self.measure, frozen=frozen))


@dataclass(frozen=True, slots=True, kw_only=True)
class TierExample:
    """A worked example: these facts give these points, this score and this tier.

    `part_tiers`: what each dimension of bands gives alone.
    """

    facts: Mapping[str, int | None]
    tier: str | None
    score: Decimal | None = None
    points: tuple[Decimal, ...] = ()
    part_tiers: tuple[str, ...] = ()
    never_ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicyVersion:
    policy_code: str
    number: int
    status: VersionStatus
    effective_from: datetime | None
    rule: TierRule
    canary_scope: CanaryScope | None = None
    """Whom it grades while it runs as a canary (S1-19)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicy:
    """`versions` are ordered by number."""

    code: str
    name: Words
    versions: tuple[TierPolicyVersion, ...]
    examples: tuple[TierExample, ...] = ()
    example_ranking: FrozenRanking | None = None
    """What the examples of a ranking are placed in."""

    def active_version(self) -> TierPolicyVersion | None:
        return next((v for v in reversed(self.versions) if v.status is VersionStatus.ACTIVE), None)


def shipped_policy(
    *, code: str, name: Words, rule: TierRule, examples: tuple[TierExample, ...]
) -> TierPolicy:
    """One that comes with the product: its first version is in force from the beginning."""
    first = TierPolicyVersion(
        policy_code=code, number=1, status=VersionStatus.ACTIVE, effective_from=None, rule=rule
    )
    return TierPolicy(code=code, name=name, versions=(first,), examples=examples)
