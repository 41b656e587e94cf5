"""Conditions read as SQL, for paging, segments and any engine that holds the facts as columns.

A positive test stays plain and can use an index: a WHERE rejects NULL as it does false. Only a negated test
on a nullable value becomes `IS NOT TRUE`, which makes NOT the complement, as in numpy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import sqlalchemy as sa

from domain.conditions.expression import (
    COMPARISONS,
    INT32,
    OPPOSITES,
    AllOf,
    AnyOf,
    Arithmetic,
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
    Operator,
    Share,
    TierIn,
    Within,
    is_nullable,
)

Expression = sa.ColumnElement[Any]
Test = sa.ColumnElement[bool]


def _no_labels(code: str) -> NoReturn:
    raise LookupError(f"This reader was given no labels, but a condition asks for {code}.")


def _no_tiers(policy: str, codes: tuple[str, ...]) -> NoReturn:
    raise LookupError(f"This reader was given no tiers, but a condition asks for {policy} in {codes}.")


@dataclass(frozen=True, slots=True)
class SqlReader:
    """`column(name)` gives the expression of a stored or derived fact; `as_of` is a timestamptz."""

    column: Callable[[str], Expression]
    as_of: Expression
    has_label: Callable[[str], Test] = _no_labels
    tier_in: Callable[[str, tuple[str, ...]], Test] = _no_tiers

    def condition(self, condition: Condition) -> Test:
        return self._condition(condition, True)

    def number(self, number: Number) -> Expression:
        match number:
            case Constant(value):
                return _integer(value)
            case Fact(name):
                return self.column(name)
            case Arithmetic():
                return self._arithmetic(number)
        raise TypeError(number)

    def _arithmetic(self, number: Arithmetic) -> Expression:
        left, right = self.number(number.left), self.number(number.right)
        if number.operator in ("least", "greatest"):
            return self._extreme(number, left, right)
        if not _fits_32_bits(number):
            left = sa.cast(left, sa.BigInteger)  # int4 * int4 would raise
        result = {"+": left + right, "-": left - right, "*": left * right}[number.operator]
        return sa.type_coerce(result, sa.BigInteger).self_group()

    def _extreme(self, number: Arithmetic, left: Expression, right: Expression) -> Expression:
        result = (sa.func.least if number.operator == "least" else sa.func.greatest)(left, right)
        sides = ((left, number.left), (right, number.right))
        known = [side.is_not(None) for side, node in sides if is_nullable(node)]
        # LEAST and GREATEST skip NULL, but arithmetic on an unknown is unknown
        return sa.case((sa.and_(*known), result)) if known else result

    def _condition(self, condition: Condition, wanted: bool) -> Test:
        match condition:
            case Not(part):
                return self._condition(part, not wanted)
            case AllOf(parts):
                return self._combined(parts, wanted, all_of=wanted)
            case AnyOf(parts):
                return self._combined(parts, wanted, all_of=not wanted)
            case Share():
                return self._condition(condition.tests(), wanted)
            case Known(value):
                found = self._value(value)
                return found.is_not(None) if wanted else found.is_(None)
        return self._test(condition) if wanted else self._failed(condition)

    def _failed(self, condition: Condition) -> Test:
        match condition:
            case Compare(operator, left, right) if not (is_nullable(left) or is_nullable(right)):
                return self._test(Compare(OPPOSITES[operator], left, right))
        return self._test(condition).self_group().is_not(sa.true())

    def _combined(self, parts: tuple[Condition, ...], wanted: bool, *, all_of: bool) -> Test:
        tests = [self._condition(part, wanted) for part in parts]
        if not tests:
            return sa.true() if all_of else sa.false()
        return (sa.and_ if all_of else sa.or_)(*tests).self_group()

    def _test(self, condition: Condition) -> Test:
        match condition:
            case Compare(operator, left, right):
                return _compared(operator, self.number(left), self.number(right))
            case OneOf(number, values):
                return self.number(number).in_([_integer(v) for v in values]) if values else sa.false()
            case Within(moment, seconds):
                column = self.column(moment.name)
                return sa.and_(column > self.as_of - _interval(seconds), column <= self.as_of).self_group()
            case CompareMoment(operator, moment, at_us):
                return _compared(operator, self.column(moment.name), _timestamp(at_us))
            case HasLabel(code):
                return self.has_label(code)
            case TierIn(policy, codes):
                return self.tier_in(policy, codes)
        raise TypeError(condition)

    def _value(self, value: Number | Moment) -> Expression:
        return self.column(value.name) if isinstance(value, Moment) else self.number(value)


def _compared(operator: Operator, left: Expression, right: Expression) -> Test:
    test: Test = COMPARISONS[operator](left, right)
    return test


def _integer(value: int) -> Expression:
    if INT32[0] <= value <= INT32[1]:
        return sa.literal_column(str(value) if value >= 0 else f"({value})", sa.Integer)
    return sa.literal_column(f"CAST({value} AS BIGINT)", sa.BigInteger)


def _interval(seconds: int) -> Expression:
    # in seconds, never in days: '1 day' depends on the session's time zone
    return sa.literal_column(f"INTERVAL '{seconds} seconds'", sa.Interval)


def _timestamp(at_us: int) -> Expression:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    return sa.literal_column(f"TIMESTAMPTZ '{moment.isoformat()}'", sa.TIMESTAMP(timezone=True))


def _fits_32_bits(number: Arithmetic) -> bool:
    bounds = (number, number.left, number.right)
    return min(n.lo for n in bounds) >= INT32[0] and max(n.hi for n in bounds) <= INT32[1]
