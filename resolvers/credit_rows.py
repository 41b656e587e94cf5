"""What credit terms follow from, as one JSON value of a customer's row: tiers, orders on credit, tenure, stability.

Days are business days of the shop: an order is late when the day on which it was to be paid is over.
"""

from itertools import chain
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, case, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db import tables as t
from domain.orders.order import OrderStatus
from resolvers.live_moment import day_of, last_whole_day
from resolvers.orders import payment_due

YEAR_DAYS = 365
today = last_whole_day


def tiers_without_trials() -> ColumnElement[Any]:
    """An override, else the base tier: a trial gives benefits and prices, not credit. [S0-17]"""
    standing = t.tier_standings.c
    rank = case((standing.override_until.is_not(None), standing.override_rank), else_=standing.base_rank)
    entry = func.json_build_array(standing.version_id, rank)
    return (
        select(func.json_agg(aggregate_order_by(entry, standing.policy_id)))
        .where(standing.customer_id == t.customers.c.customer_id, rank > 0)
        .correlate(t.customers)
        .scalar_subquery()
    )


def orders_on_credit() -> ColumnElement[Any]:
    order = t.orders.c
    due = day_of(payment_due(order))
    is_open = order.paid_at.is_(None) & (order.status != OrderStatus.PAID.code)
    late_days = func.coalesce(day_of(order.paid_at), today) - due
    is_judged = (due >= today - YEAR_DAYS) & (order.paid_at.is_not(None) | (is_open & (due < today)))
    parts = {
        "judged": func.count().filter(is_judged),
        "on_time": func.count().filter(is_judged & (late_days <= 0)),
        "longest_late_days": func.max(func.greatest(late_days, 0)).filter(is_judged),
        "open_late_days": func.max(today - due).filter(is_open),
        "used_cents": cast(func.coalesce(func.sum(order.net_cents).filter(is_open), 0), BigInteger),
    }
    return (
        select(func.json_build_object(*chain.from_iterable(parts.items())))
        .where(
            order.customer_id == t.customers.c.customer_id,
            order.confirmed_at.is_not(None),
            order.counted_at.is_not(None),
        )
        .correlate(t.customers)
        .scalar_subquery()
    )


def known_facts() -> ColumnElement[Any]:
    fact = t.customer_facts.c
    tenure_days = today - day_of(fact.first_order_at)
    return (
        select(
            func.json_build_object(
                "tenure_days", tenure_days, "purchase_stability", fact.purchase_stability_13w
            )
        )
        .where(fact.customer_id == t.customers.c.customer_id)
        .correlate(t.customers)
        .scalar_subquery()
    )


credit_inputs: ColumnElement[Any] = func.json_build_object(
    "kind",
    t.customers.c.kind,
    "held",
    tiers_without_trials(),
    "orders",
    orders_on_credit(),
    "facts",
    known_facts(),
    type_=JSON(),
)
