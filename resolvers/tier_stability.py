"""How far the shares of the tiers have moved within a month. The same formula over counts: `domain.tiers.stability`."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Numeric,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)

from db import tables as t
from resolvers.past_tiers import last_decisions, rank_of, version_of
from resolvers.shares import SIX_DIGITS

zone = t.shop.c.time_zone
month_ago = select(
    func.timezone(zone, func.timezone(zone, t.shop.c.live_as_of) - func.make_interval(0, 1))
).scalar_subquery()
"""The end of the same day of the month before, or of that month's last day; a select, so worked out once."""


def stability_index(policy_id: ColumnElement[int], parent: FromClause) -> Any:
    """Null: now or then nobody held a tier. Tiers are matched by code."""
    now, then = counts_now(policy_id, parent), counts_then(policy_id, parent)
    at_least = literal_column("0.0001", Numeric)
    pairs = (
        select(
            share_of(now.c.customers, at_least).label("now"),
            share_of(then.c.customers, at_least).label("then"),
        )
        .select_from(now.outerjoin(then, now.c.code == then.c.code, full=True))
        .correlate(parent)
        .subquery("shares_of_two_months")
    )
    moved = func.sum((pairs.c.now - pairs.c.then) * func.ln(pairs.c.now / pairs.c.then))
    return select(type_coerce(func.round(moved, 6), SIX_DIGITS)).correlate(parent).scalar_subquery()


def share_of(customers: Any, at_least: Any) -> Any:
    """Null of nobody."""
    known = cast(func.coalesce(customers, 0), Numeric)
    whole = func.sum(known).over()
    return case((whole > 0, func.greatest(known / func.nullif(whole, 0), at_least)))


def counts_now(policy_id: ColumnElement[int], parent: FromClause) -> Any:
    standing, tiers = t.tier_standings.c, t.tiers.alias("tiers_now")
    held = (tiers.c.version_id == standing.version_id) & (tiers.c.rank == standing.rank)
    return (
        select(tiers.c.code, func.count().label("customers"))
        .select_from(t.tier_standings.join(tiers, held))
        .where(standing.policy_id == policy_id)
        .group_by(tiers.c.code)
        .correlate(parent)
        .subquery("held_now")
    )


def counts_then(policy_id: ColumnElement[int], parent: FromClause) -> Any:
    decisions, tiers = last_decisions(policy_id, parent, then=month_ago), t.tiers.alias("tiers_then")
    then = decisions.c.then
    held = (tiers.c.version_id == version_of(then)) & (tiers.c.rank == rank_of(then))
    return (
        select(tiers.c.code, func.count().label("customers"))
        .select_from(decisions.join(tiers, held))
        .group_by(tiers.c.code)
        .correlate(parent)
        .subquery("held_a_month_ago")
    )
