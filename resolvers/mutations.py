"""The mutations: each calls one use case of the domain."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from domain.privacy.viewer import Role
from resolvers import alert_acts, member_day
from resolvers import tier_acts as acts
from resolvers import tier_policy_activation as activation
from resolvers import tier_policy_drafts as drafts
from resolvers import tier_policy_previews as previews
from resolvers.access import STAFF
from resolvers.event_acts import ingested
from resolvers.events import EventIngestPayload
from resolvers.readpath.declare import visible_to
from resolvers.readpath.weights import costly


def mutation(act: Callable[..., Awaitable[Any]], words: str, *roles: Role) -> Any:
    """A field whose use case is called with the operation and its input."""
    return strawberry.mutation(resolver=act, description=words, metadata=visible_to(*roles))


@strawberry.type(description="What changes things.")
class Mutation:
    event_ingest: EventIngestPayload = mutation(
        ingested,
        "Takes events in. Acknowledged = committed; the same source and event id twice = once. [S2-7]",
        Role.PARTNER,
        Role.OPERATOR,
    )
    tier_trial_start: acts.TierTrialStartPayload = mutation(
        acts.trial_started,
        "Lends the next higher tier for a while; benefits and price, not credit. [S0-17]",
        Role.AGENT,
        Role.OPERATOR,
    )
    tier_trial_end: acts.TierTrialEndPayload = mutation(
        acts.trial_ended, "Ends a trial before its time.", Role.AGENT, Role.OPERATOR
    )
    tier_override_create: acts.TierOverrideCreatePayload = mutation(
        acts.override_created,
        "Sets a tier by hand until a given end, with a reason; replaces an override that is there.",
        Role.OPERATOR,
    )
    tier_override_revoke: acts.TierOverrideRevokePayload = mutation(
        acts.override_revoked, "Ends an override before its time.", Role.OPERATOR
    )
    alert_acknowledge: alert_acts.AlertAcknowledgePayload = mutation(
        alert_acts.acknowledged, "Says that the caller sees to an alert.", *STAFF
    )
    alert_resolve: alert_acts.AlertResolvePayload = mutation(
        alert_acts.resolved, "Closes an alert, with a note of what became of it.", *STAFF
    )
    tier_policy_create: drafts.TierPolicyCreatePayload = mutation(
        drafts.policy_created,
        "Drafts a policy of an operator's own: a rule as data. It grades nobody until it is activated.",
        Role.OPERATOR,
    )
    tier_policy_version_create: drafts.TierPolicyVersionCreatePayload = mutation(
        drafts.version_created, "Drafts another version of a policy.", Role.OPERATOR
    )
    tier_policy_preview: previews.TierPolicyPreviewPayload = mutation(
        previews.previewed,
        "Tries a candidate on everybody, and remembers that it was looked at; changes nobody's tier. [S0-10]",
        Role.OPERATOR,
    )
    costly(1_000, tier_policy_preview)

    tier_policy_activate: activation.TierPolicyActivatePayload = mutation(
        activation.activated,
        "Puts a version in force that was previewed, for everybody or for a share; they are reviewed "
        "soon after. [S1-19]",
        Role.OPERATOR,
    )
    tier_policy_roll_back: activation.TierPolicyRollBackPayload = mutation(
        activation.rolled_back,
        "Puts the version in force again that was before; no preview is asked for.",
        Role.OPERATOR,
    )
    tier_policy_canary_end: activation.TierPolicyCanaryEndPayload = mutation(
        activation.canary_ended,
        "Ends a canary; its customers are reviewed as all others are. [S1-19]",
        Role.OPERATOR,
    )
    tier_policy_retire: activation.TierPolicyRetirePayload = mutation(
        activation.retired,
        "Ends a policy: whoever holds a tier of it leaves it. Not the primary one.",
        Role.OPERATOR,
    )
    member_day_set: member_day.MemberDaySetPayload = mutation(
        member_day.member_day_set,
        "Sets all offers of a member day; the same list again changes nothing. [S2-5]",
        Role.OPERATOR,
    )
