"""What those who held a tier 90 days ago have done since [S1-16]: counted from the start, so those who fell are in."""

from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, Numeric, Subquery, cast, func, select

from db import tables as t
from db.tables.facts import customer_facts
from resolvers.live_moment import live_as_of
from resolvers.money import Money, money
from resolvers.past_tiers import last_decisions, rank_of, version_of
from resolvers.readpath.declare import embed
from resolvers.shares import share_or_null

COHORT_DAYS = 90
"""As long as the facts that are read: those of 180 days hold two such periods."""
MEASURES = ("customers", "arpu_cents", "order_cents", "repurchase_rate", "retention_rate")


@strawberry.type(description="What those who held a tier 90 days ago have done since. [S1-16]")
class TierCohort:
    customers: int = strawberry.field(description="How many held it 90 days ago.")
    arpu: Money = strawberry.field(description="Their spend of these 90 days, for each of them.")
    average_order_value: Money | None = strawberry.field(
        description="Their spend of these 90 days, for each order; null: no order."
    )
    repurchase_rate: Decimal | None = strawberry.field(
        description="Of those who ordered in these 90 days, how many did at least twice, 0..1, six digits; "
        "null: nobody did."
    )
    retention_rate: Decimal | None = strawberry.field(
        description="Of those who ordered in the 90 days before, how many ordered in these, 0..1, six digits; "
        "null: nobody had."
    )


def how_many(*conditions: ColumnElement[bool]) -> Any:
    return func.count().filter(*conditions)


def mean_cents(spend_cents: Any, of: Any) -> Any:
    """Rounded half up to the cent; null of nothing."""
    return cast(func.round(cast(spend_cents, Numeric) / func.nullif(of, 0)), BigInteger)


def cohorts_of(policy_id: ColumnElement[int], parent: FromClause) -> Subquery:
    """One row a code of a tier that somebody held then, with the columns of MEASURES."""
    then = live_as_of - func.make_interval(0, 0, 0, COHORT_DAYS)
    decisions, facts = last_decisions(policy_id, parent, then=then), customer_facts.c
    held = (t.tiers.c.version_id == version_of(decisions.c.then)) & (
        t.tiers.c.rank == rank_of(decisions.c.then)
    )
    spend, again = func.sum(facts.spend_90d), facts.orders_90d >= 1
    before = facts.orders_180d > facts.orders_90d
    return (
        select(
            t.tiers.c.code,
            cast(how_many(), Integer).label("customers"),
            mean_cents(spend, how_many()).label("arpu_cents"),
            mean_cents(spend, func.sum(facts.orders_90d)).label("order_cents"),
            share_or_null(how_many(facts.orders_90d >= 2), how_many(again)).label("repurchase_rate"),
            share_or_null(how_many(before, again), how_many(before)).label("retention_rate"),
        )
        .select_from(
            decisions.join(t.tiers, held).join(customer_facts, facts.customer_id == decisions.c.customer_id)
        )
        .group_by(t.tiers.c.code)
        .correlate(parent)
        .subquery("cohorts_of_tiers")
    )


def cohort(rows: FromClause) -> Any:
    """A field of type TierCohort over rows with the columns of MEASURES, named `cohort_...`."""
    customers, arpu, order_value, repurchase, retention = (rows.c[f"cohort_{name}"] for name in MEASURES)
    return embed(
        TierCohort,
        "Who held it 90 days ago, and what they have done since; null: nobody held it.",
        unless_null=customers,
        customers=customers,
        arpu=money(arpu, ""),
        average_order_value=money(order_value, "", unless_null=order_value),
        repurchase_rate=repurchase,
        retention_rate=retention,
    )
