"""When a label or tier changes by itself because days pass: what `review_on` is made of.

Ages grow by one each day while all other facts stand still (orders that leave a window are another reason
to look again, known from the orders). Every test of an age is monotone in it, so it flips once, and "some
test has flipped" stays true from the first flip on: one bisection finds that day for all tests together.
It is safe, because a condition can only change where one of its tests does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.conditions.catalogue import intern, nodes_of, used_facts
from domain.conditions.expression import (
    Compare,
    Condition,
    Constant,
    Fact,
    Number,
    OneOf,
    Share,
    Within,
)
from domain.conditions.numpy_reader import Column, NumpyReader, chosen_rows

LAST_ORDER_AGE = "days_since_last_order"
AGES = (LAST_ORDER_AGE, "days_since_first_order")
HORIZON_DAYS = 366
"""Nobody waits longer to be looked at again, whatever the rules say."""
DAY_US = 86_400_000_000

Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SilenceReading:
    """`limits`: by age, the days on which a fixed limit flips, 31 for `<= 30`. `tests` are all others:
    those that compare an age with a personal interval or make a score of it."""

    limits: Mapping[str, tuple[int, ...]]
    tests: tuple[Condition, ...]
    shared: frozenset[int]
    names: frozenset[str]
    """Of the columns that `tests` read."""


def read_silence(conditions: Sequence[Condition]) -> SilenceReading:
    """*Cost*: once per catalogue of conditions, not per run."""
    aging = tuple(dict.fromkeys(_aging_tests(conditions)))
    catalogue = intern([test for test in aging if _fixed_limit(test) is None])
    return SilenceReading(
        {age: _limits_of(age, aging) for age in AGES},
        catalogue.conditions,
        catalogue.shared,
        frozenset[str]().union(*map(used_facts, catalogue.conditions)),
    )


def silence_thresholds(conditions: Sequence[Condition]) -> tuple[int, ...]:
    """The days since the last order on which a fixed limit flips. `days_until_flip` knows the others, too."""
    return read_silence(conditions).limits[LAST_ORDER_AGE]


def days_until_flip(
    reading: SilenceReading,
    columns: Mapping[str, Column],
    *,
    rows: int,
    as_of_us: int,
    at_most: Days | None = None,
) -> Days:
    """Days from `as_of` to the first day on which any test of an age changes; at most HORIZON_DAYS.

    What lies beyond `at_most` need not be found: the answer is then that, or any day behind it.
    *Shape*: int64[rows]. *Cost*: two evaluations of the tests that are not fixed limits, some eight for those
    in whom one flips.
    """
    flipped = np.full(rows, HORIZON_DAYS, np.int64)
    if at_most is not None:
        flipped = np.clip(at_most, 1, HORIZON_DAYS)
    for age, limits in reading.limits.items():
        if limits:
            np.minimum(flipped, _until_limit(columns[age], limits), out=flipped)
    if reading.tests:
        _bisect(reading, _read_by(reading, columns), flipped, as_of_us)
    return flipped


def _bisect(reading: SilenceReading, columns: Mapping[str, Column], flipped: Days, as_of_us: int) -> None:
    """Brings each of `flipped` down to its day. Those who are done are left out as soon as they are most."""
    rows, same = np.arange(len(flipped)), np.zeros(len(flipped), np.int64)
    until = flipped
    now = _answers(reading, columns, same, as_of_us)
    middle = until - 1  # few flip before what bounds them: asked there first, all others are done
    while True:
        is_same = _all_equal(now, _answers(reading, columns, middle, as_of_us))
        same, until = np.where(is_same, middle, same), np.where(is_same, until, middle)
        is_open = until - same > 1
        if not is_open.any():
            break
        if np.count_nonzero(is_open) * 2 < len(rows):
            flipped[rows] = until
            rows, same, until = rows[is_open], same[is_open], until[is_open]
            columns, now = chosen_rows(columns, is_open), [answer[is_open] for answer in now]
        middle = (same + until) // 2
    flipped[rows] = until


def _read_by(reading: SilenceReading, columns: Mapping[str, Column]) -> dict[str, Column]:
    return {name: columns[name] for name in reading.names}


def _aging_tests(conditions: Sequence[Condition]) -> Iterator[Condition]:
    """The single tests that days alone can flip."""
    for condition in conditions:
        for node in nodes_of(condition):
            match node:
                case Compare(_, left, right) if _ages(left) or _ages(right):
                    yield from _one_sided(node)
                case Share() if _ages(node.part) or _ages(node.whole):
                    yield from _aging_tests([node.tests()])
                case OneOf(number, values) if _ages(number):
                    yield from (side for value in values for side in _one_sided(number.equals(value)))
                case Within():
                    yield node


def _one_sided(test: Compare) -> tuple[Condition, ...]:
    """An equality begins on one day and ends on another: two tests, each of which flips once."""
    if test.operator in ("=", "!="):
        return Compare("<=", test.left, test.right), Compare(">=", test.left, test.right)
    return (test,)


def _ages(number: Number) -> bool:
    return any(isinstance(node, Fact) and node.name in AGES for node in nodes_of(number))


def _limits_of(age: str, tests: Sequence[Condition]) -> tuple[int, ...]:
    found = {limit for limit in map(_fixed_limit, tests) if limit is not None}
    return tuple(sorted(day for name, day in found if name == age and day > 0))


def _fixed_limit(test: Condition) -> tuple[str, int] | None:
    match test:
        case Compare("<=" | ">", Fact(name=name), Constant(limit)):
            return name, limit + 1
        case Compare("<" | ">=", Fact(name=name), Constant(limit)):
            return name, limit
    return None


def _until_limit(column: Column, limits: tuple[int, ...]) -> Days:
    """Days to the next limit above each age; beyond the last one, and where there is no age, the horizon."""
    steps = np.array([*limits, np.iinfo(np.int64).max], np.int64)
    ages = column.values.astype(np.int64)
    days = np.minimum(steps[np.searchsorted(steps, ages, side="right")] - ages, HORIZON_DAYS)
    return days if column.known is None else np.where(column.known, days, HORIZON_DAYS)


def _answers(
    reading: SilenceReading, columns: Mapping[str, Column], days: Days, as_of_us: int
) -> list[NDArray[np.bool_]]:
    """The tests as they will read once each customer's `days` have passed."""
    aged = {**columns, **_aged_columns(reading, columns, days)}
    reader = NumpyReader(aged, as_of_us, len(days), reading.shared)
    return [reader.condition(test) for test in reading.tests]


def _aged_columns(reading: SilenceReading, columns: Mapping[str, Column], days: Days) -> dict[str, Column]:
    """Ages grow; seen from a later `as_of`, a moment lies further back by as much."""
    aged = {age: Column(columns[age].values + days, columns[age].known) for age in AGES if age in columns}
    for test in reading.tests:
        if isinstance(test, Within):
            column = columns[test.moment.name]
            aged[test.moment.name] = Column(column.values - days * DAY_US, column.known)
    return aged


def _all_equal(some: list[NDArray[np.bool_]], others: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = some[0] == others[0]
    for one, other in zip(some[1:], others[1:], strict=True):
        equal &= one == other
    return equal
