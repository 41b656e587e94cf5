"""The catalogue of facts: every measured number of a customer, declared once.

Counted orders only (C4); trailing windows are half open, `as_of - N days < counted_at <= as_of` (C3).
Stored facts are exact integers or moments; ages and divisions are derived when read, so that a stored row
changes only when something happened or an order left a window.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.conditions.expression import Fact, Moment, Unit
from domain.customers.fact import (
    Comparison,
    DaysSince,
    Derivation,
    FactDefinition,
    FactKind,
    MonthlyAverage,
    Quotient,
    Renamed,
    TenureMonths,
)
from domain.orders.order import MAXIMUM_CATEGORIES, MAXIMUM_SPEND_CENTS

ONE = 1_000_000
"""A share of 1, in millionths."""
MAXIMUM_SECONDS = 2**32
MAXIMUM_DAYS = 50_000


def _orders(name: str, words: str, window_days: int | None) -> FactDefinition:
    return FactDefinition(name, words, FactKind.INTEGER, "orders", window_days)


def _money(
    name: str, words: str, window_days: int | None, derivation: Derivation | None = None
) -> FactDefinition:
    return FactDefinition(
        name, words, FactKind.CENTS, "CNY", window_days, hi=MAXIMUM_SPEND_CENTS, derivation=derivation
    )


def _share(name: str, words: str, window_days: int, derivation: Derivation | None = None) -> FactDefinition:
    kind = FactKind.MILLIONTHS if derivation is None else FactKind.DECIMAL
    return FactDefinition(
        name, words, kind, "share", window_days, nullable=True, hi=ONE, derivation=derivation
    )


def _days(name: str, words: str, moment: str) -> FactDefinition:
    return FactDefinition(
        name, words, FactKind.INTEGER, "days", nullable=True, hi=MAXIMUM_DAYS, derivation=DaysSince(moment)
    )


def _moment(name: str, words: str) -> FactDefinition:
    return FactDefinition(name, words, FactKind.MOMENT, None, nullable=True, hi=2**62)


def _flag(name: str, words: str, window_days: int | None, derivation: Comparison) -> FactDefinition:
    return FactDefinition(name, words, FactKind.BOOLEAN, None, window_days, hi=1, derivation=derivation)


FACTS: tuple[FactDefinition, ...] = (
    _orders("orders_7d", "Orders in the last 7 days.", 7),
    _orders("orders_30d", "Orders in the last 30 days.", 30),
    _orders("orders_90d", "Orders in the last 90 days.", 90),
    _orders("orders_180d", "Orders in the last 180 days.", 180),
    _orders("orders_365d", "Orders in the last 365 days.", 365),
    _orders("orders_all_time", "Orders ever.", None),
    _flag("never_ordered", "Whether the customer has no order.", None, Comparison("orders_all_time", "<", 1)),
    _money("spend_7d", "Spend in the last 7 days, net of discounts and refunds.", 7),
    _money("spend_30d", "Spend in the last 30 days, net of discounts and refunds.", 30),
    _money("spend_90d", "Spend in the last 90 days, net of discounts and refunds.", 90),
    _money("spend_180d", "Spend in the last 180 days, net of discounts and refunds.", 180),
    _money("spend_365d", "Spend in the last 365 days, net of discounts and refunds.", 365),
    _money("spend_all_time", "Spend ever, net of discounts and refunds.", None),
    FactDefinition(
        "monthly_average_spend",
        "Spend a month of tenure within the last 365 days.",
        FactKind.DECIMAL,
        "CNY",
        365,
        derivation=MonthlyAverage("spend_365d"),
    ),
    FactDefinition(
        "monthly_average_orders",
        "Orders a month of tenure within the last 365 days.",
        FactKind.DECIMAL,
        "orders",
        365,
        derivation=MonthlyAverage("orders_365d"),
    ),
    FactDefinition(
        "tenure_months_365d",
        "Months of tenure within the last 365 days, at least 1.",
        FactKind.DECIMAL,
        "months",
        365,
        derivation=TenureMonths(),
    ),
    FactDefinition(
        "average_order_value_90d",
        "Average value of an order in the last 90 days.",
        FactKind.DECIMAL,
        "CNY",
        90,
        nullable=True,
        derivation=Quotient("spend_90d", "orders_90d"),
    ),
    _money("biggest_order_90d", "Value of the biggest order in the last 90 days.", 90),
    _days("days_since_last_order", "Whole days since the last order.", "last_order_at"),
    _days("days_since_first_order", "Whole days since the first order.", "first_order_at"),
    _moment("first_order_at", "When the first order counted."),
    _moment("last_order_at", "When the last order counted."),
    FactDefinition(
        "median_order_interval",
        "Median days between consecutive orders, from 3 intervals on.",
        FactKind.SECONDS,
        "days",
        nullable=True,
        hi=MAXIMUM_SECONDS,
    ),
    _flag(
        "repurchased_90d",
        "Whether there are two orders in the last 90 days.",
        90,
        Comparison("orders_90d", ">=", 2),
    ),
    _money("line_spend_90d", "Sum of the order lines of the last 90 days.", 90),
    _money("high_margin_spend_90d", "Sum of the high-margin order lines of the last 90 days.", 90),
    _share(
        "high_margin_share_90d",
        "High-margin share of the order lines of the last 90 days.",
        90,
        Quotient("high_margin_spend_90d", "line_spend_90d"),
    ),
    _orders("online_orders_90d", "Orders by app, mini program or community group in the last 90 days.", 90),
    _share(
        "online_share_90d",
        "Online share of the orders of the last 90 days.",
        90,
        Quotient("online_orders_90d", "orders_90d"),
    ),
    _money("line_spend_180d", "Sum of the order lines of the last 180 days.", 180),
    _money("organic_spend_180d", "Sum of the organic order lines of the last 180 days.", 180),
    _share(
        "organic_share_180d",
        "Organic share of the order lines of the last 180 days.",
        180,
        Quotient("organic_spend_180d", "line_spend_180d"),
    ),
    _money("imported_spend_180d", "Sum of the imported order lines of the last 180 days.", 180),
    _share(
        "imported_share_180d",
        "Imported share of the order lines of the last 180 days.",
        180,
        Quotient("imported_spend_180d", "line_spend_180d"),
    ),
    _share("purchase_stability_13w", "One minus the variation of weekly spend over 13 whole weeks.", 91),
    _orders("refunded_orders_90d", "Orders of the last 90 days with a refund.", 90),
    _share(
        "return_rate_90d",
        "Share of the orders of the last 90 days with a refund.",
        90,
        Quotient("refunded_orders_90d", "orders_90d"),
    ),
    _money(
        "growth_value_365d",
        "Growth value: 1 for each net CNY in 365 days.",
        365,
        derivation=Renamed("spend_365d"),
    ),
    FactDefinition("referrals", "Customers brought by this one.", FactKind.INTEGER, "customers"),
    FactDefinition(
        "category_orders_180d",
        "Orders with the category in the last 180 whole days.",
        FactKind.INTEGER,
        "orders",
        180,
        per_category=True,
    ),
    FactDefinition(
        "category_spend_180d",
        "Order lines of the category in the last 180 whole days.",
        FactKind.CENTS,
        "CNY",
        180,
        hi=MAXIMUM_SPEND_CENTS,
        per_category=True,
    ),
)
STORED_FACTS: tuple[FactDefinition, ...] = tuple(fact for fact in FACTS if fact.is_stored)
FACT_BY_NAME: Mapping[str, FactDefinition] = MappingProxyType({fact.name: fact for fact in FACTS})

_UNITS: dict[FactKind, Unit] = {
    FactKind.CENTS: "cents",
    FactKind.SECONDS: "seconds",
    FactKind.MILLIONTHS: "millionths",
}


def category_fact_name(name: str, category_id: int) -> str:
    """E.g. `category_spend_180d[7]`, the name in conditions of one element of a fact per category."""
    return f"{name}[{category_id}]"


def _inputs_of(fact: FactDefinition) -> dict[str, Fact | Moment]:
    if fact.kind is FactKind.MOMENT:
        return {fact.name: Moment(fact.name, fact.nullable, fact.words)}
    unit = _UNITS.get(fact.kind, "")
    names = [fact.name]
    if fact.per_category:
        names = [category_fact_name(fact.name, category_id) for category_id in range(MAXIMUM_CATEGORIES)]
    return {name: Fact(name, fact.lo, fact.hi, fact.nullable, unit, fact.words) for name in names}


def _condition_inputs() -> dict[str, Fact | Moment]:
    """Everything that is an integer or a moment: divisions are compared by multiplying across instead."""
    inputs: dict[str, Fact | Moment] = {}
    for fact in FACTS:
        if fact.is_stored or isinstance(fact.derivation, DaysSince | Renamed):
            inputs |= _inputs_of(fact)
    return inputs


CONDITION_INPUTS: Mapping[str, Fact | Moment] = MappingProxyType(_condition_inputs())
"""What conditions may read, by name."""


def number_fact(name: str) -> Fact:
    """The number of that name, for rules written in Python. Errors: KeyError, TypeError for a moment."""
    found = CONDITION_INPUTS[name]
    if not isinstance(found, Fact):
        raise TypeError(f"{name} is a moment, not a number.")
    return found


def moment_fact(name: str) -> Moment:
    found = CONDITION_INPUTS[name]
    if not isinstance(found, Moment):
        raise TypeError(f"{name} is a number, not a moment.")
    return found
