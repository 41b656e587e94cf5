"""The rows behind a comparison of a canary with the rest: everybody once, counted by arm and move.

Arms are told by the hash, not by the tier: whoever was chosen counts, whatever became of them. Of a canary on a group
both arms are of the group. Decisions before and after are told by the ids of the log, which follow the commits; a
business clock may stand still. Customers, their orders and the log are read in the order of customers, each from an
index that covers what is asked.
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

stored, customers, log = t.tier_policy_canaries.c, t.customers.c, t.tier_transitions
later = t.tier_policy_canaries.alias("later_canaries")
last = select(func.max(later.c.share_event_id)).where(later.c.policy_id == stored.policy_id).scalar_subquery()
running = (
    select(
        *stored,
        func.coalesce(stored.ended_at, live_as_of).label("until"),
        cast(stored.share * literal_column(str(BUCKETS)), BigInteger).label("buckets"),
        cast(stored.policy_id, BigInteger).label("hashed_policy"),
    )
    .join(t.tier_policies, t.tier_policies.c.policy_id == stored.policy_id)
    .where(t.tier_policies.c.code == policy_code, stored.share_event_id == last)
    .offset(literal_column("0"))
    .subquery("latest_canaries")
)
"""The latest canary of a policy. The offset keeps what is of the canary from being worked out for each customer."""
canary = running.c


def spent_since() -> Any:
    order = t.orders.c
    return (
        select(
            order.customer_id,
            func.count().label("orders"),
            cast(func.sum(order.net_cents), Numeric).label("cents"),
        )
        .where(order.counted_at > canary.share_since, order.counted_at <= canary.until)
        .group_by(order.customer_id)
        .correlate(running)
        .subquery("spent_since")
    )


def decisions_of_arms() -> Any:
    """The last decision before the share was what it is, and the last one from then to the canary's end, each as
    `[transition, version, rank]`, rank 0 for no tier: the greatest such array is the last decision."""
    entry = log.c
    decision = array(
        [entry.transition_id, entry.version_id, cast(func.coalesce(entry.to_rank, 0), BigInteger)]
    )
    is_after = (entry.transition_id >= canary.share_event_id) & func.coalesce(
        entry.transition_id < canary.ended_event_id, True
    )
    last_of = func.max(decision, type_=ARRAY(BigInteger))
    return (
        select(
            entry.customer_id,
            last_of.filter(entry.transition_id < canary.share_event_id).label("before"),
            last_of.filter(is_after).label("after"),
        )
        .where(entry.policy_id == canary.policy_id)
        .group_by(entry.customer_id)
        .correlate(running)
        .subquery("decisions_of_arms")
    )


def everybody() -> Any:
    """A row for each customer of the group; a canary without one has everybody."""
    spent, decided, group = spent_since(), decisions_of_arms(), t.tier_canary_groups
    one = customers.customer_id
    is_member = (group.c.customer_id == one) & (group.c.version_id == canary.version_id)
    before = decided.c.before
    now = func.coalesce(decided.c.after, before, type_=ARRAY(BigInteger))
    is_in = bucket(one, canary.hashed_policy) < canary.buckets
    treated, rest = (literal(kind.value, Text) for kind in (ComparedArm.TREATMENT, ComparedArm.CONTROL))
    sides = [side[part] for side in (before, now) for part in (2, 3)]
    return (
        select(
            case((is_in, treated), else_=rest).label("kind"),
            *(side.label(f"part_{place}") for place, side in enumerate(sides)),
            spent.c.orders,
            spent.c.cents,
        )
        .select_from(
            t.customers.outerjoin(group, is_member)
            .outerjoin(spent, spent.c.customer_id == one)
            .outerjoin(decided, decided.c.customer_id == one)
        )
        .where(
            canary.scope_where.is_(None) | group.c.customer_id.is_not(None),
            customers.registered_at <= canary.until,
        )
        .correlate(running)
        .subquery("customers_of_arms")
    )


def cells() -> Any:
    """`[arm, version before, rank before, version now, rank now, *the fields of ArmSums]` of each kind of move, as
    JSON. Null: nobody is in the group any more."""
    found = everybody()
    orders, cents = found.c.orders, found.c.cents
    sums = (
        func.count(),
        func.count(orders),
        func.count().filter(orders > literal_column("1")),
        func.coalesce(func.sum(orders), 0),
        func.coalesce(func.sum(orders * orders), 0),
        func.coalesce(func.sum(cents), 0),
        func.coalesce(func.sum(cents * cents), 0),
    )
    kinds = list(found.c)[:5]
    counted = (
        select(*kinds, *(value.label(f"sum_{place}") for place, value in enumerate(sums)))
        .group_by(*(literal_column(str(place)) for place in range(1, 6)))
        .correlate(running)
        .subquery("cells_of_arms")
    )
    listed = func.jsonb_agg(func.jsonb_build_array(*counted.c))
    return select(type_coerce(listed, JSONB)).correlate(running).scalar_subquery()


comparisons = (
    select(*running.c, cells().label("cells")).offset(literal_column("0")).subquery("tier_comparisons")
)
"""The offset keeps PostgreSQL from going through everybody again for each field that reads of it."""
