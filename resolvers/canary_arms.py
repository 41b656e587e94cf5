"""The rows behind a comparison of a canary with the rest.

Arms are told by the hash, not by the tier: whoever was chosen counts, whatever became of them. Decisions before and
after are told by the ids of the log, which follow the commits; a business clock may stand still.
"""

from enum import Enum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Numeric,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, array

from db import tables as t
from domain.tiers.canary import BUCKETS, bucket
from resolvers.distribution import policy_code
from resolvers.live_moment import live_as_of
from resolvers.past_tiers import rank_of, version_of
from resolvers.shares import share


class ComparedArm(Enum):
    """Who is graded by which version."""

    CONTROL = "CONTROL"
    TREATMENT = "TREATMENT"


canary, customers, log = t.tier_policy_canaries.c, t.customers.c, t.tier_transitions
later = t.tier_policy_canaries.alias("later_canaries")
last = select(func.max(later.c.share_event_id)).where(later.c.policy_id == canary.policy_id).scalar_subquery()
until = func.coalesce(canary.ended_at, live_as_of)


def arm(customer_id: Any, of: Any) -> Any:
    is_in = bucket(customer_id, cast(of.policy_id, BigInteger)) < of.share * literal_column(str(BUCKETS))
    return case(
        (is_in, literal(ComparedArm.TREATMENT.value, Text)), else_=literal(ComparedArm.CONTROL.value, Text)
    )


def sums_of_arms() -> Any:
    """By arm the columns of ArmSums, as one JSON object."""
    order = t.orders.c
    spent = (
        select(
            order.customer_id,
            func.count().label("orders"),
            cast(func.sum(order.net_cents), Numeric).label("cents"),
        )
        .where(order.counted_at > canary.share_since, order.counted_at <= until)
        .group_by(order.customer_id)
        .correlate(t.tier_policy_canaries)
        .subquery("spent_since")
    )
    orders = spent.c.orders
    sums = {
        "customers": func.count(),
        "active": func.count(orders),
        "repeating": func.count().filter(orders > literal_column("1")),
        "orders": func.coalesce(func.sum(orders), 0),
        "order_squares": func.coalesce(func.sum(orders * orders), 0),
        "spend_cents": func.coalesce(func.sum(spent.c.cents), 0),
        "spend_squares": func.coalesce(func.sum(spent.c.cents * spent.c.cents), 0),
    }
    named_sums = [part for name, value in sums.items() for part in (literal_column(f"'{name}'"), value)]
    kind = arm(customers.customer_id, canary).label("kind")
    of_arms = (
        select(kind, func.jsonb_build_object(*named_sums).label("sums"))
        .select_from(t.customers.outerjoin(spent, spent.c.customer_id == customers.customer_id))
        .group_by(literal_column("1"))
        .correlate(t.tier_policy_canaries)
        .subquery("sums_of_arms")
    )
    found = func.jsonb_object_agg(of_arms.c.kind, of_arms.c.sums)
    return select(type_coerce(found, JSONB)).correlate(t.tier_policy_canaries).scalar_subquery()


comparisons = (
    select(
        *t.tier_policy_canaries.c,
        until.label("until"),
        sums_of_arms().label("sums"),
    )
    .join(t.tier_policies, t.tier_policies.c.policy_id == canary.policy_id)
    .where(t.tier_policies.c.code == policy_code, canary.share_event_id == last)
    .offset(literal_column("0"))
    .subquery("tier_comparisons")
)
"""The latest canary of a policy. The offset keeps PostgreSQL from summing up once for each field that reads it."""

of = comparisons.c
arms = (
    select(
        arm(customers.customer_id, of).label("kind"),
        cast(func.count(), Integer).label("customers"),
        of.policy_id,
        of.share,
        of.share_event_id,
        of.ended_event_id,
        of.version_id,
        of.control_version_id,
    )
    .select_from(t.customers)
    .group_by(literal_column("1"))
    .correlate(comparisons)
    .subquery("compared_arms")
)


def decisions_of_arm() -> Any:
    """One row a customer of the arm: the last decision before the share was what it is, and the last one until the
    canary's end, as `resolvers.past_tiers` says decisions."""
    entry = log.c
    decision = array(
        [entry.transition_id, entry.version_id, cast(func.coalesce(entry.to_rank, 0), BigInteger)]
    )
    is_before = entry.transition_id < arms.c.share_event_id
    has_come = func.coalesce(entry.transition_id < arms.c.ended_event_id, True)
    return (
        select(
            func.max(decision, type_=ARRAY(BigInteger)).filter(is_before).label("before"),
            func.max(decision, type_=ARRAY(BigInteger)).filter(has_come).label("now"),
        )
        .where(entry.policy_id == arms.c.policy_id, arm(entry.customer_id, arms.c) == arms.c.kind)
        .group_by(entry.customer_id)
        .correlate(arms)
        .subquery("decisions_of_arm")
    )


decisions = decisions_of_arm()
old, new = t.tiers.alias("tiers_before_canary"), t.tiers.alias("tiers_under_canary")
before, now = decisions.c.before, decisions.c.now
was_there = (old.c.version_id == version_of(before)) & (old.c.rank == rank_of(before))
is_there = (new.c.version_id == version_of(now)) & (new.c.rank == rank_of(now))
counted = cast(func.count(), Integer)
moves = (
    select(
        old.c.code.label("from_code"),
        new.c.code.label("to_code"),
        func.max(old.c.version_id).label("from_version"),
        func.max(new.c.version_id).label("to_version"),
        func.coalesce(func.max(old.c.rank), 0).label("from_rank"),
        func.coalesce(func.max(new.c.rank), 0).label("to_rank"),
        counted.label("customers"),
    )
    .select_from(decisions.outerjoin(old, was_there).outerjoin(new, is_there))
    .where(old.c.code.is_not(None) | new.c.code.is_not(None))
    .group_by(old.c.code, new.c.code)
    .correlate(arms)
    .subquery("moves_of_arm")
)
held = (
    select(
        new.c.code,
        func.max(new.c.version_id).label("version_id"),
        func.max(new.c.rank).label("rank"),
        counted.label("customers"),
        share(counted, func.sum(counted).over()).label("share"),
    )
    .select_from(decisions.join(new, is_there))
    .group_by(new.c.code)
    .correlate(arms)
    .subquery("held_in_arm")
)
