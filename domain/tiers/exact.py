"""Exact numbers as text and as six shown digits: no float stands between a score and its threshold (C5)."""

from decimal import Decimal
from fractions import Fraction

MICRO = 1_000_000
"""A stored score counts millionths of a point."""


def exact_text(value: Fraction) -> str:
    """A finite decimal where there is one, else numerator/denominator; `Fraction(text)` reads both back."""
    digits = _decimal_digits(value.denominator)
    if digits is None:
        return f"{value.numerator}/{value.denominator}"
    whole, rest = divmod(abs(value.numerator) * 10**digits // value.denominator, 10**digits)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"


def shown(value: Fraction) -> Decimal:
    """Six digits, cut and not rounded: a shown score never looks past a threshold it has not reached."""
    return shown_micro(micro(value))


def shown_micro(micro_score: int) -> Decimal:
    return Decimal(micro_score).scaleb(-6)


def micro(value: Fraction) -> int:
    return value.numerator * MICRO // value.denominator


def short_text(value: Fraction) -> str:
    """For sentences: the shown digits without trailing zeros."""
    return exact_text(Fraction(shown(value)))


def _decimal_digits(denominator: int) -> int | None:
    """How many digits behind the point write 1/denominator exactly; None: no number of them does."""
    powers = []
    for prime in (2, 5):
        power = 0
        while denominator % prime == 0:
            denominator, power = denominator // prime, power + 1
        powers.append(power)
    return max(powers) if denominator == 1 else None
