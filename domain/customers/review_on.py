"""When to look at a customer again although nothing happened.

Law: let D be a business day after `as_of` and before a customer's review day. Measured as of the end of D,
without new orders, every stored fact is what it is now, and no age has passed one of the thresholds.
The day may be too early (a review that finds nothing), never too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from domain.calendar import DAY_US, Calendar, last_day_of_week, microseconds, week_numbers
from domain.conditions.numpy_reader import Column
from domain.customers.measure_orders import (
    CATEGORY_DAYS,
    STABILITY_WEEKS,
    WINDOW_ENDS_US,
    last_whole_week,
    smallest_window,
)
from domain.customers.order_arrays import Array, CategoryDayArrays, CustomerHistory, OrderArrays

Integers = NDArray[np.int64]

NEVER = (date(9999, 12, 31) - date(1970, 1, 1)).days
_NEVER_US = 2**62


@dataclass(frozen=True, slots=True)
class AgeThresholds:
    """What policies and labels ask of ages: N is passed when the age becomes N or more whole days.

    `age > N` therefore needs N + 1. Something that moves daily up to day 50 has thresholds 1 to 50.
    `interval_multiples` k: silence is compared with k of the customer's own median intervals (S3-14, S4-13).
    """

    silence_days: tuple[int, ...] = ()
    tenure_days: tuple[int, ...] = ()
    interval_multiples: tuple[int, ...] = ()


def review_days(
    history: CustomerHistory,
    facts: Mapping[str, Column],
    thresholds: AgeThresholds,
    *,
    as_of: datetime,
    calendar: Calendar,
) -> Integers:
    """The review day of each customer, as a day number; NEVER without a reason to look again.

    `facts` come from measure_customers at the same `as_of`.
    """
    as_of_us = microseconds(as_of)
    last_day = calendar.last_whole_day(as_of_us)
    next_us = np.minimum(
        _next_window_change(history.orders, history.customers, as_of_us),
        _next_threshold(facts, thresholds, as_of_us),
    )
    next_day = np.where(next_us < _NEVER_US, calendar.day_numbers(next_us), NEVER)
    next_day = np.minimum(next_day, _next_week_roll(history.orders, history.customers, last_day, calendar))
    return np.minimum(next_day, _next_category_change(history.category_days, history.customers, last_day))


def _next_window_change(orders: OrderArrays, customers: int, as_of_us: int) -> Integers:
    """The first moment at which an order leaves a window, or an order of the future enters them."""
    age_us = as_of_us - orders.counted_at_us
    leaves_after_us = np.append(WINDOW_ENDS_US, _NEVER_US)[smallest_window(age_us)]
    change_us = np.where(age_us < 0, orders.counted_at_us, orders.counted_at_us + leaves_after_us)
    return _earliest(orders.customer, np.minimum(change_us, _NEVER_US), customers, _NEVER_US)


def _next_threshold(facts: Mapping[str, Column], thresholds: AgeThresholds, as_of_us: int) -> Integers:
    silence, tenure = facts["last_order_at"], facts["first_order_at"]
    earliest: Integers = np.minimum(
        _next_fixed_age(silence, thresholds.silence_days, as_of_us),
        _next_fixed_age(tenure, thresholds.tenure_days, as_of_us),
    )
    for multiple in thresholds.interval_multiples:
        earliest = np.minimum(earliest, _next_personal_age(facts, multiple, as_of_us))
    return earliest


def _next_fixed_age(moment: Column, days: tuple[int, ...], as_of_us: int) -> Integers:
    thresholds_us = np.append(np.array(sorted(days), np.int64) * DAY_US, _NEVER_US)
    following = np.searchsorted(thresholds_us[:-1], as_of_us - moment.values, side="right")
    return _where_known(moment, np.minimum(moment.values + thresholds_us[following], _NEVER_US))


def _next_personal_age(facts: Mapping[str, Column], multiple: int, as_of_us: int) -> Integers:
    """Whole days of silence, compared by >= or > with k medians, flip at q, q + 1 or nowhere else."""
    last, median = facts["last_order_at"], facts["median_order_interval"]
    whole_days = median.values * multiple // 86_400
    first_us, second_us = (last.values + (whole_days + extra) * DAY_US for extra in (0, 1))
    change_us = np.where(first_us > as_of_us, first_us, second_us)
    return _where_known(median, np.where(change_us > as_of_us, change_us, _NEVER_US))


def _where_known(column: Column, moments_us: Array) -> Integers:
    return moments_us if column.known is None else np.where(column.known, moments_us, _NEVER_US)


def _next_week_roll(orders: OrderArrays, customers: int, last_day: int, calendar: Calendar) -> Integers:
    """The Sunday that ends the running week, for customers with spend in it or in the 13 weeks before."""
    last_week = last_whole_week(last_day)
    first_us = ((last_week - STABILITY_WEEKS + 1) * 7 - 5) * DAY_US
    recent = np.flatnonzero((orders.counted_at_us > first_us) & (orders.net_cents > 0))
    week = week_numbers(calendar.day_numbers(orders.counted_at_us[recent]))
    is_in_them = (week > last_week - STABILITY_WEEKS) & (week <= last_week + 1)
    days = np.full(customers, NEVER, np.int64)
    days[orders.customer[recent[is_in_them]]] = last_day_of_week(last_week + 1)
    return days


def _next_category_change(category_days: CategoryDayArrays, customers: int, last_day: int) -> Integers:
    """The day on which a roll-up day leaves the 180 days, or one of the future ends."""
    day = category_days.day
    change = np.where(day > last_day, day, day + CATEGORY_DAYS)
    kept = change > last_day
    days = np.full(customers, NEVER, np.int64)
    np.minimum.at(days, category_days.customer[kept], change[kept])
    return days


def _earliest(customer: Array, moments_us: Array, customers: int, otherwise: int) -> Integers:
    """The least value of each customer, whose entries stand together."""
    least = np.full(customers, otherwise, np.int64)
    per_customer = np.bincount(customer, minlength=customers)
    has_some = per_customer > 0
    if has_some.any():
        start = np.cumsum(per_customer)[has_some] - per_customer[has_some]
        least[has_some] = np.minimum.reduceat(moments_us, start)
    return least
