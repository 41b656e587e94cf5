"""The life of a standing: what keeps a tier, what is lent on top of it, and when it is looked at again."""

from __future__ import annotations

from datetime import datetime, timedelta

import strawberry
from sqlalchemy import ColumnElement

from domain.calendar import calendar_of, microseconds
from domain.tiers.life_days import month_end_after
from domain.tiers.life_state import OverrideKind
from domain.tiers.timing import Cadence
from resolvers.access import EVERYBODY, STAFF, STAFF_AND_CUSTOMERS
from resolvers.context import Context
from resolvers.readpath.declare import column, computed, entity, one
from resolvers.readpath.expressions import coded
from resolvers.standing_rows import standings_with_facts
from resolvers.tier_policies import Tier, tiers_of_policies

strawberry.enum(OverrideKind, name="OverrideReason", description="Why a person set a tier by hand.")
standing = standings_with_facts.c


def ranked(rank: ColumnElement[int] | ColumnElement[int | None]) -> ColumnElement[bool]:
    """The tier of a rank on the ladder of the standing's version."""
    return (tiers_of_policies.c.version_id == standing.version_id) & (tiers_of_policies.c.rank == rank)


def next_review_at(
    context: Context, version_id: int, as_of: datetime, ends_at: datetime | None
) -> datetime | None:
    """A midnight of the shop; after the validity its grace, which ends likewise."""
    timing = context.shop.versions[version_id].rule.timing
    if timing.cadence is Cadence.REALTIME:
        return None
    if timing.cadence is Cadence.ANNIVERSARY:
        is_over = ends_at is not None and ends_at < as_of
        return ends_at + timedelta(days=timing.grace_days) if ends_at and is_over else ends_at
    if timing.cadence is Cadence.DAILY:
        return as_of
    calendar = calendar_of(context.shop.time_zone)
    today = calendar.last_whole_day(microseconds(as_of))
    return calendar.end_of_day(month_end_after(today - 1))


@entity(standings_with_facts, roles=EVERYBODY, scope=standing.customer_id)
class TierProtection:
    """Kept although the measure fell; ends by falling or recovering. [S0-18]"""

    since: datetime = column(standing.protected_since, "The midnight of the first review that saw it.")
    lower_runs: int = column(standing.pending_reviews, "Reviews in a row that saw it lower.")
    would_fall_to: Tier | None = one(
        "Where the last review saw it; the fall itself may be shorter.", on=ranked(standing.pending_rank)
    )
    decides_at: datetime | None = computed(
        next_review_at,
        standing.version_id,
        standing.as_of,
        standing.valid_until,
        about="The midnight whose measure decides.",
    )


@entity(standings_with_facts, roles=EVERYBODY, scope=standing.customer_id)
class TierTrial:
    """A tier to try: benefits and price, not credit. [S0-17]"""

    tier: Tier | None = one("Which one.", on=ranked(standing.trial_rank))
    ends_at: datetime = column(standing.trial_until, "The midnight that ends its last day.")


@entity(standings_with_facts, roles=STAFF_AND_CUSTOMERS, scope=standing.customer_id)
class TierOverride:
    """A tier set by a person: above or below the measured one, with a reason and an end."""

    tier: Tier | None = one("Which one.", on=ranked(standing.override_rank))
    reason_kind: OverrideKind = column(coded(standing.override_kind, OverrideKind), "What kind of reason.")
    reason: str = column(standing.override_reason, "Why, in words.", visible_to=STAFF)
    by: str = column(standing.override_actor, "Who set it, as their token names them.", visible_to=STAFF)
    ends_at: datetime = column(standing.override_until, "The midnight that ends its last day.")
