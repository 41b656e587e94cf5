"""Conditions read over numpy columns: one customer, a batch of 200 or a million by the same code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from domain.conditions.expression import (
    COMPARISONS,
    INT32,
    AllOf,
    AnyOf,
    Arithmetic,
    ArithmeticOperator,
    Compare,
    CompareMoment,
    Condition,
    Constant,
    Fact,
    HasLabel,
    Known,
    Moment,
    Not,
    Number,
    OneOf,
    Share,
    TierIn,
    Within,
)

Booleans = NDArray[np.bool_]
Values = NDArray[Any] | int


@dataclass(frozen=True, slots=True)
class Column:
    """int32 or int64 of many customers (moments as microseconds since 1970, UTC).

    Where `known` is false the value is unknown and its entry in `values` means nothing; None: all are known.
    """

    values: NDArray[Any]
    known: Booleans | None = None

    def __post_init__(self) -> None:
        if self.values.dtype not in (np.int32, np.int64):
            raise TypeError(f"A column holds int32 or int64, not {self.values.dtype}.")


def chosen_rows(columns: Mapping[str, Column], rows: NDArray[Any]) -> dict[str, Column]:
    """Copies of these rows, by place or by a mask."""
    return {
        name: Column(column.values[rows], None if column.known is None else column.known[rows])
        for name, column in columns.items()
    }


_ARITHMETIC: dict[ArithmeticOperator, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "least": np.minimum,
    "greatest": np.maximum,
}


def _no_labels(code: str) -> NoReturn:
    raise LookupError(f"This reader was given no labels, but a condition asks for {code}.")


def _no_tiers(policy: str, codes: tuple[str, ...]) -> NoReturn:
    raise LookupError(f"This reader was given no tiers, but a condition asks for {policy} in {codes}.")


@dataclass(frozen=True, slots=True)
class NumpyReader:
    """Answers conditions for one block of `rows` customers; 8,000 to 16,000 rows stay in the CPU's cache.

    `shared` comes from `intern`: results of those parts are kept for the life of the reader.
    """

    columns: Mapping[str, Column]
    as_of_us: int
    rows: int
    shared: frozenset[int] = frozenset()
    has_label: Callable[[str], Booleans] = _no_labels
    tier_in: Callable[[str, tuple[str, ...]], Booleans] = _no_tiers
    _numbers: dict[int, tuple[Values, Booleans | None]] = field(default_factory=dict)
    _conditions: dict[int, Booleans] = field(default_factory=dict)

    def number(self, number: Number) -> tuple[Values, Booleans | None]:
        """Values (a plain int for a constant) and where they are known; None: everywhere."""
        if id(number) not in self.shared:
            return self._number(number)
        found = self._numbers.get(id(number))
        if found is None:
            found = self._numbers[id(number)] = self._number(number)
        return found

    def condition(self, condition: Condition) -> Booleans:
        if id(condition) not in self.shared:
            return self._condition(condition)
        found = self._conditions.get(id(condition))
        if found is None:
            found = self._conditions[id(condition)] = self._condition(condition)
        return found

    def _number(self, number: Number) -> tuple[Values, Booleans | None]:
        match number:
            case Constant(value):
                return value, None
            case Fact(name):
                column = self.columns[name]
                return column.values, column.known
            case Arithmetic(operator, left, right):
                (a, a_known), (b, b_known) = self.number(left), self.number(right)
                if _needs_64_bits(number):
                    a, b = _widened(a), _widened(b)
                return _ARITHMETIC[operator](a, b), _both_known(a_known, b_known)
        raise TypeError(number)

    def _condition(self, condition: Condition) -> Booleans:
        match condition:
            case AllOf(parts):
                return self._combined(parts, np.logical_and, empty=True)
            case AnyOf(parts):
                return self._combined(parts, np.logical_or, empty=False)
            case Not(part):
                return np.logical_not(self.condition(part))
            case Share():
                return self.condition(condition.tests())
        return self._test(condition)

    def _test(self, condition: Condition) -> Booleans:
        match condition:
            case Compare(operator, left, right):
                (a, a_known), (b, b_known) = self.number(left), self.number(right)
                return self._where_known(COMPARISONS[operator](a, b), _both_known(a_known, b_known))
            case OneOf(number, values):
                a, a_known = self.number(number)
                return self._where_known(np.isin(a, np.array(values, np.int64)), a_known)
            case Known(value):
                known = self.columns[value.name].known if isinstance(value, Moment) else self.number(value)[1]
                return np.ones(self.rows, np.bool_) if known is None else known
            case HasLabel(code):
                return self.has_label(code)
            case TierIn(policy, codes):
                return self.tier_in(policy, codes)
        return self._moment_test(condition)

    def _moment_test(self, condition: Condition) -> Booleans:
        match condition:
            case Within(moment, seconds):
                column = self.columns[moment.name]
                is_after = column.values > self.as_of_us - seconds * 1_000_000
                return self._where_known(is_after & (column.values <= self.as_of_us), column.known)
            case CompareMoment(operator, moment, at_us):
                column = self.columns[moment.name]
                return self._where_known(COMPARISONS[operator](column.values, at_us), column.known)
        raise TypeError(condition)

    def _where_known(self, answer: Any, known: Booleans | None) -> Booleans:
        full: Booleans = answer if np.ndim(answer) else np.full(self.rows, bool(answer))
        return full if known is None else full & known

    def _combined(self, parts: tuple[Condition, ...], combine: Any, *, empty: bool) -> Booleans:
        if not parts:
            return np.full(self.rows, empty)
        result = self.condition(parts[0])
        for part in parts[1:]:
            result = combine(result, self.condition(part))
        return result


def _both_known(a: Booleans | None, b: Booleans | None) -> Booleans | None:
    if a is None or b is None:
        return b if a is None else a
    return a & b


def _needs_64_bits(number: Arithmetic) -> bool:
    # numpy would wrap around 32-bit columns without a word
    bounds = (number, number.left, number.right)
    return min(n.lo for n in bounds) < INT32[0] or max(n.hi for n in bounds) > INT32[1]


def _widened(values: Values) -> Values:
    return values if isinstance(values, int) else values.astype(np.int64, copy=False)
