"""Facts and columns for tests of tiers and labels."""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from domain.conditions.numpy_reader import Column
from domain.customers.facts import number_fact
from domain.orders.order import MAXIMUM_SPEND_CENTS
from domain.tiers.policy import TierPolicy, TierRule
from domain.tiers.rank_population import frozen_ranking, ranked_facts

unhurried = settings(deadline=None, max_examples=50)
"""Laws are about results; on a busy machine a single example may take any time."""

MOST_CENTS = MAXIMUM_SPEND_CENTS
NAMES = (
    "days_since_last_order",
    "days_since_first_order",
    "orders_90d",
    "orders_365d",
    "orders_all_time",
    "spend_30d",
    "spend_90d",
    "spend_365d",
    "spend_all_time",
    "growth_value_365d",
    "line_spend_90d",
    "high_margin_spend_90d",
)
INPUTS = {name: number_fact(name) for name in NAMES}
NEVER: dict[str, int | None] = {name: None if fact.nullable else 0 for name, fact in INPUTS.items()} | {
    "last_order_at": None,
    "customer_id": 1,
}


def columns_of(customers: Sequence[Mapping[str, int | None]]) -> dict[str, Column]:
    """One column a fact, known where a customer has a value."""
    return {
        name: Column(
            np.array([customer[name] or 0 for customer in customers], np.int64),
            np.array([customer[name] is not None for customer in customers]),
        )
        for name in customers[0]
    }


def _facts(recency: tuple[int, int, int], orders: list[int], cents: list[int]) -> dict[str, int | None]:
    """Longer windows hold no less than shorter ones."""
    days, older, customer_id = recency
    orders_90, orders_365, orders_ever = accumulate(orders, _capped(2**31 - 1))
    spend_30, spend_90, spend_365, spend_ever = accumulate(cents[:4], _capped(MOST_CENTS))
    return {
        "days_since_last_order": days,
        "days_since_first_order": days + older,
        "orders_90d": orders_90,
        "orders_365d": orders_365,
        "orders_all_time": orders_ever,
        "spend_30d": spend_30,
        "spend_90d": spend_90,
        "spend_365d": spend_365,
        "spend_all_time": spend_ever,
        "growth_value_365d": spend_365,
        "line_spend_90d": cents[4],
        "high_margin_spend_90d": min(cents[5], cents[4]),
        "last_order_at": (50_000 - days) * 86_400_000_000,
        "customer_id": customer_id,
    }


def _capped(most: int) -> Callable[[int, int], int]:
    return lambda so_far, more: min(most, so_far + more)


# Around the cuts as often as anywhere else: whole points of spend, the caps, and the bounds of the facts.
_cents = st.one_of(
    st.integers(0, 110).map(lambda points: points * 100_000),
    st.integers(0, 12_000_000),
    st.sampled_from([0, 1, 49_999, 50_000, 200_000, 200_001, 1_000_000, 5_000_000, 10_000_000, MOST_CENTS]),
)
_days = st.one_of(st.integers(0, 60), st.sampled_from([30, 31, 90, 91, 180, 181]), st.integers(0, 20_000))
ordering_facts = st.builds(
    _facts,
    st.tuples(_days, st.one_of(st.integers(0, 400), st.integers(0, 20_000)), st.integers(1, 2**40)),
    st.lists(st.one_of(st.integers(0, 25), st.integers(0, 2**31 - 1)), min_size=3, max_size=3),
    st.lists(_cents, min_size=6, max_size=6),
)
any_facts = st.one_of(ordering_facts, st.just(NEVER))


def ranking_of(rule: TierRule, customers: Sequence[Mapping[str, int | None]]) -> TierRule:
    """The rule bound to the ranking of these customers, of whom some may never have ordered."""
    if not ranked_facts(rule):
        return rule
    ordered = [one for one in customers if one["days_since_last_order"] is not None]
    names = (*ranked_facts(rule), "last_order_at", "customer_id")
    columns = {name: np.array([one[name] or 0 for one in ordered], np.int64) for name in names}
    return rule.with_ranking(frozen_ranking(rule, columns, day=0))


def preset_rule(policy: TierPolicy) -> TierRule:
    """The rule of the first version, bound to the ranking of its examples."""
    return policy.versions[0].rule.with_ranking(policy.example_ranking)
