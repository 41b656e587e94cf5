"""Who held which tier of a policy at past moments, from the log of decisions, for everybody at once."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, FromClause, Subquery, cast, func, select
from sqlalchemy.dialects.postgresql import array

from db import tables as t

log = t.tier_transitions


def last_decisions(policy_id: ColumnElement[int], parent: FromClause, /, **moments: Any) -> Subquery:
    """One row a customer and, by the name of each moment, the last decision that held then; null: there was none.

    A decision is `[transition, version, rank]`, rank 0 for no tier: the greatest such array is the last decision,
    so one pass over the log of the policy answers all moments. The log is never edited.
    """
    decision = array(
        [log.c.transition_id, log.c.version_id, cast(func.coalesce(log.c.to_rank, 0), BigInteger)]
    )
    latest = [
        func.max(decision, type_=ARRAY(BigInteger)).filter(log.c.effective_at <= moment).label(name)
        for name, moment in moments.items()
    ]
    return (
        select(log.c.customer_id, *latest)
        .where(log.c.policy_id == policy_id)
        .group_by(log.c.customer_id)
        .correlate(parent)
        .subquery(f"decisions_{'_'.join(moments)}")
    )


def version_of(decision: Any) -> Any:
    return decision[2]


def rank_of(decision: Any) -> Any:
    return decision[3]
