"""The rows behind a comparison of a canary with the rest.

Arms are told by the hash, not by the tier: whoever was chosen counts, whatever became of them. Of a canary on a group
both arms are of the group. Decisions before and after are told by the ids of the log, which follow the commits; a
business clock may stand still.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
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
from resolvers.compared_arms import ComparedArm
from resolvers.distribution import policy_code
from resolvers.live_moment import live_as_of
from resolvers.past_tiers import rank_of, version_of

canary, customers, log = t.tier_policy_canaries.c, t.customers.c, t.tier_transitions
group = t.tier_canary_groups.c
later = t.tier_policy_canaries.alias("later_canaries")
last = select(func.max(later.c.share_event_id)).where(later.c.policy_id == canary.policy_id).scalar_subquery()
until = func.coalesce(canary.ended_at, live_as_of)


def arm(customer_id: Any, of: Any) -> Any:
    is_in = bucket(customer_id, cast(of.policy_id, BigInteger)) < cast(
        of.share * literal_column(str(BUCKETS)), BigInteger
    )
    return case(
        (is_in, literal(ComparedArm.TREATMENT.value, Text)), else_=literal(ComparedArm.CONTROL.value, Text)
    )


def in_group(customer_id: Any) -> tuple[Any, Any]:
    """The rows of its group to join, and the condition that is left to ask: a canary without one has everybody."""
    joined = (group.customer_id == customer_id) & (group.version_id == canary.version_id)
    return joined, canary.scope_where.is_(None) | group.customer_id.is_not(None)


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
    joined, is_in = in_group(customers.customer_id)
    of_arms = (
        select(kind, func.jsonb_build_object(*named_sums).label("sums"))
        .select_from(
            t.customers.outerjoin(spent, spent.c.customer_id == customers.customer_id).outerjoin(
                t.tier_canary_groups, joined
            )
        )
        .where(is_in, customers.registered_at <= until)
        .group_by(literal_column("1"))
        .correlate(t.tier_policy_canaries)
        .subquery("sums_of_arms")
    )
    found = func.jsonb_object_agg(of_arms.c.kind, of_arms.c.sums)
    return select(type_coerce(found, JSONB)).correlate(t.tier_policy_canaries).scalar_subquery()


def moves_of_arms() -> Any:
    """`[arm, version before, rank before, version now, rank now, customers]` of each kind of move, as JSON: the last
    decision before the share was what it is, and the last one until the canary's end. Rank 0 and null: no tier."""
    entry = log.c
    decision = array(
        [entry.transition_id, entry.version_id, cast(func.coalesce(entry.to_rank, 0), BigInteger)]
    )
    is_before = entry.transition_id < canary.share_event_id
    has_come = func.coalesce(entry.transition_id < canary.ended_event_id, True)
    decisions = (
        select(
            entry.customer_id,
            func.max(decision, type_=ARRAY(BigInteger)).filter(is_before).label("before"),
            func.max(decision, type_=ARRAY(BigInteger)).filter(has_come).label("now"),
        )
        .where(entry.policy_id == canary.policy_id)
        .group_by(entry.customer_id)
        .correlate(t.tier_policy_canaries)
        .subquery("decisions_of_arms")
    )
    joined, is_in = in_group(decisions.c.customer_id)
    sides = [part(decisions.c[side]) for side in ("before", "now") for part in (version_of, rank_of)]
    counted = (
        select(
            arm(decisions.c.customer_id, canary).label("kind"),
            *(part.label(f"part_{place}") for place, part in enumerate(sides)),
            func.count().label("customers"),
        )
        .select_from(decisions.outerjoin(t.tier_canary_groups, joined))
        .where(is_in)
        .group_by(*(literal_column(str(place)) for place in range(1, 6)))
        .correlate(t.tier_policy_canaries)
        .subquery("moves_of_arms")
    )
    found = func.jsonb_agg(func.jsonb_build_array(*counted.c))
    return select(type_coerce(found, JSONB)).correlate(t.tier_policy_canaries).scalar_subquery()


comparisons = (
    select(
        *t.tier_policy_canaries.c,
        until.label("until"),
        sums_of_arms().label("sums"),
        moves_of_arms().label("moves"),
    )
    .join(t.tier_policies, t.tier_policies.c.policy_id == canary.policy_id)
    .where(t.tier_policies.c.code == policy_code, canary.share_event_id == last)
    .offset(literal_column("0"))
    .subquery("tier_comparisons")
)
"""The latest canary of a policy. One pass over the customers and their orders of the period, one over the log: the
offset keeps PostgreSQL from doing it again for each field that reads of it."""
