"""How customers are spread over the tiers of a policy, now."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Integer, Text, case, cast, func, literal_column, select, type_coerce

from db import tables as t
from db.tables.facts import customer_facts
from domain.privacy.viewer import Role
from resolvers.live_moment import live_as_of
from resolvers.money import Money, money
from resolvers.readpath.declare import argument, column, embed, entity, many, one
from resolvers.readpath.sources import SHARED
from resolvers.shares import SIX_DIGITS, share
from resolvers.tier_cohorts import MEASURES, TierCohort, cohorts_of
from resolvers.tier_cohorts import cohort as of_cohort
from resolvers.tier_policies import DecimalRange, Tier, TierPolicy, tiers_of_policies
from resolvers.tier_stability import stability_index

WATCHERS = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)

policy_code = argument("policy", str, "Code of the policy.", sql_type=Text())

standing = t.tier_standings.c
customers_of_policy = (
    select(
        t.tier_policies.c.policy_id,
        t.tier_policies.c.code,
        select(func.count()).select_from(t.customers).scalar_subquery().label("customers"),
        select(func.count())
        .where(standing.policy_id == t.tier_policies.c.policy_id, standing.rank.is_not(None))
        .correlate(t.tier_policies)
        .scalar_subquery()
        .label("with_tier"),
        stability_index(t.tier_policies.c.policy_id, t.tier_policies).label("stability_index"),
    )
    .where(t.tier_policies.c.code == policy_code)
    .subquery("customers_of_policy")
)
policy_id = customers_of_policy.c.policy_id
tiers_held = t.tiers.alias("tiers_held")
held = (
    select(
        tiers_held.c.code,
        func.count().label("customers"),
        cast(func.coalesce(func.sum(customer_facts.c.spend_90d), 0), BigInteger).label("spend_cents"),
    )
    .join(customer_facts, customer_facts.c.customer_id == standing.customer_id)
    .join(
        tiers_held,
        (tiers_held.c.version_id == standing.version_id) & (tiers_held.c.rank == standing.rank),
    )
    .where(standing.policy_id == policy_id)
    .group_by(tiers_held.c.code)
    .correlate(customers_of_policy)
    .subquery("held")
)
cohorts = cohorts_of(policy_id, customers_of_policy)
ladder, versions = t.tiers.alias("ladder"), t.tier_policy_versions.alias("versions_of_ladder")
everybody = func.sum(func.coalesce(held.c.customers, 0)).over(partition_by=ladder.c.version_id)
all_spend = func.sum(func.coalesce(held.c.spend_cents, 0)).over(partition_by=ladder.c.version_id)
shares = (
    select(
        versions.c.policy_id,
        ladder.c.version_id,
        ladder.c.rank,
        ladder.c.target_share,
        func.coalesce(ladder.c.target_share_max, ladder.c.target_share).label("target_share_max"),
        cast(func.coalesce(held.c.customers, 0), Integer).label("customers"),
        cast(func.coalesce(held.c.spend_cents, 0), BigInteger).label("spend_cents"),
        share(func.coalesce(held.c.customers, 0), everybody).label("share"),
        share(func.coalesce(held.c.spend_cents, 0), all_spend).label("spend_share"),
        *(cohorts.c[name].label(f"cohort_{name}") for name in MEASURES),
    )
    .select_from(
        ladder.join(versions, versions.c.version_id == ladder.c.version_id)
        .outerjoin(held, held.c.code == ladder.c.code)
        .outerjoin(cohorts, cohorts.c.code == ladder.c.code)
    )
    .where(versions.c.status == "ACTIVE", versions.c.policy_id == policy_id)
    .correlate(customers_of_policy)
    .subquery("shares_of_tiers")
)
nearest_target = case(
    (shares.c.share < shares.c.target_share, shares.c.target_share),
    (shares.c.share > shares.c.target_share_max, shares.c.target_share_max),
    (shares.c.target_share.is_not(None), shares.c.share),
)


@entity(shares, roles=WATCHERS, scope=SHARED)
class TierShare:
    """One tier of a distribution."""

    tier: Tier = one(
        "Which tier.",
        on=(tiers_of_policies.c.version_id == shares.c.version_id)
        & (tiers_of_policies.c.rank == shares.c.rank),
    )
    customers: int = column(shares.c.customers, "How many hold it.")
    share: Decimal = column(shares.c.share, "Of all who hold a tier, 0..1, six digits.")
    target_share: DecimalRange | None = embed(
        DecimalRange,
        "Aimed at, 0..1; shown beside, never forced. [S0-10]",
        unless_null=shares.c.target_share,
        min=shares.c.target_share,
        max=shares.c.target_share_max,
    )
    gap: Decimal | None = column(
        type_coerce((shares.c.share - nearest_target) * literal_column("100"), SIX_DIGITS),
        "Share minus target, in points; 0 inside a range of targets. [S0-10, S4-1]",
    )
    spend: Money = money(shares.c.spend_cents, "What its customers spent in 90 days.")
    spend_share: Decimal = column(shares.c.spend_share, "Of all spend in 90 days, 0..1, six digits.")
    cohort: TierCohort | None = of_cohort(shares)


@entity(customers_of_policy, roles=WATCHERS, scope=SHARED)
class TierDistribution:
    """How customers are spread over the tiers of a policy, now. [S0-22]"""

    policy: TierPolicy = one(
        "Which policy.", on=t.tier_policies.c.policy_id == customers_of_policy.c.policy_id
    )
    as_of: datetime = column(live_as_of, "The moment it holds for.")
    customers: int = column(customers_of_policy.c.customers, "All customers.")
    without_tier: int = column(
        customers_of_policy.c.customers - customers_of_policy.c.with_tier, "Customers with no tier."
    )
    tiers: list[TierShare] = many(
        "Lowest tier first, of the version in force. Tiers are matched by code; whom a canary grades on a tier of its "
        "own is in none of these.",
        order_by=[shares.c.rank],
    )
    stability_index: Decimal | None = column(
        customers_of_policy.c.stability_index,
        "How far the shares have moved from those of a month ago (population stability index): 0 not at all, "
        "over 0.2 look at it; null: nobody held a tier then. [S4-15]",
    )
