"""Who stands where under a policy, why, and what is missing to the next tier."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import eq
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import func, select

from db import tables as t
from domain.tiers.transition import TierReason
from resolvers import tier_answers as answers
from resolvers.access import EVERYBODY, STAFF_AND_CUSTOMERS
from resolvers.facts import FactValue
from resolvers.orders import Order
from resolvers.readpath.declare import column, computed, connection, embed, entity, one
from resolvers.readpath.expressions import coded, is_in
from resolvers.readpath.filter_inputs import matches
from resolvers.readpath.relay import Connection
from resolvers.readpath.weights import costly
from resolvers.standing_rows import standings_with_facts
from resolvers.tier_life import TierOverride, TierProtection, TierTrial, next_review_at, ranked
from resolvers.tier_policies import Tier, TierPolicy, TierPolicyVersion, tiers_of_policies
from resolvers.words import locale

if TYPE_CHECKING:
    from resolvers.customers import Customer

strawberry.enum(TierReason, description="What made a decision due. May grow. [C7]")

standing = standings_with_facts.c


@entity(standings_with_facts, roles=EVERYBODY, scope=standing.customer_id)
class TierExplanation:
    """Why this tier: every cut with what was observed, and the orders behind it. [C7]"""

    words: str = computed(
        answers.explanation_words,
        standing.version_id,
        standing.facts,
        about="One sentence.",
        parameters=[locale],
    )
    checks: list[answers.TierCheck] = computed(
        answers.checks,
        standing.version_id,
        standing.facts,
        about="From the highest tier down: its threshold, each dimension, each gate.",
    )
    evidence: list[FactValue] = computed(
        answers.standing_evidence,
        standing.version_id,
        standing.facts,
        about="The facts that were read.",
    )
    period: answers.Period = computed(
        answers.period, standing.version_id, standing.as_of, about="The days that count."
    )
    contributing_orders: Connection[Order] = costly(
        2,
        connection(
            "The counted orders of the period, most recent first. [C3]",
            on=(t.orders.c.customer_id == standing.customer_id)
            & (t.orders.c.counted_at > standing.as_of - func.make_interval(0, 0, 0, standing.period_days))
            & (t.orders.c.counted_at <= standing.as_of),
            order_by=[t.orders.c.placed_at.desc(), t.orders.c.order_id.desc()],
        ),
    )


@entity(standings_with_facts, roles=EVERYBODY, scope=standing.customer_id)
class TierProgress:
    """What is missing to rise. [S0-15]"""

    next_tier: Tier | None = one(
        "The tier to aim at; null: on top. Layers of silence that an order ends at once are left out.",
        on=(tiers_of_policies.c.version_id == standing.version_id)
        & (tiers_of_policies.c.rank == standing.goal_rank),
    )
    gaps: list[answers.TierGap] = computed(
        answers.gaps,
        standing.version_id,
        standing.facts,
        about="What is unmet: the score first, each dimension, each gate; empty on top.",
    )
    retention: list[answers.TierGap] = computed(
        answers.retention,
        standing.version_id,
        standing.facts,
        about="What the present tier asks for, and how much is to spare.",
    )
    recipes: list[answers.TierRecipe] = computed(
        answers.recipes, standing.version_id, standing.facts, about="Cheapest first."
    )
    almost_there: bool = computed(
        answers.almost_there,
        standing.version_id,
        standing.facts,
        about="Within the gap of the policy, 5 points of kuailv_grade. [S0-16]",
    )


@entity(standings_with_facts, roles=EVERYBODY, scope=standing.customer_id)
class TierStanding:
    """A customer under one policy at one moment."""

    policy: TierPolicy = one("Which policy.", on=t.tier_policies.c.policy_id == standing.policy_id)
    policy_version: TierPolicyVersion = one(
        "The version that grades the customer, a canary where they are in it; of a past moment, the one that decided.",
        on=t.tier_policy_versions.c.version_id == standing.version_id,
    )
    customer: Annotated[Customer, strawberry.lazy("resolvers.customers")] = one(
        "Who.", on=t.customers.c.customer_id == standing.customer_id
    )
    tier: Tier | None = one(
        "In effect, trial and override included; null: none.",
        on=(tiers_of_policies.c.version_id == standing.version_id)
        & (tiers_of_policies.c.rank == standing.rank),
    )
    base_tier: Tier | None = one(
        "What the rule decided; a trial or an override lies above it.", on=ranked(standing.base_rank)
    )
    raw_tier: Tier | None = one(
        "What the measure alone gives now; of a past moment, what it gave at the last decision before it.",
        on=ranked(standing.raw_rank),
    )
    score: Decimal | None = computed(
        answers.score,
        standing.version_id,
        standing.facts,
        about="Points, or the mean percentile of a ranking: exact, shown to six digits, never rounded up; null: the "
        "measure has none. [C5]",
    )
    parts: list[answers.TierPart] = computed(
        answers.parts,
        standing.version_id,
        standing.facts,
        about="Parts of the score, dimensions, or ranked facts. [S0-1, S1-2, S4-3]",
    )
    since: datetime = column(standing.since, "Held since.")
    reason: TierReason = column(coded(standing.reason, TierReason), "What made the last decision due.")
    as_of: datetime = column(standing.as_of, "The moment it holds for: the end of the business day.")
    valid_until: datetime | None = column(
        standing.valid_until,
        "The base tier is kept until then whatever the measure says; null: no such promise.",
    )
    next_review_at: datetime | None = computed(
        next_review_at,
        standing.version_id,
        standing.as_of,
        standing.valid_until,
        about="When the policy looks next in both directions, a midnight of the shop; null: at every change.",
    )
    protection: TierProtection | None = embed(
        TierProtection,
        "Null: the measure supports the tier. [S0-18]",
        unless_null=standing.protected_since,
    )
    trial: TierTrial | None = embed(
        TierTrial, "Null: none is running. [S0-17]", unless_null=standing.trial_until
    )
    override: TierOverride | None = embed(
        TierOverride,
        "Null: nobody has set the tier by hand.",
        unless_null=standing.override_until,
        visible_to=STAFF_AND_CUSTOMERS,
    )
    explanation: TierExplanation = embed(TierExplanation, "Why this tier.")
    progress: TierProgress = embed(TierProgress, "What is missing to the next.")


held_tiers = (
    select(
        t.tier_standings.c.customer_id,
        t.tier_policies.c.code.label("policy"),
        tiers_of_policies.c.code.label("tier"),
    )
    .join(t.tier_policies, t.tier_policies.c.policy_id == t.tier_standings.c.policy_id)
    .join(
        tiers_of_policies,
        (tiers_of_policies.c.version_id == t.tier_standings.c.version_id)
        & (tiers_of_policies.c.rank == t.tier_standings.c.rank),
    )
    .subquery("held_tiers")
)


@strawberry.input(description="Where a customer stands now. All given members must hold.")
class TierFilter:
    policy: str = matches(held_tiers.c.policy, eq, "Code of the policy.")
    in_: list[str] | None = matches(held_tiers.c.tier, is_in, "One of these tiers, by code.", name="in")
