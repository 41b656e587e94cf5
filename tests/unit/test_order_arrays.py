"""Orders of which the older ones have no details are the orders that facts need."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import DAY_US, calendar_of, microseconds
from domain.customers.measure_orders import BESIDE_ORDERS, DETAIL_DAYS, measure_customers
from domain.customers.order_arrays import CategoryDayArrays, CustomerHistory, OrderArrays
from domain.customers.review_on import AgeThresholds, review_days

CUSTOMERS = 4
CALENDAR = calendar_of("Asia/Shanghai")
AS_OF = CALENDAR.end_of_day(20_779)
AGES = st.builds(
    lambda days, shift: days * DAY_US + shift,
    st.sampled_from([-1, 0, 89, 90, 179, 180, 181, 365, 900]),
    st.sampled_from([-1, 0, 1, DAY_US // 2]),
)
ORDERS = st.lists(st.tuples(st.integers(0, CUSTOMERS - 1), AGES, st.integers(0, 2**30)), max_size=15)
DETAILS = ("is_refunded", "channel", "line_cents", "high_margin_cents", "organic_cents", "imported_cents")


def _orders(made: list[tuple[int, int, int]]) -> OrderArrays:
    end_us = microseconds(AS_OF)
    rows = sorted((customer, end_us - age, cents) for customer, age, cents in made)
    customer, at_us, cents = (np.array([row[n] for row in rows], np.int64) for n in range(3))
    return OrderArrays(
        customer, at_us, cents, cents % 2, cents % 7, cents, cents // 3, cents // 4, cents // 5
    )


def _lean(orders: OrderArrays) -> OrderArrays:
    is_newer = orders.counted_at_us > microseconds(AS_OF - timedelta(days=DETAIL_DAYS))
    return replace(orders, **{name: np.where(is_newer, getattr(orders, name), 0) for name in DETAILS})


@given(made=ORDERS)
def test_facts_and_the_day_of_the_next_look_need_no_details_of_older_orders(
    made: list[tuple[int, int, int]],
) -> None:
    whole = _history(_orders(made))
    lean = replace(whole, orders=_lean(whole.orders))

    assert _measured(lean) == _measured(whole)


@given(made=ORDERS)
def test_most_facts_need_moments_and_net_amounts_alone(made: list[tuple[int, int, int]]) -> None:
    orders = _orders(made)
    whole, bare = (
        _measured(_history(orders)),
        _measured(_history(OrderArrays.bare(orders.customer, orders.counted_at_us, orders.net_cents))),
    )

    differs = {name for name in whole if whole[name] != bare[name]}
    assert differs <= set(BESIDE_ORDERS) <= whole.keys()


def _history(orders: OrderArrays) -> CustomerHistory:
    days = CategoryDayArrays.none()
    return CustomerHistory(CUSTOMERS, orders, days, np.zeros(CUSTOMERS, np.int64), np.arange(CUSTOMERS))


def _measured(history: CustomerHistory) -> dict[str, Any]:
    facts = measure_customers(history, as_of=AS_OF, calendar=CALENDAR)
    next_look = review_days(history, facts, AgeThresholds(), as_of=AS_OF, calendar=CALENDAR)
    shown = {
        name: (column.values.tolist(), None if column.known is None else column.known.tolist())
        for name, column in facts.items()
    }
    return shown | {"next look": next_look.tolist()}
