"""A tier policy as data: how its score is made, where its tiers begin, and when it decides.

A policy has immutable versions; a version has one rule. Points of a part are a straight line over one
fact, clamped: `points = clamp(base + slope * fact / per, floor, cap)`; the score is the weighted sum.
Everything is a fraction, because comparisons with a threshold are exact (C5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from domain.tiers.timing import TierTiming
from domain.words import Words


class VersionStatus(StrEnum):
    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
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


@dataclass(frozen=True, slots=True)
class Benefit:
    kind: BenefitKind
    words: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPart:
    """One dimension of a score.

    `fact` is read in its stored unit (cents, orders, days). With `per` the line runs over the share
    fact / per, which is 0 where `per` is 0. A `bonus` part comes on top of the others: their sum is
    then cut at the score cap of the rule.
    """

    code: str
    words: Words
    fact: str
    per: str | None = None
    base: Fraction = Fraction(0)
    slope: Fraction = Fraction(1)
    floor: Fraction = Fraction(0)
    cap: Fraction = Fraction(100)
    weight: Fraction = Fraction(1)
    bonus: bool = False

    def points(self, facts: Mapping[str, int | None]) -> Fraction:
        """Points before the weight. *Errors*: ValueError when the fact is unknown; the score then is, too."""
        amount = facts[self.fact]
        if amount is None:
            raise ValueError(f"{self.fact} is unknown, so {self.code} has no points")
        return self.clamp(self.base + self.slope * Fraction(amount, self.divisor(facts)))

    def clamp(self, points: Fraction) -> Fraction:
        return min(self.cap, max(self.floor, points))

    def divisor(self, facts: Mapping[str, int | None]) -> int:
        """What the fact is divided by: 1 where nothing is there to divide by."""
        whole = facts[self.per] if self.per else 1
        return max(1, whole or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of the ladder. `threshold` is None only for the lowest tier, which takes all the rest."""

    code: str
    name: Words
    rank: int
    threshold: Decimal | None
    threshold_inclusive: bool = True
    target_share: Decimal | None = None
    benefits: tuple[Benefit, ...] = ()

    def admits(self, score: Fraction) -> bool:
        if self.threshold is None:
            return True
        cut = Fraction(self.threshold)
        return score >= cut if self.threshold_inclusive else score > cut


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRule:
    """`tiers` run from the lowest up. `never_ordered_tier` None: such customers have no tier (C8)."""

    parts: tuple[TierPart, ...]
    tiers: tuple[Tier, ...]
    score_cap: Fraction = Fraction(100)
    never_ordered_tier: str | None = None
    almost_there_gap: Fraction = Fraction(5)
    timing: TierTiming = TierTiming()

    def tier_of(self, score: Fraction) -> Tier | None:
        return next((tier for tier in reversed(self.tiers) if tier.admits(score)), None)

    def find_tier(self, code: str | None) -> Tier | None:
        return next((tier for tier in self.tiers if tier.code == code), None)

    def tier_above(self, rank: int) -> Tier | None:
        return next((tier for tier in self.tiers if tier.rank == rank + 1), None)

    def fact_names(self) -> tuple[str, ...]:
        """Every fact the score reads, each once, in the order of the parts."""
        names = [name for part in self.parts for name in (part.fact, part.per) if name]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class TierExample:
    """A worked example: these facts give these points, this score and this tier."""

    facts: Mapping[str, int | None]
    tier: str | None
    score: Decimal | None = None
    points: tuple[Decimal, ...] = ()
    never_ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicyVersion:
    policy_code: str
    number: int
    status: VersionStatus
    effective_from: datetime | None
    rule: TierRule


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicy:
    """`versions` are ordered by number."""

    code: str
    name: Words
    versions: tuple[TierPolicyVersion, ...]
    examples: tuple[TierExample, ...] = ()

    def active_version(self) -> TierPolicyVersion | None:
        return next((v for v in reversed(self.versions) if v.status is VersionStatus.ACTIVE), None)
