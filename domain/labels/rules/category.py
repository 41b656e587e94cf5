"""Which category a customer prefers: 40% of the lines of 180 days and three orders in it (S1-1, S1-7)."""

from fractions import Fraction

from domain.conditions.expression import share
from domain.customers.facts import category_fact_name, number_fact
from domain.labels.rule import LabelDefinition, LabelExample
from domain.words import Words

FIRST_BIT = 64
"""Slot n of the at most 64 categories has bit 64 + n for ever."""
SLOTS = range(24)


def _preference(slot: int) -> LabelDefinition:
    spend, orders = (
        category_fact_name(name, slot) for name in ("category_spend_180d", "category_orders_180d")
    )

    def example(spend_cents: int, order_count: int) -> LabelExample:
        return LabelExample({spend: spend_cents, orders: order_count, "line_spend_180d": 1_000})

    preferred = share(number_fact(spend), number_fact("line_spend_180d"), ">=", Fraction(40, 100))
    return LabelDefinition(
        bit=FIRST_BIT + slot,
        code=f"category_{slot}_preference",
        words=Words("偏好{category}", "Prefers {category}"),
        family="category",
        unit="share",
        window_days=180,
        category_slot=slot,
        condition=preferred & (number_fact(orders) >= 3),
        fits=(example(400, 3),),
        does_not_fit=(example(399, 3), example(400, 2)),
    )


CATEGORY = tuple(_preference(slot) for slot in SLOTS)
