"""Days pass: the review is due on the first day on which something changes by itself, never later."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tier_cases import columns_of, ordering_facts, unhurried

from domain.customers.facts import moment_fact, number_fact
from domain.labels.rules import LABELS
from domain.labels.rules.frequency import FREQUENCY
from domain.labels.rules.recency import RECENCY
from domain.labels.silence import DAY_US, HORIZON_DAYS, days_until_flip, read_silence, silence_thresholds
from domain.tiers.evaluation import evaluate, read_rule
from domain.tiers.presets.kuailv_grade import kuailv_rule

READING = read_rule(kuailv_rule())
DAY_SECONDS = 86_400


def test_fixed_limits_of_all_labels_are_known() -> None:
    conditions = [label.condition for label in LABELS if label.condition]

    assert silence_thresholds(conditions) == (25, 31, 50, 91, 181)


@unhurried
@given(st.lists(ordering_facts, min_size=1, max_size=5))
def test_a_tier_never_falls_before_its_review(customers: list[dict[str, int]]) -> None:
    waits = days_until_flip(
        read_silence(READING.rank_tests), columns_of(customers), rows=len(customers), as_of_us=0
    )

    for customer, wait in zip(customers, waits.tolist(), strict=True):
        days = np.arange(HORIZON_DAYS + 1)
        ranks = _ranks_on(customer, days)
        changes = np.flatnonzero(ranks != ranks[0])
        assert wait == (changes[0] if changes.size else HORIZON_DAYS)


@unhurried
@given(st.lists(st.tuples(ordering_facts, st.integers(-3, 400)), min_size=1, max_size=5))
def test_what_lies_beyond_need_not_be_found(customers: list[tuple[dict[str, int], int]]) -> None:
    reading, columns = read_silence(READING.rank_tests), columns_of([facts for facts, _ in customers])
    bounds = np.array([bound for _, bound in customers])
    exact = days_until_flip(reading, columns, rows=len(customers), as_of_us=0)

    found = days_until_flip(reading, columns, rows=len(customers), as_of_us=0, at_most=bounds)

    assert np.minimum(found, bounds).tolist() == np.minimum(exact, bounds).tolist()


def _ranks_on(customer: dict[str, int], days: Any) -> Any:
    aged = [customer | {"days_since_last_order": customer["days_since_last_order"] + int(d)} for d in days]
    return evaluate(READING, columns_of(aged), as_of_us=0, rows=len(aged)).ranks


@pytest.mark.parametrize(
    ("words", "days", "interval_days", "wait"),
    [
        ("due in 2 days", 5, 7, 2),
        ("overdue in 7 days: 15 is the first day past 14", 8, 7, 7),
        ("no rhythm: only the fixed limit of 31 days", 8, None, 23),
        ("all limits passed", 400, 7, HORIZON_DAYS),
    ],
)
def test_a_personal_rhythm_sets_its_own_day(
    words: str, days: int, interval_days: int | None, wait: int
) -> None:
    conditions = [label.condition for label in RECENCY if label.condition]
    interval = None if interval_days is None else interval_days * DAY_SECONDS
    columns = columns_of([{"days_since_last_order": days, "median_order_interval": interval}])

    assert days_until_flip(read_silence(conditions), columns, rows=1, as_of_us=0).tolist() == [wait]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), min_size=1, max_size=5))
def test_growing_tenure_is_looked_at_in_time(customers: list[tuple[int, int]]) -> None:
    conditions = [label.condition for label in FREQUENCY if label.condition]
    facts = [
        {"days_since_first_order": t, "orders_365d": n, "orders_90d": 0, "orders_all_time": n}
        for t, n in customers
    ]

    waits = days_until_flip(read_silence(conditions), columns_of(facts), rows=len(facts), as_of_us=0)

    for (tenure, orders), wait in zip(customers, waits.tolist(), strict=True):
        paces = [_pace(tenure + day, orders) for day in range(HORIZON_DAYS)]
        first = next((day for day, pace in enumerate(paces) if pace != paces[0]), HORIZON_DAYS)
        assert wait == first


def _pace(tenure_days: int, orders: int) -> tuple[bool, bool]:
    months_times_10000 = max(304_375, min(365, tenure_days) * 10_000)
    return orders * 304_375 >= 3 * months_times_10000, orders * 304_375 * 3 >= months_times_10000


def test_a_window_over_a_moment_ends_on_its_day() -> None:
    """C3: exactly 30 days old is out."""
    reading = read_silence([moment_fact("last_order_at").within(30 * DAY_SECONDS)])
    columns = columns_of([{"last_order_at": -10 * DAY_US}, {"last_order_at": -40 * DAY_US}])

    assert days_until_flip(reading, columns, rows=2, as_of_us=0).tolist() == [20, HORIZON_DAYS]


def test_an_equality_is_looked_at_on_both_its_days() -> None:
    condition = number_fact("days_since_last_order").equals(30)
    columns = columns_of([{"days_since_last_order": 28}, {"days_since_last_order": 30}])

    assert days_until_flip(read_silence([condition]), columns, rows=2, as_of_us=0).tolist() == [2, 1]
