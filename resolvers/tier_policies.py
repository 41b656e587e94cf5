"""Tier policies, their versions, and the ladder of each."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum

import strawberry
from sqlalchemy import exists, func, select
from strawberry import ID

from db import tables as t
from resolvers import tier_answers as answers
from resolvers import tier_measures as measures
from resolvers.access import EVERYBODY, STAFF
from resolvers.readpath.declare import (
    column,
    computed,
    connection,
    embed,
    entity,
    global_id,
    many,
    one,
    published,
)
from resolvers.readpath.expressions import coded
from resolvers.readpath.relay import Connection, Node
from resolvers.readpath.sources import SHARED
from resolvers.tier_timing import TierTiming, timing_of


class TierPolicyVersionStatus(Enum):
    """How far a version has come: only DRAFT can change."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    CANARY = "CANARY"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


strawberry.enum(TierPolicyVersionStatus, description="How far a version has come: only DRAFT can change.")


@strawberry.type(description="From min to max, both in.")
class DecimalRange:
    min: Decimal | None = strawberry.field(description="Null: no lower end.")
    max: Decimal | None = strawberry.field(description="Null: no upper end.")


@entity(t.tier_policy_canaries, roles=STAFF, scope=SHARED)
class TierScope:
    """Whom a version grades, where it is not everybody. [S1-19]"""

    share: Decimal = column(
        t.tier_policy_canaries.c.share,
        "Of all customers or of the group, 0..1: the same ones for as long as it runs, or more.",
    )
    where: str | None = column(
        t.tier_policy_canaries.c.scope_where,
        "The filter that the group was found by, a CustomerFilter as JSON; null: all customers.",
        visible_to=STAFF,
    )


tiers_of_policies = (
    select(*t.tiers.c, t.tier_policy_versions.c.policy_id, t.tier_policy_versions.c.status)
    .outerjoin(t.tier_policy_versions, t.tier_policy_versions.c.version_id == t.tiers.c.version_id)
    .subquery("tiers_of_policies")
)
"""An outer join, though each tier has a version: PostgreSQL leaves it out where nothing is read of the version."""


@entity(tiers_of_policies, roles=EVERYBODY, scope=SHARED)
class Tier:
    """One step of a policy's ladder. Tier words collide between policies: a tier is policy and code. [C6]"""

    policy: TierPolicy = one("Whose ladder.", on=t.tier_policies.c.policy_id == tiers_of_policies.c.policy_id)
    code: str = column(tiers_of_policies.c.code, "Its code within the policy.")
    name: str = column(tiers_of_policies.c.name, "Its published name, in Chinese.")
    rank: int = column(tiers_of_policies.c.rank, "1 is the lowest.")
    threshold: Decimal | None = column(
        tiers_of_policies.c.threshold,
        "Where it begins: points of a score, or the top share of a ranking, 0..1; null: the measure or the gates "
        "say, or it takes the rest.",
    )
    threshold_inclusive: bool = column(
        tiers_of_policies.c.threshold_inclusive, "Whether the threshold itself is in. [C5]"
    )
    target_share: DecimalRange | None = embed(
        DecimalRange,
        "Share of customers aimed at, 0..1; shown beside the actual one, never forced. [S0-10]",
        unless_null=tiers_of_policies.c.target_share,
        min=tiers_of_policies.c.target_share,
        max=func.coalesce(tiers_of_policies.c.target_share_max, tiers_of_policies.c.target_share),
    )
    gates: list[measures.TierGate] = computed(
        measures.gates,
        tiers_of_policies.c.version_id,
        tiers_of_policies.c.rank,
        about="What it asks for beside the threshold, such as a recent order. [S4-4]",
    )
    benefits: list[answers.Benefit] = computed(
        answers.benefits,
        tiers_of_policies.c.version_id,
        tiers_of_policies.c.rank,
        about="What it gives. [S0-19]",
    )


grading = t.tier_policy_versions.c.status.not_in(["DRAFT", "SCHEDULED"])
"""What grades customers, or did. Nobody but the staff sees what may yet change."""
graded_by = t.tier_policy_versions.alias("graded_by")
graded = exists().where(
    graded_by.c.policy_id == t.tier_policies.c.policy_id, graded_by.c.status.not_in(["DRAFT", "SCHEDULED"])
)


@entity(
    t.tier_policy_versions,
    roles=EVERYBODY,
    scope=SHARED,
    key=t.tier_policy_versions.c.version_id,
    id_prefix="tpv",
    published=published(grading, others_to=STAFF),
)
class TierPolicyVersion(Node):
    """Immutable once it has left DRAFT. Until it grades somebody it is for the staff alone."""

    id: ID = global_id(t.tier_policy_versions.c.version_id)
    policy: TierPolicy = one(
        "Of which policy.", on=t.tier_policies.c.policy_id == t.tier_policy_versions.c.policy_id
    )
    number: int = column(t.tier_policy_versions.c.number, "Counts from 1.")
    status: TierPolicyVersionStatus = column(
        coded(t.tier_policy_versions.c.status, TierPolicyVersionStatus),
        "How far it has come.",
        visible_to=STAFF,
    )
    effective_from: datetime | None = column(
        t.tier_policy_versions.c.effective_from, "Null: from the beginning, or not active yet."
    )
    created_at: datetime = column(t.tier_policy_versions.c.created_at, "When it was written.")
    scope: TierScope | None = one(
        "Whom it grades as a canary; null: it grades everybody or nobody. [S1-19]",
        on=(t.tier_policy_canaries.c.version_id == t.tier_policy_versions.c.version_id)
        & t.tier_policy_canaries.c.ended_at.is_(None),
    )
    measure: measures.TierMeasure = computed(
        measures.measure, t.tier_policy_versions.c.version_id, about="What it looks at, and how."
    )
    timing: TierTiming = computed(timing_of, t.tier_policy_versions.c.version_id, about="When it decides.")
    tiers: list[Tier] = many(
        "Its ladder, lowest first.",
        on=tiers_of_policies.c.version_id == t.tier_policy_versions.c.version_id,
        order_by=[tiers_of_policies.c.rank],
    )


@entity(
    t.tier_policies,
    roles=EVERYBODY,
    scope=SHARED,
    key=t.tier_policies.c.policy_id,
    id_prefix="tpo",
    published=published(graded, others_to=STAFF),
)
class TierPolicy(Node):
    """One way of grading customers; several live side by side. [C6]"""

    id: ID = global_id(t.tier_policies.c.policy_id)
    code: str = column(t.tier_policies.c.code, "Its stable code.")
    name: str = column(t.tier_policies.c.name, "Its name, in Chinese.")
    active_version: TierPolicyVersion | None = one(
        "Null: nothing is active now.",
        on=(t.tier_policy_versions.c.policy_id == t.tier_policies.c.policy_id)
        & (t.tier_policy_versions.c.status == "ACTIVE"),
    )
    canary_version: TierPolicyVersion | None = one(
        "Grades some customers beside it; null: no canary runs.",
        on=(t.tier_policy_versions.c.policy_id == t.tier_policies.c.policy_id)
        & (t.tier_policy_versions.c.status == "CANARY"),
        visible_to=STAFF,
    )
    versions: Connection[TierPolicyVersion] = connection(
        "All versions, oldest first.",
        on=t.tier_policy_versions.c.policy_id == t.tier_policies.c.policy_id,
        order_by=[t.tier_policy_versions.c.version_id],
        visible_to=STAFF,
    )
    tiers: list[Tier] = many(
        "Of the active version, lowest first.",
        on=(tiers_of_policies.c.policy_id == t.tier_policies.c.policy_id)
        & (tiers_of_policies.c.status == "ACTIVE"),
        order_by=[tiers_of_policies.c.rank],
    )
