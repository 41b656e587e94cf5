"""The law of the review day: before it nothing stored changes and no age passes a threshold."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.calendar import DAY_US, Calendar, calendar_of, microseconds
from domain.conditions.numpy_reader import Column
from domain.customers import review_on
from domain.customers.measure_orders import integer_root, measure_customers
from domain.customers.order_arrays import CategoryDayArrays, CustomerHistory, OrderArrays
from domain.customers.review_on import NEVER, AgeThresholds, review_days

THRESHOLDS = AgeThresholds((1, 2, 31, 50, 91, 181), (31, 180, 365), (1, 2))
NO_THRESHOLDS = AgeThresholds()
AS_OF_DAY = 20_779
LAW = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Order:
    customer: int
    age_us: int
    net_cents: int


AGES = st.builds(
    lambda days, shift: days * DAY_US + shift,
    st.sampled_from([-3, -1, 0, 1, 6, 7, 8, 29, 30, 89, 90, 91, 97, 179, 180, 364, 365, 500]),
    st.sampled_from([-1, 0, 1, 3_600_000_000, -3_600_000_000]) | st.integers(0, DAY_US - 1),
)
ORDERS = st.lists(st.builds(Order, st.integers(0, 3), AGES, st.sampled_from([0, 1, 100, 2**30])), max_size=12)
CATEGORY_DAYS = st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 185)), max_size=4)
ZONES = st.sampled_from(["Asia/Shanghai", "America/New_York", "America/Sao_Paulo"])
# the week of 2026-11-22, and days around the clock changes of New York
DAYS = st.sampled_from([AS_OF_DAY, AS_OF_DAY - 3, AS_OF_DAY - 21, AS_OF_DAY - 22, AS_OF_DAY - 259])


def _history(
    orders: list[Order], category_days: list[tuple[int, int]], as_of: datetime, day: int
) -> CustomerHistory:
    end_us = microseconds(as_of)
    made = sorted((order.customer, end_us - order.age_us, order.net_cents) for order in orders)
    customer, at_us, cents = (np.array([row[n] for row in made], np.int64) for n in range(3))
    days = CategoryDayArrays(
        np.array([row[0] for row in category_days], np.int64),
        np.array([day - row[1] for row in category_days], np.int64),
        np.zeros(len(category_days), np.int64),
        np.ones(len(category_days), np.int64),
        np.full(len(category_days), 100),
    )
    arrays = OrderArrays(customer, at_us, cents, cents % 2, np.ones_like(cents), cents, cents, cents, cents)
    return CustomerHistory(4, arrays, days, np.zeros(4, np.int64), np.arange(4))


def _differs(a: Column, b: Column) -> Any:
    differs = (a.values != b.values).reshape(len(a.values), -1).any(axis=1)
    return differs if a.known is None or b.known is None else differs | (a.known != b.known)


def _state(
    history: CustomerHistory, calendar: Calendar, day: int, thresholds: AgeThresholds
) -> dict[str, Any]:
    """Stored facts, and which thresholds have been passed."""
    as_of = calendar.end_of_day(day)
    facts = measure_customers(history, as_of=as_of, calendar=calendar)
    silence, tenure = (
        np.where(facts[name].known, (microseconds(as_of) - facts[name].values) // DAY_US, -1)
        for name in ("last_order_at", "first_order_at")
    )
    median = facts["median_order_interval"]
    passed = [silence >= days for days in thresholds.silence_days]
    passed += [tenure >= days for days in thresholds.tenure_days]
    for multiple in thresholds.interval_multiples:
        passed += [median.known & (silence * 86_400 >= multiple * median.values)]
        passed += [median.known & (silence * 86_400 > multiple * median.values)]
    return {**facts, **{f"passed {n}": Column(flags.astype(np.int32)) for n, flags in enumerate(passed)}}


def _changes(history: CustomerHistory, calendar: Calendar, day: int, thresholds: AgeThresholds) -> list[Any]:
    """(customer, fact) of changes on days before the review day."""
    now = _state(history, calendar, day, thresholds)
    as_of = calendar.end_of_day(day)
    review = review_days(history, now, thresholds, as_of=as_of, calendar=calendar)
    assert (review > day).all()
    found = []
    for later in (*range(day + 1, day + 16), *range(day + 16, day + 380, 9)):
        then = _state(history, calendar, later, thresholds)
        found += [
            (customer, name, later)
            for name in now
            for customer in np.flatnonzero(_differs(now[name], then[name]) & (later < review))
        ]
    return found


@LAW
@given(ORDERS, CATEGORY_DAYS, ZONES, DAYS)
def test_nothing_changes_before_the_review_day(
    orders: list[Order], category_days: list[tuple[int, int]], zone: str, day: int
) -> None:
    calendar = calendar_of(zone)
    history = _history(orders, category_days, calendar.end_of_day(day), day)

    assert _changes(history, calendar, day, THRESHOLDS) == []
    assert _changes(history, calendar, day, NO_THRESHOLDS) == []


def _review_of(*ages_us: int, net_cents: int = 0, thresholds: AgeThresholds = NO_THRESHOLDS) -> int:
    """Days from the end of 2026-11-22 (a Sunday) in Shanghai to the review of one customer."""
    calendar = calendar_of("Asia/Shanghai")
    as_of = calendar.end_of_day(AS_OF_DAY)
    history = _history([Order(0, age, net_cents) for age in ages_us], [], as_of, AS_OF_DAY)
    facts = measure_customers(history, as_of=as_of, calendar=calendar)
    found = review_days(history, facts, thresholds, as_of=as_of, calendar=calendar)
    return int(found[0]) - AS_OF_DAY


@pytest.mark.parametrize(
    ("words", "ages_us", "days"),
    [
        ("at as_of: leaves 7 days after 7 days", [0], 7),
        ("3 days old", [3 * DAY_US], 4),
        ("an hour short of 7 days", [7 * DAY_US - 3_600_000_000], 1),
        ("exactly 7 days has left already, 30 is next", [7 * DAY_US], 23),
        ("the earliest of two orders decides", [40 * DAY_US, 29 * DAY_US], 1),
        ("a future order enters on its day", [-2 * DAY_US], 2),
    ],
)
def test_an_order_that_leaves_a_window_calls_for_a_review(words: str, ages_us: list[int], days: int) -> None:
    assert _review_of(*ages_us) == days


def test_spend_in_thirteen_weeks_calls_for_a_review_on_sunday() -> None:
    """On the evening of Sunday 2026-11-22 the next whole week ends seven days later."""
    assert _review_of(20 * DAY_US, net_cents=100) == 7
    assert _review_of(20 * DAY_US, net_cents=0) == 10
    assert _review_of(8 * DAY_US, net_cents=100, thresholds=AgeThresholds((10,))) == 2


def test_nothing_to_wait_for_is_never() -> None:
    assert _review_of() + AS_OF_DAY == NEVER
    assert _review_of(400 * DAY_US) + AS_OF_DAY == NEVER


@pytest.mark.parametrize(
    ("words", "thresholds", "days"),
    [
        ("silence of 401 days", AgeThresholds(silence_days=(401,)), 1),
        ("silence passed already", AgeThresholds(silence_days=(400,)), None),
        ("tenure of 500 days", AgeThresholds(tenure_days=(31, 500)), 100),
        ("no interval known", AgeThresholds(interval_multiples=(1,)), None),
    ],
)
def test_a_threshold_calls_for_a_review(words: str, thresholds: AgeThresholds, days: int | None) -> None:
    expected = NEVER - AS_OF_DAY if days is None else days

    assert _review_of(400 * DAY_US, thresholds=thresholds) == expected


def test_a_personal_interval_calls_for_a_review() -> None:
    """S3-14: due when silence reaches the median interval of 100 days."""
    ages_us = [days * DAY_US for days in (700, 600, 500, 400)]

    assert _review_of(*ages_us, thresholds=AgeThresholds(interval_multiples=(4,))) == 1
    assert _review_of(*ages_us, thresholds=AgeThresholds(interval_multiples=(5,))) == 100


@pytest.mark.parametrize(
    ("words", "attribute", "fault"),
    [
        ("windows forgotten", "_next_window_change", lambda *_: np.full(4, 2**62)),
        ("thresholds forgotten", "_next_threshold", lambda *_: np.full(4, 2**62)),
        ("weeks forgotten", "_next_week_roll", lambda *_: np.full(4, NEVER)),
        ("category days forgotten", "_next_category_change", lambda *_: np.full(4, NEVER)),
    ],
)
def test_a_planted_fault_breaks_the_law(
    monkeypatch: pytest.MonkeyPatch, words: str, attribute: str, fault: Any
) -> None:
    monkeypatch.setattr(review_on, attribute, fault)
    calendar = calendar_of("Asia/Shanghai")
    thursday = AS_OF_DAY - 3
    orders = [Order(0, 3 * DAY_US, 0), Order(1, 400 * DAY_US, 1), Order(3, 1, 100)]
    history = _history(orders, [(2, 100)], calendar.end_of_day(thursday), thursday)

    assert _changes(history, calendar, thursday, AgeThresholds((401,))) != []


@given(st.lists(st.integers(0, 2**31 - 1) | st.integers(2**31 - 9, 2**31 - 1)))
def test_roots_are_exact(roots: list[int]) -> None:
    squares = np.array([r * r + extra for r in roots for extra in (-1, 0, 1) if r], np.int64)

    assert integer_root(squares).tolist() == [
        r + (-1 if extra < 0 else 0) for r in roots for extra in (-1, 0, 1) if r
    ]


def test_the_epoch_of_these_tests_is_sunday_2026_11_22() -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=AS_OF_DAY) == datetime(2026, 11, 22, tzinfo=UTC)
