"""What a policy looks at: a score, bands of several dimensions, or a place among everybody.

Every measure reads facts as exact integers in their stored unit (cents, orders, days); cuts and points are
fractions, because comparisons are exact and copy the operator of their source (C5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Literal, TypeAlias

from domain.customers.fact_values import tenure_months
from domain.tiers.ranking import FrozenRanking
from domain.words import Words

CutOperator = Literal["<", "<=", ">", ">="]
Facts: TypeAlias = Mapping[str, int | None]
"""One customer's facts by name, in stored units (cents, orders, days); None is unknown."""

ORDERED_FACT = "days_since_last_order"
"""Unknown exactly for customers without a counted order (C8)."""
TENURE = "tenure_months_365d"
FIRST_ORDER_AGE = "days_since_first_order"
PLACE_FACTS = ("last_order_at", "customer_id")
"""What settles ties between equal places: whoever bought most recently, then the lower id (S4-4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPart:
    """One dimension of a score: points are a straight line over one fact, clamped and weighted.

    `fact` is read in its stored unit (cents, orders, days). With `per` the line runs over the share
    fact / per, which is 0 where `per` is 0. A `bonus` part comes on top of the others: their sum is
    then cut at the score cap. `cap` None: the line has no upper end.
    """

    code: str
    words: Words
    fact: str
    per: str | None = None
    base: Fraction = Fraction(0)
    slope: Fraction = Fraction(1)
    floor: Fraction = Fraction(0)
    cap: Fraction | None = Fraction(100)
    weight: Fraction = Fraction(1)
    bonus: bool = False

    def points(self, facts: Facts) -> Fraction:
        """Points before the weight. *Errors*: ValueError when the fact is unknown; the score then is, too."""
        amount = facts[self.fact]
        if amount is None:
            raise ValueError(f"{self.fact} is unknown, so {self.code} has no points")
        observed = Fraction(amount, self.divisor(facts)) if self.per else amount
        return self.clamp(self.base + self.slope * observed)

    def clamp(self, points: Fraction) -> Fraction:
        above = max(self.floor, points)
        return above if self.cap is None else min(self.cap, above)

    def divisor(self, facts: Facts) -> int:
        """What the fact is divided by: 1 where nothing is there to divide by."""
        whole = facts[self.per] if self.per else 1
        return max(1, whole or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A fact in its stored unit, or that fact for each one of another: `orders_365d` a month of tenure."""

    code: str
    words: Words
    fact: str
    per: str | None = None

    def observed(self, facts: Facts) -> Fraction | None:
        """None: unknown."""
        amount = facts[self.fact]
        if amount is None or self.per is None:
            return None if amount is None else Fraction(amount)
        return amount / self.divisor(facts)

    def divisor(self, facts: Facts) -> Fraction:
        """Never below 1: a quantity per nothing is that of one."""
        if self.per is None:
            return Fraction(1)
        if self.per == TENURE:
            return tenure_months(facts[FIRST_ORDER_AGE])
        return Fraction(max(1, facts[self.per] or 1))

    def fact_names(self) -> Iterator[str]:
        yield self.fact
        if self.per:
            yield FIRST_ORDER_AGE if self.per == TENURE else self.per


@dataclass(frozen=True, slots=True)
class Cut:
    """`value` in the stored unit of the fact that is cut, for each one of `per`."""

    operator: CutOperator
    value: Fraction

    @property
    def is_upper(self) -> bool:
        """Less is better, as with days since the last order."""
        return self.operator in ("<", "<=")

    @property
    def is_strict(self) -> bool:
        return self.operator in ("<", ">")

    def passes(self, observed: Fraction | None) -> bool:
        """A cut of the unknown is not passed."""
        if observed is None or observed == self.value:
            return observed is not None and not self.is_strict
        return (observed < self.value) is self.is_upper


@dataclass(frozen=True, slots=True)
class Gate:
    """A test that a tier asks for beside the measure, such as a recent order (S4-4)."""

    quantity: Quantity
    cut: Cut

    def admits(self, facts: Facts) -> bool:
        return self.cut.passes(self.quantity.observed(facts))


@dataclass(frozen=True, slots=True)
class Step:
    """Where a dimension begins to be of a tier."""

    tier: str
    cut: Cut


@dataclass(frozen=True, slots=True)
class Dimension:
    """One quantity with a step for every tier but the lowest, from the lowest up."""

    quantity: Quantity
    steps: tuple[Step, ...]

    def find_cut(self, tier: str) -> Cut | None:
        """None: the lowest tier, which every value reaches."""
        return next((step.cut for step in self.steps if step.tier == tier), None)

    def tier_of(self, facts: Facts) -> str | None:
        """The code of the highest step that is passed; None: the lowest tier."""
        observed = self.quantity.observed(facts)
        return next((step.tier for step in reversed(self.steps) if step.cut.passes(observed)), None)


class Combination(StrEnum):
    """How several dimensions make one tier (S1-5).

    MEDIAN: the middle one (of an even number the lower middle), so one bad dimension does not demote and one
    good does not promote. ALL: the lowest of them. FIRST: the first decides, the others are shown.
    """

    MEDIAN = "MEDIAN"
    ALL = "ALL"
    FIRST = "FIRST"


@dataclass(frozen=True, slots=True)
class ScoreMeasure:
    """The weighted sum of parts; a tier's threshold is in points. One part without a cap is a plain number."""

    parts: tuple[TierPart, ...]
    score_cap: Fraction = Fraction(100)

    def total(self, points: Iterator[Fraction]) -> Fraction:
        """Weighted sum; where a bonus part is among them, cut at the score cap (S0-5)."""
        pairs = zip(self.parts, points, strict=True)
        score = sum((part.weight * found for part, found in pairs), Fraction(0))
        return min(self.score_cap, score) if any(part.bonus for part in self.parts) else score

    def fact_names(self) -> Iterator[str]:
        return (name for part in self.parts for name in (part.fact, part.per) if name)


@dataclass(frozen=True, slots=True)
class BandsMeasure:
    """A tier of its own for each dimension, combined; tiers have no threshold."""

    dimensions: tuple[Dimension, ...]
    combination: Combination = Combination.MEDIAN

    @property
    def deciding(self) -> tuple[Dimension, ...]:
        return self.dimensions[:1] if self.combination is Combination.FIRST else self.dimensions

    @property
    def needed(self) -> int:
        """How many of the deciding dimensions must reach a tier for the whole to reach it."""
        count = len(self.deciding)
        return count - (count - 1) // 2 if self.combination is Combination.MEDIAN else count

    def fact_names(self) -> Iterator[str]:
        return (name for one in self.dimensions for name in one.quantity.fact_names())


@dataclass(frozen=True, slots=True)
class RankMeasure:
    """The mean of percentile ranks among all who ordered; a tier's threshold is the top share it takes (S4-3).

    `frozen` is the distribution of the last night, bound to the rule while a day's rules are made and no part
    of the version. Without it nobody has a place, so nobody passes a threshold.
    """

    quantities: tuple[Quantity, ...]
    frozen: FrozenRanking | None = field(default=None, compare=False, repr=False)

    def fact_names(self) -> Iterator[str]:
        yield from (quantity.fact for quantity in self.quantities)
        yield from PLACE_FACTS


Measure = ScoreMeasure | BandsMeasure | RankMeasure
