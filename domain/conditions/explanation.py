"""Why a condition holds or fails for one customer: each of its tests, what it wanted and what it found."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

import numpy as np

from domain.conditions.catalogue import used_facts
from domain.conditions.expression import (
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
    Share,
    TierIn,
    Unit,
    Within,
    is_nullable,
)
from domain.conditions.numpy_reader import Booleans, Column, NumpyReader


@dataclass(frozen=True, slots=True)
class Check:
    """One test as read for one customer. `facts` are the names it read, for masking; found None: unknown."""

    words: str
    wanted: str
    found: str | None
    passed: bool
    facts: frozenset[str]


@dataclass(frozen=True, slots=True)
class CustomerValues:
    """What is known of one customer: facts by name (None: unknown; moments in microseconds)."""

    as_of_us: int
    facts: Mapping[str, int | None]
    labels: Collection[str] = ()
    tiers: Mapping[str, str | None] | None = None


def holds(condition: Condition, customer: CustomerValues) -> bool:
    return bool(_reader(customer).condition(condition)[0])


def explain(condition: Condition, customer: CustomerValues) -> tuple[Check, ...]:
    """Every leaf test, in reading order. Under a NOT the opposite is wanted, and `passed` speaks for that."""
    reader = _reader(customer)
    return tuple(_check(test, reader, customer, wanted_true) for test, wanted_true in _tests(condition, True))


def _tests(condition: Condition, wanted_true: bool) -> Iterator[tuple[Condition, bool]]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _tests(part, wanted_true)
        case Not(part):
            yield from _tests(part, not wanted_true)
        case _:
            yield condition, wanted_true


def _check(test: Condition, reader: NumpyReader, customer: CustomerValues, wanted_true: bool) -> Check:
    subject, wanted = _subject(test), _wanted(test, wanted_true)
    passed = bool(reader.condition(test)[0]) == wanted_true
    return Check(f"{subject} {wanted}", wanted, _found(test, reader, customer), passed, used_facts(test))


def _reader(customer: CustomerValues) -> NumpyReader:
    columns = {
        name: Column(np.array([value or 0], np.int64), np.array([value is not None]))
        for name, value in customer.facts.items()
    }

    def has_label(code: str) -> Booleans:
        return np.array([code in customer.labels])

    def tier_in(policy: str, codes: tuple[str, ...]) -> Booleans:
        return np.array([(customer.tiers or {}).get(policy) in codes])

    return NumpyReader(columns, customer.as_of_us, 1, has_label=has_label, tier_in=tier_in)


def _subject(test: Condition) -> str:
    match test:
        case Compare(_, left):
            return number_words(left)
        case OneOf(value) | Known(value):
            return value_words(value)
        case Share(_, part, whole):
            return f"{number_words(part)} / {number_words(whole)}"
        case Within(moment) | CompareMoment(_, moment):
            return value_words(moment)
        case HasLabel(code):
            return f"label {code}"
        case TierIn(policy):
            return f"tier of {policy}"
    raise TypeError(test)


def _wanted(test: Condition, wanted_true: bool) -> str:
    match test:
        case Compare(operator, left, right):
            sign = operator if wanted_true else OPPOSITES[operator]
            unknown = "" if wanted_true or not (is_nullable(left) or is_nullable(right)) else " or unknown"
            return f"{sign} {number_words(right, unit_of(left))}{unknown}"
        case Share(operator, _, _, threshold):
            sign = operator if wanted_true else OPPOSITES[operator]
            return f"{sign} {float(threshold):g}" + ("" if wanted_true else " or nothing to divide by")
    wanted = _wanted_true(test)
    return wanted if wanted_true else f"not {wanted}"


def _wanted_true(test: Condition) -> str:
    match test:
        case OneOf(value, values):
            return "in " + ", ".join(shown(v, unit_of(value)) for v in values)
        case Known():
            return "known"
        case Within(_, seconds):
            return f"within {shown(seconds, 'seconds')}"
        case CompareMoment(operator, _, at_us):
            return f"{operator} {moment_words(at_us)}"
        case HasLabel():
            return "held"
        case TierIn(_, codes):
            return "in " + ", ".join(codes)
    raise TypeError(test)


def _found(test: Condition, reader: NumpyReader, customer: CustomerValues) -> str | None:
    match test:
        case Compare(_, number) | OneOf(number):
            return _found_value(number, reader)
        case Known(value):
            return _found_value(value, reader)
        case Share(_, part, whole):
            return " / ".join(_found_value(side, reader) or "unknown" for side in (part, whole))
        case Within(moment) | CompareMoment(_, moment):
            return _found_value(moment, reader)
        case HasLabel(code):
            return "held" if code in customer.labels else "not held"
        case TierIn(policy):
            return (customer.tiers or {}).get(policy)
    raise TypeError(test)


def _found_value(value: Number | Moment, reader: NumpyReader) -> str | None:
    if isinstance(value, Moment):
        column = reader.columns[value.name]
        is_known = column.known is None or column.known[0]
        return moment_words(int(column.values[0])) if is_known else None
    numbers, known = reader.number(value)
    if known is not None and not known[0]:
        return None
    return shown(int(numbers if isinstance(numbers, int) else numbers[0]), unit_of(value))


def value_words(value: Number | Moment) -> str:
    if isinstance(value, Moment):
        return value.words.rstrip(".") or value.name
    return number_words(value)


def number_words(number: Number, unit: Unit = "") -> str:
    match number:
        case Constant(value):
            return shown(value, unit)
        case Fact(name):
            return number.words.rstrip(".") or name
        case Arithmetic("least" | "greatest" as operator, left, right):
            return f"the {operator} of {number_words(left, unit)} and {number_words(right, unit)}"
        case Arithmetic(operator, left, right):
            # factors have no unit of their own, so they are written as plain numbers
            inner: Unit = "" if operator == "*" else unit
            return f"({number_words(left, inner)} {operator} {number_words(right, inner)})"
    raise TypeError(number)


def unit_of(number: Number) -> Unit:
    """The unit in which to show it; sums keep the unit of their facts, products have none."""
    match number:
        case Fact():
            return number.unit
        case Arithmetic("*"):
            return ""
        case Arithmetic(_, left, right):
            return unit_of(left) or unit_of(right)
    return ""


def shown(value: int, unit: Unit) -> str:
    match unit:
        case "":
            return str(value)
        case "cents":
            return f"{'-' if value < 0 else ''}{abs(value) // 100:,}.{abs(value) % 100:02}"
        case "seconds":
            return str(timedelta(seconds=value))
        case "millionths":
            return f"{value / 1_000_000:g}"
    assert_never(unit)


def moment_words(at_us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).isoformat()
