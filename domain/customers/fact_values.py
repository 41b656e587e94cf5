"""The shown value of a fact: exact, as CNY, days, shares, moments or yes and no, from the stored row."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import assert_never

from domain.conditions.expression import COMPARISONS
from domain.customers.fact import (
    Comparison,
    DaysSince,
    Derivation,
    FactDefinition,
    FactKind,
    MonthlyAverage,
    Quotient,
    Renamed,
    TenureMonths,
)
from domain.customers.facts import FACT_BY_NAME

Stored = Mapping[str, int | datetime | None]
Shown = int | Decimal | bool | datetime | None

SIX_DIGITS = Decimal("0.000001")
MONTH_DAYS = Fraction("30.4375")
DAY_SECONDS = 86_400


def value_of(fact: FactDefinition, stored: Stored, as_of: datetime) -> Shown:
    """The value to show; divisions are rounded to six digits after the point, all else is exact.

    A fact per category has a value for each category: use `shown_integer` with its kind.
    """
    if fact.derivation is not None:
        return _derived(fact.derivation, stored, as_of)
    found = stored[fact.name]
    if found is None or isinstance(found, datetime):
        return found
    return shown_integer(fact.kind, found)


def shown_integer(kind: FactKind, stored: int) -> int | Decimal:
    match kind:
        case FactKind.CENTS:
            return Decimal(stored).scaleb(-2)
        case FactKind.MILLIONTHS:
            return Decimal(stored).scaleb(-6)
        case FactKind.SECONDS:
            return to_six_digits(Fraction(stored, DAY_SECONDS))
    return stored


def to_six_digits(exact: Fraction) -> Decimal:
    with localcontext(prec=60):
        return (Decimal(exact.numerator) / exact.denominator).quantize(SIX_DIGITS, ROUND_HALF_UP)


def _derived(derivation: Derivation, stored: Stored, as_of: datetime) -> Shown:
    match derivation:
        case DaysSince(moment):
            return days_since(_moment(stored, moment), as_of)
        case Quotient(part, whole):
            return _quotient(part, whole, stored)
        case MonthlyAverage(total):
            tenure_days = days_since(_moment(stored, "first_order_at"), as_of)
            return to_six_digits(_exact(total, stored) / tenure_months(tenure_days))
        case TenureMonths():
            return to_six_digits(tenure_months(days_since(_moment(stored, "first_order_at"), as_of)))
        case Renamed(name):
            return value_of(FACT_BY_NAME[name], stored, as_of)
        case Comparison(name, operator, value):
            return bool(COMPARISONS[operator](_integer(stored, name), value))
    assert_never(derivation)


def days_since(moment: datetime | None, as_of: datetime) -> int | None:
    """Whole periods of 24 h (C2)."""
    return None if moment is None else max(0, (as_of - moment) // timedelta(days=1))


def tenure_months(tenure_days: int | None) -> Fraction:
    """Months of tenure within the last 365 days, at least 1 (S1-3)."""
    return max(Fraction(1), min(365, tenure_days or 0) / MONTH_DAYS)


def _quotient(part: str, whole: str, stored: Stored) -> Decimal | None:
    divisor = _exact(whole, stored)
    return to_six_digits(_exact(part, stored) / divisor) if divisor > 0 else None


def _exact(name: str, stored: Stored) -> Fraction:
    cents = FACT_BY_NAME[name].kind is FactKind.CENTS
    return Fraction(_integer(stored, name), 100 if cents else 1)


def _integer(stored: Stored, name: str) -> int:
    found = stored[name]
    if not isinstance(found, int):
        raise TypeError(f"{name} is stored as {found!r}, not as an integer.")
    return found


def _moment(stored: Stored, name: str) -> datetime | None:
    found = stored[name]
    if isinstance(found, int):
        raise TypeError(f"{name} is stored as {found!r}, not as a moment.")
    return found
