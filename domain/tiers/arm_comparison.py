"""Two arms of customers compared: what each did on average, how sure the difference is, and whether sizes are right.

Means are exact. Intervals and probabilities are those of the normal distribution (Welch), which many customers
justify and few do not: an arm of less than two, or without any difference inside, has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import erfc, sqrt

CONFIDENT = 1.959964
"""Standard errors to each side that hold the difference in 95 of 100 cases."""
LEAST_RATIO_PROBABILITY = 0.001
"""Of sizes as unlike the share as these; below, something else than lots has chosen who is where (S4-16)."""


class KpiName(StrEnum):
    """ACTIVE_SHARE: of all, who ordered at all. REPURCHASE_RATE: of those, who ordered at least twice."""

    ARPU = "ARPU"
    ORDERS_PER_CUSTOMER = "ORDERS_PER_CUSTOMER"
    ACTIVE_SHARE = "ACTIVE_SHARE"
    REPURCHASE_RATE = "REPURCHASE_RATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSums:
    """Over the customers of an arm; `active` ordered at least once in the period, `repeating` at least twice.

    Squares are summed customer by customer; amounts are cents."""

    customers: int = 0
    active: int = 0
    repeating: int = 0
    orders: int = 0
    order_squares: int = 0
    spend_cents: int = 0
    spend_squares: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one number a customer."""

    size: int
    total: Fraction
    squares: Fraction

    @property
    def mean(self) -> Fraction | None:
        return self.total / self.size if self.size else None

    @property
    def squared_error(self) -> Fraction:
        """Of the mean. *Errors*: ZeroDivisionError below two."""
        return (self.squares - self.total**2 / self.size) / (self.size - 1) / self.size


@dataclass(frozen=True, slots=True)
class Compared:
    """`difference` is treatment minus control; null: an arm has nobody. Shares are 0..1, amounts in CNY."""

    kpi: KpiName
    control: Fraction | None
    treatment: Fraction | None
    difference: Fraction | None
    half_width: float | None
    """Of the interval of 95 % around the difference; null: too few to say."""
    p_value: float | None
    """How probable a difference of this size is where there is none."""


def compare_arms(control: ArmSums, treatment: ArmSums) -> tuple[Compared, ...]:
    pairs = zip(_samples(control), _samples(treatment), strict=True)
    return tuple(_compared(kpi, one, other) for kpi, (one, other) in zip(KpiName, pairs, strict=True))


def sample_ratio_probability(control: int, treatment: int, share: Decimal) -> float:
    """How probable arms are that miss the share by as much as these (chi square, one degree of freedom). Where
    nobody is left out, no lots are drawn: 1."""
    everybody, wanted = control + treatment, Fraction(share)
    if not everybody or wanted == 1:
        return 1.0
    missed = treatment - everybody * wanted
    return erfc(sqrt(missed**2 / (everybody * wanted * (1 - wanted)) / 2))


def _samples(arm: ArmSums) -> Iterator[Sample]:
    """In the order of KpiName."""
    yield Sample(arm.customers, Fraction(arm.spend_cents, 100), Fraction(arm.spend_squares, 10_000))
    yield Sample(arm.customers, Fraction(arm.orders), Fraction(arm.order_squares))
    yield Sample(arm.customers, Fraction(arm.active), Fraction(arm.active))
    yield Sample(arm.active, Fraction(arm.repeating), Fraction(arm.repeating))


def _compared(kpi: KpiName, control: Sample, treatment: Sample) -> Compared:
    before, after = control.mean, treatment.mean
    difference = None if before is None or after is None else after - before
    if difference is None or min(control.size, treatment.size) < 2:
        return Compared(kpi, before, after, difference, None, None)
    error = sqrt(control.squared_error + treatment.squared_error)
    if error == 0:
        return Compared(kpi, before, after, difference, None, None)
    p_value = erfc(abs(float(difference)) / error / sqrt(2))
    return Compared(kpi, before, after, difference, CONFIDENT * error, p_value)
