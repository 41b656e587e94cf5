"""The nodes of the condition language: exact numbers, and tests that are either true or false.

* Numbers are integers: cents, counts, seconds, millionths. Every number knows its bounds, and one that
  could leave 64 bits is refused when it is built, not when it runs.
* A fact may be unknown. Arithmetic on an unknown is unknown, a test of an unknown is false, and `~test` is
  the complement, so it holds for the unknown. `known(x)` asks.
* A share is compared by multiplying across (`part * 5 >= whole * 2`), never by dividing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import Any, Literal

from domain.errors import DomainError, ErrorCode

Operator = Literal["<", "<=", ">", ">=", "=", "!="]
ArithmeticOperator = Literal["+", "-", "*", "least", "greatest"]
Unit = Literal["", "cents", "seconds", "millionths"]

COMPARISONS: dict[Operator, Callable[[Any, Any], Any]] = {
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "=": eq,
    "!=": ne,
}
OPPOSITES: dict[Operator, Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
ARITHMETIC: dict[ArithmeticOperator, Callable[[int, int], int]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "least": min,
    "greatest": max,
}
INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)


class ConditionRefused(DomainError):
    """A condition that cannot be built: the sentence says which part and why."""


class Number:
    """An exact integer, known or unknown, between `lo` and `hi`. Either a Fact, a Constant or Arithmetic."""

    __slots__ = ()
    lo: int
    hi: int

    def __add__(self, other: "Number | int") -> "Number":
        return arithmetic("+", self, other)

    def __sub__(self, other: "Number | int") -> "Number":
        return arithmetic("-", self, other)

    def __mul__(self, other: "Number | int") -> "Number":
        return arithmetic("*", self, other)

    def least(self, other: "Number | int") -> "Number":
        return arithmetic("least", self, other)

    def greatest(self, other: "Number | int") -> "Number":
        return arithmetic("greatest", self, other)

    def __lt__(self, other: "Number | int") -> "Compare":
        return Compare("<", self, number(other))

    def __le__(self, other: "Number | int") -> "Compare":
        return Compare("<=", self, number(other))

    def __gt__(self, other: "Number | int") -> "Compare":
        return Compare(">", self, number(other))

    def __ge__(self, other: "Number | int") -> "Compare":
        return Compare(">=", self, number(other))

    def equals(self, other: "Number | int") -> "Compare":
        return Compare("=", self, number(other))

    def between(self, first: "Number | int", last: "Number | int") -> "AllOf":
        """From `first` to `last`, both included."""
        return AllOf((self >= first, self <= last))

    def one_of(self, *values: int) -> "OneOf":
        return OneOf(self, tuple(sorted(set(values))))


@dataclass(frozen=True, slots=True)
class Fact(Number):
    """A measured number of one customer, read by its name. Values outside `lo`..`hi` must not be stored."""

    name: str
    lo: int
    hi: int
    nullable: bool = False
    unit: Unit = ""
    words: str = ""

    def __post_init__(self) -> None:
        _require_64_bits(self.name, self.lo, self.hi)


@dataclass(frozen=True, slots=True)
class Constant(Number):
    value: int

    def __post_init__(self) -> None:
        _require_64_bits("the constant", self.value, self.value)

    @property
    def lo(self) -> int:  # type: ignore[override]
        return self.value

    @property
    def hi(self) -> int:  # type: ignore[override]
        return self.value


@dataclass(frozen=True, slots=True)
class Arithmetic(Number):
    """Built by the operators of Number, which work out the bounds."""

    operator: ArithmeticOperator
    left: Number
    right: Number
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A stored moment of one customer, such as that of the last order."""

    name: str
    nullable: bool = True
    words: str = ""

    def within(self, seconds: int) -> "Within":
        return Within(self, seconds)

    def compare(self, operator: Operator, at_us: int) -> "CompareMoment":
        return CompareMoment(operator, self, at_us)


class Condition:
    """True or false for every customer. Combined with `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: "Condition") -> "AllOf":
        return AllOf((self, other))

    def __or__(self, other: "Condition") -> "AnyOf":
        return AnyOf((self, other))

    def __invert__(self) -> "Not":
        return Not(self)


@dataclass(frozen=True, slots=True)
class Compare(Condition):
    operator: Operator
    left: Number
    right: Number


@dataclass(frozen=True, slots=True)
class OneOf(Condition):
    number: Number
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Share(Condition):
    """`part / whole` against a threshold, exactly; false when the whole is not above 0. Built by `share`."""

    operator: Operator
    part: Number
    whole: Number
    threshold: Fraction

    def tests(self) -> "AllOf":
        """The same without a division."""
        scaled_part = self.part * self.threshold.denominator
        return AllOf(
            (self.whole > 0, Compare(self.operator, scaled_part, self.whole * self.threshold.numerator))
        )


@dataclass(frozen=True, slots=True)
class Known(Condition):
    value: Number | Moment


@dataclass(frozen=True, slots=True)
class Within(Condition):
    """`as_of - seconds < moment <= as_of` (C3)."""

    moment: Moment
    seconds: int


@dataclass(frozen=True, slots=True)
class CompareMoment(Condition):
    """`at_us` is in microseconds since 1970, UTC."""

    operator: Operator
    moment: Moment
    at_us: int


@dataclass(frozen=True, slots=True)
class HasLabel(Condition):
    code: str


@dataclass(frozen=True, slots=True)
class TierIn(Condition):
    """Whether the tier in effect under one policy is among these codes; false without a tier."""

    policy: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllOf(Condition):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not(Condition):
    part: Condition


def number(value: Number | int) -> Number:
    if isinstance(value, Number):
        return value
    if type(value) is not int:
        message = f"Only exact integers can be compared, not {value!r}: use cents."
        raise ConditionRefused(ErrorCode.WRONG_TYPE, message)
    return Constant(value)


def arithmetic(operator: ArithmeticOperator, left: Number | int, right: Number | int) -> Number:
    """The operation with its bounds. Errors: ConditionRefused when it could leave 64 bits."""
    a, b = number(left), number(right)
    if isinstance(a, Constant) and isinstance(b, Constant):
        return Constant(ARITHMETIC[operator](a.value, b.value))
    ends = [ARITHMETIC[operator](x, y) for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    lo, hi = min(ends), max(ends)
    _require_64_bits(f"the result of {operator}", lo, hi)
    return Arithmetic(operator, a, b, lo, hi)


def share(part: Number, whole: Number, operator: Operator, threshold: Fraction) -> Share:
    """`part / whole` against e.g. `Fraction(40, 100)`; refused when its products could leave 64 bits."""
    node = Share(operator, part, whole, threshold)
    node.tests()
    return node


def known(value: Number | Moment) -> Known:
    return Known(value)


def is_nullable(value: Number | Moment) -> bool:
    if isinstance(value, Fact | Moment):
        return value.nullable
    return isinstance(value, Arithmetic) and (is_nullable(value.left) or is_nullable(value.right))


def _require_64_bits(what: str, lo: int, hi: int) -> None:
    if lo < INT64[0] or hi > INT64[1]:
        message = f"{what} may reach {lo}..{hi}, which is more than 64 bits: lower the factor."
        raise ConditionRefused(ErrorCode.OUT_OF_RANGE, message)
