"""Facts and columns for tests of tiers and labels."""

from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from domain.conditions.numpy_reader import Column
from domain.customers.facts import number_fact
from domain.orders.order import MAXIMUM_SPEND_CENTS

unhurried = settings(deadline=None, max_examples=50)
"""Laws are about results; on a busy machine a single example may take any time."""

MOST_CENTS = MAXIMUM_SPEND_CENTS
INPUTS = {
    name: number_fact(name)
    for name in (
        "days_since_last_order",
        "orders_90d",
        "spend_90d",
        "line_spend_90d",
        "high_margin_spend_90d",
    )
}
NEVER: dict[str, int | None] = {name: None if fact.nullable else 0 for name, fact in INPUTS.items()}


def columns_of(customers: Sequence[Mapping[str, int | None]]) -> dict[str, Column]:
    """One column a fact, known where a customer has a value."""
    return {
        name: Column(
            np.array([customer[name] or 0 for customer in customers], np.int64),
            np.array([customer[name] is not None for customer in customers]),
        )
        for name in customers[0]
    }


def _facts(days: int, orders: int, spend: int, line_spend: int, high: int) -> dict[str, int | None]:
    return {
        "days_since_last_order": days,
        "orders_90d": orders,
        "spend_90d": spend,
        "line_spend_90d": line_spend,
        "high_margin_spend_90d": min(high, line_spend),
    }


# Around the cuts as often as anywhere else: whole points of spend, the caps, and the bounds of the facts.
_cents = st.one_of(
    st.integers(0, 110).map(lambda points: points * 100_000),
    st.integers(0, 12_000_000),
    st.sampled_from([0, 1, 9_999_999, 10_000_000, MOST_CENTS]),
)
ordering_facts = st.builds(
    _facts,
    st.one_of(st.integers(0, 60), st.integers(0, 40_000)),
    st.one_of(st.integers(0, 25), st.integers(0, 2**31 - 1)),
    _cents,
    _cents,
    _cents,
)
any_facts = st.one_of(ordering_facts, st.just(NEVER))
