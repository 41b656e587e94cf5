"""Every decision about a tier: the log that standings follow from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from db import tables as t
from domain.tiers.transition import TierReason, TransitionKind
from resolvers import tier_answers as answers
from resolvers.access import EVERYBODY, STAFF, STAFF_AND_CUSTOMERS
from resolvers.facts import FactValue
from resolvers.notices import Message
from resolvers.readpath.declare import column, computed, entity, global_id, many, one
from resolvers.readpath.expressions import coded, event_cursor
from resolvers.readpath.named import named
from resolvers.readpath.relay import Node
from resolvers.tier_policies import Tier, TierPolicyVersion, tiers_of_policies

if TYPE_CHECKING:
    from resolvers.customers import Customer

strawberry.enum(TransitionKind, name="TierTransitionKind", description="What a decision did. May grow.")


@entity(
    t.tier_transitions,
    roles=EVERYBODY,
    scope=t.tier_transitions.c.customer_id,
    key=t.tier_transitions.c.transition_id,
    id_prefix="ttr",
)
class TierTransition(Node):
    """One decision; the log is the truth and never edited."""

    id: ID = global_id(t.tier_transitions.c.transition_id)
    cursor: str = column(
        event_cursor(t.tier_transitions.c.transition_id),
        "Pass it as `after` to continue behind this event.",
    )
    customer: Annotated[Customer, strawberry.lazy("resolvers.customers")] = one(
        "Whose tier.", on=t.customers.c.customer_id == t.tier_transitions.c.customer_id
    )
    policy_version: TierPolicyVersion = one(
        "The version that decided.",
        on=t.tier_policy_versions.c.version_id == t.tier_transitions.c.version_id,
    )
    kind: TransitionKind = column(coded(t.tier_transitions.c.kind, TransitionKind), "What it did.")
    from_: Tier | None = named(
        "from",
        one(
            "Null: had none.",
            on=(tiers_of_policies.c.version_id == t.tier_transitions.c.version_id)
            & (tiers_of_policies.c.rank == t.tier_transitions.c.from_rank),
        ),
    )
    to: Tier | None = one(
        "Null: has none now.",
        on=(tiers_of_policies.c.version_id == t.tier_transitions.c.version_id)
        & (tiers_of_policies.c.rank == t.tier_transitions.c.to_rank),
    )
    raw_tier: Tier | None = one(
        "What the measure alone gave; null: none.",
        on=(tiers_of_policies.c.version_id == t.tier_transitions.c.version_id)
        & (tiers_of_policies.c.rank == t.tier_transitions.c.measured_rank),
    )
    base_tier: Tier | None = one(
        "What the rule decided; a trial or an override may lie above it. Null: none.",
        on=(tiers_of_policies.c.version_id == t.tier_transitions.c.version_id)
        & (tiers_of_policies.c.rank == t.tier_transitions.c.base_rank),
    )
    reason: TierReason = column(coded(t.tier_transitions.c.reason, TierReason), "What made it due.")
    score: Decimal | None = column(t.tier_transitions.c.score, "The score it was taken on.")
    evidence: list[FactValue] = computed(
        answers.evidence, t.tier_transitions.c.evidence, about="The facts it was taken on. [C7]"
    )
    notices: list[Message] = many(
        "What the customer is told of it, one by each channel; empty: they are not. [S0-14]",
        on=(t.notices.c.customer_id == t.tier_transitions.c.customer_id)
        & (t.notices.c.event_id == t.tier_transitions.c.transition_id),
        order_by=[t.notices.c.channel],
        visible_to=STAFF_AND_CUSTOMERS,
    )
    decided_at: datetime = column(t.tier_transitions.c.decided_at, "When it was taken.")
    effective_at: datetime = column(t.tier_transitions.c.effective_at, "From when it holds.")
    by: str | None = column(
        t.tier_transitions.c.actor, "Who decided, as their token names them; null: a rule.", visible_to=STAFF
    )
