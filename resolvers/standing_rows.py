"""The rows behind `TierStanding`: as they are now, and as the log of decisions left them at any past moment."""

from typing import Any

from sqlalchemy import FromClause, Integer, SmallInteger, Subquery, case, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import distinct_on

from db import tables as t
from resolvers.facts import facts_as_json
from resolvers.facts_rows import as_of, facts_at_moment, facts_of_customers
from resolvers.live_moment import live_as_of

goals, versions = t.tiers.alias("goals"), t.tier_policy_versions.alias("versions_of_standings")


def next_goal(version_id: Any, rank: Any, rows: FromClause) -> Any:
    """The rank to aim at; null: on top."""
    return (
        select(func.min(goals.c.rank))
        .where(goals.c.version_id == version_id, goals.c.is_goal, goals.c.rank > func.coalesce(rank, 0))
        .correlate(rows)
        .scalar_subquery()
    )


def period_days(version_id: Any, rows: FromClause) -> Any:
    """Over how many days the facts of the version count."""
    days = cast(versions.c.rule["timing"]["qualificationDays"].astext, Integer)
    return select(days).where(versions.c.version_id == version_id).correlate(rows).scalar_subquery()


STATE = tuple(column.name for column in t.tier_standings.c)


def raw_rank(policy_id: Any, packed: Any) -> Any:
    """The byte of a policy; null: no tier."""
    shifted = packed.op(">>")(policy_id * literal_column("8"))
    return func.nullif(cast(shifted.op("&")(literal_column("255")), SmallInteger), 0)


def protected_since(rows: FromClause) -> Any:
    """Null: not protected. What waits for a confirmed rise is pending, too."""
    return case((rows.c.pending_rank < rows.c.base_rank, rows.c.pending_since))


def live_standings() -> Subquery:
    """Outer joins, though the rows are always there: PostgreSQL leaves one out where nothing is read of it."""
    standing, row = t.tier_standings, t.customer_standings
    return (
        select(
            *standing.c,
            raw_rank(standing.c.policy_id, row.c.raw_tiers).label("raw_rank"),
            protected_since(standing).label("protected_since"),
            facts_as_json(live_as_of).label("facts"),
            live_as_of.label("as_of"),
            next_goal(standing.c.version_id, standing.c.rank, standing).label("goal_rank"),
            period_days(standing.c.version_id, standing).label("period_days"),
        )
        .outerjoin(facts_of_customers, facts_of_customers.c.customer_id == standing.c.customer_id)
        .outerjoin(row, row.c.customer_id == standing.c.customer_id)
        .subquery("standings_with_facts")
    )


def past_standings() -> Subquery:
    """The last decision until the argument, with facts measured at that moment; `raw_rank` is the decision's."""
    log = t.tier_transitions
    named = {name: log.c[name] for name in STATE if name != "rank"}
    latest = (
        select(*named.values(), log.c.to_rank.label("rank"))
        .where(log.c.effective_at <= as_of, log.c.customer_id == t.customers.c.customer_id)
        .ext(distinct_on(log.c.policy_id))
        .order_by(log.c.policy_id, log.c.transition_id.desc())
        .correlate(t.customers)
        .subquery("latest_decisions")
    )
    facts = facts_at_moment
    return (
        select(
            *(latest.c[name] for name in STATE),
            func.nullif(latest.c.measured_rank, 0).label("raw_rank"),
            protected_since(latest).label("protected_since"),
            facts_as_json(as_of, facts).label("facts"),
            as_of.label("as_of"),
            next_goal(latest.c.version_id, latest.c.rank, latest).label("goal_rank"),
            period_days(latest.c.version_id, latest).label("period_days"),
        )
        .join(facts, facts.c.customer_id == latest.c.customer_id)
        .correlate(t.customers)
        .subquery("standings_at")
    )


standings_with_facts = live_standings()
standings_at_moment = past_standings()
