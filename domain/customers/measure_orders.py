"""The stored facts of one customer, a batch of 200 or a million, by one code path."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.calendar import DAY_US, Calendar, microseconds, week_numbers
from domain.conditions.numpy_reader import Booleans, Column
from domain.customers.order_arrays import Array, CategoryDayArrays, CustomerHistory, OrderArrays
from domain.orders.order import MAXIMUM_CATEGORIES, ONLINE_CHANNELS

Integers = NDArray[np.int64]

WINDOW_NAMES = ("7d", "30d", "90d", "180d", "365d", "all_time")
WINDOW_ENDS_US = np.array([7, 30, 90, 180, 365], np.int64) * DAY_US
CATEGORY_DAYS = 180
DETAIL_DAYS = 180
BESIDE_ORDERS = (
    *(
        "line_spend_90d",
        "high_margin_spend_90d",
        "line_spend_180d",
        "organic_spend_180d",
        "imported_spend_180d",
    ),
    *("online_orders_90d", "refunded_orders_90d", "referrals", "category_orders_180d", "category_spend_180d"),
)
"""Facts that need more than the moments and net amounts of orders."""
STABILITY_WEEKS = 13
MINIMUM_INTERVALS = 3
ONE = 1_000_000
SHARE_BITS = 26
"""Weekly shares are cut to 2**-26: fine enough for six digits, and squares of spend stay in 64 bits."""


def measure_customers(history: CustomerHistory, *, as_of: datetime, calendar: Calendar) -> dict[str, Column]:
    """Every stored fact by name. Orders after `as_of` are ignored (C2); of those before the last DETAIL_DAYS only
    the moment and the net amount are read.

    Shape: one value a customer, in the order of ordinals; facts per category have a row of 64 for each.
    """
    as_of_us = microseconds(as_of)
    orders = _until(history.orders, as_of_us)
    last_day = calendar.last_whole_day(as_of_us)
    return {
        **_windows(orders, history.customers, as_of_us),
        **_recent_sums(orders, history.customers, as_of_us),
        **_moments_and_biggest(orders, history.customers, as_of_us),
        "median_order_interval": _median_interval(orders, history.customers),
        "purchase_stability_13w": _stability(orders, history.customers, last_day, calendar),
        "referrals": Column(history.referrals.astype(np.int32)),
        **_categories(history.category_days, history.customers, last_day),
    }


def detailed_since(as_of: datetime) -> datetime:
    """Of orders until then the facts of `as_of` need only the moment and the net amount."""
    return as_of - timedelta(days=DETAIL_DAYS)


def _until(orders: OrderArrays, as_of_us: int) -> OrderArrays:
    is_past = orders.counted_at_us <= as_of_us
    return orders if is_past.all() else orders.where(is_past)


def _sum(customer: Array, cents: Array, customers: int) -> Column:
    # weights are added as floats, which is exact: totals stay far under 2**53
    return Column(np.bincount(customer, cents, customers).astype(np.int64))


def _count(customer: Array, customers: int) -> Column:
    return Column(np.bincount(customer, minlength=customers).astype(np.int32))


def _windows(orders: OrderArrays, customers: int, as_of_us: int) -> dict[str, Column]:
    """Orders are counted once by the smallest window that holds them, and windows are then added up."""
    count = len(WINDOW_NAMES)
    smallest = smallest_window(as_of_us - orders.counted_at_us)
    key = orders.customer * count + smallest
    found = {}
    for fact, weights, width in (("orders", None, np.int32), ("spend", orders.net_cents, np.int64)):
        parts = np.bincount(key, weights, customers * count).reshape(customers, count)
        totals = parts.cumsum(axis=1).astype(width)
        for index, window in enumerate(WINDOW_NAMES):
            found[f"{fact}_{window}"] = Column(np.ascontiguousarray(totals[:, index]))
    return found


def smallest_window(age_us: Array) -> Integers:
    """The place in WINDOW_NAMES of the smallest window that holds each age. Comparing is faster than searching."""
    place = np.zeros(len(age_us), np.int64)
    for end_us in WINDOW_ENDS_US:
        place += age_us >= end_us
    return place


def _recent_sums(orders: OrderArrays, customers: int, as_of_us: int) -> dict[str, Column]:
    age_us = as_of_us - orders.counted_at_us
    last_180 = np.flatnonzero(age_us < DETAIL_DAYS * DAY_US)
    last_90 = last_180[age_us[last_180] < 90 * DAY_US]
    buyer_180, buyer_90 = orders.customer[last_180], orders.customer[last_90]
    is_online = np.isin(orders.channel[last_90], [channel.code for channel in ONLINE_CHANNELS])
    return {
        "line_spend_90d": _sum(buyer_90, orders.line_cents[last_90], customers),
        "high_margin_spend_90d": _sum(buyer_90, orders.high_margin_cents[last_90], customers),
        "line_spend_180d": _sum(buyer_180, orders.line_cents[last_180], customers),
        "organic_spend_180d": _sum(buyer_180, orders.organic_cents[last_180], customers),
        "imported_spend_180d": _sum(buyer_180, orders.imported_cents[last_180], customers),
        "online_orders_90d": _count(buyer_90[is_online], customers),
        "refunded_orders_90d": _count(buyer_90[orders.is_refunded[last_90] > 0], customers),
    }


def _moments_and_biggest(orders: OrderArrays, customers: int, as_of_us: int) -> dict[str, Column]:
    per_customer = np.bincount(orders.customer, minlength=customers)
    has_orders = per_customer > 0
    end = np.cumsum(per_customer)[has_orders]
    start = end - per_customer[has_orders]
    biggest = np.zeros(customers, np.int64)
    if has_orders.any():
        is_recent = as_of_us - orders.counted_at_us < 90 * DAY_US
        biggest[has_orders] = np.maximum.reduceat(np.where(is_recent, orders.net_cents, 0), start)
    return {
        "biggest_order_90d": Column(biggest),
        "first_order_at": _spread(orders.counted_at_us[start], has_orders),
        "last_order_at": _spread(orders.counted_at_us[end - 1], has_orders),
    }


def _spread(values: Array, known: Booleans) -> Column:
    """The values at their customers, 0 where unknown."""
    spread = np.zeros(len(known), np.int64)
    spread[known] = values
    return Column(spread, known)


def _median_interval(orders: OrderArrays, customers: int) -> Column:
    """The lower median of whole seconds between consecutive orders, from 3 intervals on (S3-14)."""
    is_same = orders.customer[1:] == orders.customer[:-1]
    seconds = (np.diff(orders.counted_at_us) // 1_000_000)[is_same]
    owner = orders.customer[1:][is_same]
    by_length = np.sort(owner << 32 | seconds)
    intervals = np.bincount(owner, minlength=customers)
    is_known = intervals >= MINIMUM_INTERVALS
    middle = (np.cumsum(intervals) - intervals + (intervals - 1) // 2)[is_known]
    return _spread(by_length[middle] & 0xFFFFFFFF, is_known)


def _stability(orders: OrderArrays, customers: int, last_day: int, calendar: Calendar) -> Column:
    """1 - min(1, standard deviation / mean) of spend over the last 13 whole weeks, in millionths (S0-9).

    Unknown without spend. Each week's share of the sum is cut to 26 bits and the root to whole units of them,
    so the result is an exact function of integers that SQL computes alike.
    """
    weekly = _weekly_spend(orders, customers, last_day, calendar)
    total = weekly.sum(axis=1)
    is_known = total > 0
    shares = (weekly[is_known] << SHARE_BITS) // total[is_known, None]
    spread = STABILITY_WEEKS * (shares * shares).sum(axis=1) - shares.sum(axis=1) ** 2
    variation = (integer_root(spread) * ONE) >> SHARE_BITS
    return _spread(np.maximum(ONE - variation, 0), is_known)


def _weekly_spend(orders: OrderArrays, customers: int, last_day: int, calendar: Calendar) -> Integers:
    """Shape: customers x 13, the last whole week at the end."""
    last_week = last_whole_week(last_day)
    first_week = last_week - STABILITY_WEEKS + 1
    # a cheap cut first: finding days is the dear part
    recent = np.flatnonzero(orders.counted_at_us > (first_week * 7 - 5) * DAY_US)
    week = week_numbers(calendar.day_numbers(orders.counted_at_us[recent]))
    is_inside = (week >= first_week) & (week <= last_week)
    inside = recent[is_inside]
    key = orders.customer[inside] * STABILITY_WEEKS + week[is_inside] - first_week
    spend = np.bincount(key, orders.net_cents[inside], customers * STABILITY_WEEKS)
    return spend.astype(np.int64).reshape(customers, STABILITY_WEEKS)


def last_whole_week(last_day: int) -> int:
    """The last week whose Sunday is no later than `last_day`."""
    return (last_day + 4) // 7 - 1


def integer_root(squares: Integers) -> Integers:
    """The largest integers whose squares do not exceed these (up to 2**62)."""
    root = np.sqrt(squares.astype(np.float64)).astype(np.int64)
    root -= root * root > squares
    return root + ((root + 1) * (root + 1) <= squares)


def _categories(category_days: CategoryDayArrays, customers: int, last_day: int) -> dict[str, Column]:
    inside = (category_days.day > last_day - CATEGORY_DAYS) & (category_days.day <= last_day)
    # by category, then turned without moving anything: conditions read the numbers of one category together
    key = category_days.category[inside] * customers + category_days.customer[inside]
    found = {}
    for name, values, width in (
        ("category_orders_180d", category_days.orders, np.int32),
        ("category_spend_180d", category_days.spend_cents, np.int64),
    ):
        sums = np.bincount(key, values[inside], minlength=1)
        # categories behind the last one in use stay pages that nobody has touched
        table = np.zeros(MAXIMUM_CATEGORIES * customers, width)
        table[: len(sums)] = sums
        found[name] = Column(table.reshape(MAXIMUM_CATEGORIES, customers).T)
    return found
