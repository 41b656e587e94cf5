"""Who moved between the tiers of a policy from one moment to another, from the log of decisions."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, case, cast, func, select

from db import tables as t
from resolvers.context import Context
from resolvers.distribution import WATCHERS, policy_code
from resolvers.facts_rows import EARLIEST
from resolvers.money import Money, money
from resolvers.past_tiers import last_decisions, rank_of, version_of
from resolvers.readpath.declare import argument, column, embed, entity, many, one
from resolvers.readpath.named import named
from resolvers.readpath.scalars import print_moment
from resolvers.readpath.sources import SHARED
from resolvers.shares import share
from resolvers.tier_answers import Period
from resolvers.tier_policies import Tier, TierPolicy, tiers_of_policies


def moment(name: str, about: str) -> Any:
    """A required argument of business time, none of it in the future."""

    def check(context: Context, given: datetime) -> None:
        latest = context.shop.live_as_of
        if not EARLIEST <= given <= latest:
            raise ValueError(f"{name} must lie between {print_moment(EARLIEST)} and {print_moment(latest)}.")

    return argument(name, datetime, about, sql_type=DateTime(timezone=True), check_in_context=check)


after = moment("from", "The first moment, a past one of business time.")
until = moment("to", "The last moment, not before the first.")
migrations = (
    select(t.tier_policies.c.policy_id, after.label("after"), until.label("until"))
    .where(t.tier_policies.c.code == policy_code, after <= until)
    .subquery("tier_migrations")
)

old, new = t.tiers.alias("old_tiers"), t.tiers.alias("new_tiers")
decisions = last_decisions(
    migrations.c.policy_id, migrations, before=migrations.c.after, now=migrations.c.until
)
before, now = decisions.c.before, decisions.c.now
spent = (
    select(t.orders.c.customer_id, cast(func.sum(t.orders.c.net_cents), BigInteger).label("cents"))
    .where(t.orders.c.counted_at > migrations.c.after, t.orders.c.counted_at <= migrations.c.until)
    .group_by(t.orders.c.customer_id)
    .correlate(migrations)
    .subquery("spent_meanwhile")
)
counted = cast(func.count(), Integer)
moves = (
    select(
        old.c.code.label("from_code"),
        new.c.code.label("to_code"),
        func.max(version_of(before)).filter(old.c.code.is_not(None)).label("from_version"),
        func.max(version_of(now)).filter(new.c.code.is_not(None)).label("to_version"),
        func.coalesce(func.max(old.c.rank), 0).label("from_rank"),
        func.coalesce(func.max(new.c.rank), 0).label("to_rank"),
        counted.label("customers"),
        cast(func.coalesce(func.sum(spent.c.cents), 0), BigInteger).label("spend_cents"),
        case(
            (old.c.code.is_not(None), share(counted, func.sum(counted).over(partition_by=old.c.code)))
        ).label("flow_rate"),
    )
    .select_from(
        decisions.outerjoin(old, (old.c.version_id == version_of(before)) & (old.c.rank == rank_of(before)))
        .outerjoin(new, (new.c.version_id == version_of(now)) & (new.c.rank == rank_of(now)))
        .outerjoin(spent, spent.c.customer_id == decisions.c.customer_id)
    )
    .where(old.c.code.is_not(None) | new.c.code.is_not(None))
    .group_by(old.c.code, new.c.code)
    .correlate(migrations)
    .subquery("tier_moves")
)
"""Tiers are matched by code, so a ladder that changed meanwhile does not split them; each shows its newest version."""


@entity(moves, roles=WATCHERS, scope=SHARED)
class TierMigrationCell:
    """How many went from one tier to another, or stayed."""

    from_: Tier | None = named(
        "from",
        one(
            "Held at the first moment; null: none then.",
            on=(tiers_of_policies.c.version_id == moves.c.from_version)
            & (tiers_of_policies.c.code == moves.c.from_code),
        ),
    )
    to: Tier | None = one(
        "Held at the last moment; null: none any more.",
        on=(tiers_of_policies.c.version_id == moves.c.to_version)
        & (tiers_of_policies.c.code == moves.c.to_code),
    )
    customers: int = column(moves.c.customers, "How many.")
    flow_rate: Decimal | None = column(
        moves.c.flow_rate, "Of all who were in `from`, 0..1, six digits; null: they were in none."
    )
    spend: Money = money(moves.c.spend_cents, "What they spent between the two moments, after refunds.")


@entity(migrations, roles=WATCHERS, scope=SHARED)
class TierMigration:
    """Who moved between the tiers of a policy, between two moments. [S0-22]"""

    policy: TierPolicy = one("Which policy.", on=t.tier_policies.c.policy_id == migrations.c.policy_id)
    period: Period = embed(Period, "Between which moments.", from_=migrations.c.after, to=migrations.c.until)
    cells: list[TierMigrationCell] = many(
        "One for each pair that has customers, from the lowest tiers up; null on a side: new, or left.",
        order_by=[moves.c.from_rank, moves.c.to_rank, moves.c.from_version, moves.c.to_version],
    )
