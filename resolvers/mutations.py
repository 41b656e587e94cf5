"""The mutations: each calls one use case of the domain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import strawberry
from strawberry import Info

from domain.errors import DomainError
from domain.ingest.events import Event, Rejection, check_batch
from domain.ingest.ingest_events import IngestResult, ingest_events, rejection
from domain.privacy.viewer import Role
from resolvers import alert_acts, member_day
from resolvers import tier_acts as acts
from resolvers import tier_policy_activation as activation
from resolvers import tier_policy_drafts as drafts
from resolvers import tier_policy_previews as previews
from resolvers.access import STAFF
from resolvers.context import Context
from resolvers.errors import user_error
from resolvers.events import EventIngestInput, EventIngestPayload, EventInput, event_of, rejection_of
from resolvers.live import encode_event
from resolvers.money import CurrencyCode
from resolvers.readpath.declare import visible_to
from resolvers.readpath.weights import costly


@strawberry.type(description="What changes things.")
class Mutation:
    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Takes events in. Acknowledged = committed; the same source and event id twice = once. [S2-7]",
        metadata=visible_to(Role.PARTNER, Role.OPERATOR),
    )
    async def event_ingest(
        self,
        info: Info,
        input: Annotated[EventIngestInput, strawberry.argument(description="The source and its events.")],
    ) -> EventIngestPayload:
        context: Context = info.context.operation
        try:
            return await ingest(context, input)
        except DomainError as error:
            return EventIngestPayload(
                accepted=0, duplicates=0, rejected=[], cursor=None, user_errors=[user_error(error)]
            )

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Lends the next higher tier for a while; benefits and price, not credit. [S0-17]",
        metadata=visible_to(Role.AGENT, Role.OPERATOR),
    )
    async def tier_trial_start(
        self,
        info: Info,
        input: Annotated[acts.TierTrialStartInput, strawberry.argument(description="Whose.")],
    ) -> acts.TierTrialStartPayload:
        return await acts.trial_started(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Ends a trial before its time.", metadata=visible_to(Role.AGENT, Role.OPERATOR)
    )
    async def tier_trial_end(
        self,
        info: Info,
        input: Annotated[acts.TierTrialEndInput, strawberry.argument(description="Whose.")],
    ) -> acts.TierTrialEndPayload:
        return await acts.trial_ended(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Sets a tier by hand until a given end, with a reason; replaces an override that is there.",
        metadata=visible_to(Role.OPERATOR),
    )
    async def tier_override_create(
        self,
        info: Info,
        input: Annotated[
            acts.TierOverrideCreateInput, strawberry.argument(description="Which tier, and why.")
        ],
    ) -> acts.TierOverrideCreatePayload:
        return await acts.override_created(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Ends an override before its time.", metadata=visible_to(Role.OPERATOR)
    )
    async def tier_override_revoke(
        self,
        info: Info,
        input: Annotated[acts.TierOverrideRevokeInput, strawberry.argument(description="Whose.")],
    ) -> acts.TierOverrideRevokePayload:
        return await acts.override_revoked(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Says that the caller sees to an alert.", metadata=visible_to(*STAFF)
    )
    async def alert_acknowledge(
        self,
        info: Info,
        input: Annotated[alert_acts.AlertAcknowledgeInput, strawberry.argument(description="Which.")],
    ) -> alert_acts.AlertAcknowledgePayload:
        return await alert_acts.acknowledged(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Closes an alert, with a note of what became of it.", metadata=visible_to(*STAFF)
    )
    async def alert_resolve(
        self,
        info: Info,
        input: Annotated[alert_acts.AlertResolveInput, strawberry.argument(description="Which, and why.")],
    ) -> alert_acts.AlertResolvePayload:
        return await alert_acts.resolved(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Drafts a policy of an operator's own: a rule as data. It grades nobody until it is activated.",
        metadata=visible_to(Role.OPERATOR),
    )
    async def tier_policy_create(
        self,
        info: Info,
        input: Annotated[drafts.TierPolicyCreateInput, strawberry.argument(description="The policy.")],
    ) -> drafts.TierPolicyCreatePayload:
        return await drafts.policy_created(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Drafts another version of a policy.", metadata=visible_to(Role.OPERATOR)
    )
    async def tier_policy_version_create(
        self,
        info: Info,
        input: Annotated[drafts.TierPolicyVersionCreateInput, strawberry.argument(description="The rule.")],
    ) -> drafts.TierPolicyVersionCreatePayload:
        return await drafts.version_created(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Tries a candidate on everybody, and remembers that it was looked at; changes nobody's tier. "
        "[S0-10]",
        metadata=visible_to(Role.OPERATOR),
    )
    async def tier_policy_preview(
        self,
        info: Info,
        input: Annotated[previews.TierPolicyPreviewInput, strawberry.argument(description="What to try.")],
    ) -> previews.TierPolicyPreviewPayload:
        return await previews.previewed(info, input)

    costly(1_000, tier_policy_preview)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Puts a version in force that was previewed, for everybody or for a share; they are reviewed "
        "soon after. [S1-19]",
        metadata=visible_to(Role.OPERATOR),
    )
    async def tier_policy_activate(
        self,
        info: Info,
        input: Annotated[activation.TierPolicyActivateInput, strawberry.argument(description="Which.")],
    ) -> activation.TierPolicyActivatePayload:
        return await activation.activated(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Puts the version in force again that was before; no preview is asked for.",
        metadata=visible_to(Role.OPERATOR),
    )
    async def tier_policy_roll_back(
        self,
        info: Info,
        input: Annotated[activation.TierPolicyRollBackInput, strawberry.argument(description="Of which.")],
    ) -> activation.TierPolicyRollBackPayload:
        return await activation.rolled_back(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Ends a canary; its customers are reviewed as all others are. [S1-19]",
        metadata=visible_to(Role.OPERATOR),
    )
    async def tier_policy_canary_end(
        self,
        info: Info,
        input: Annotated[
            activation.TierPolicyCanaryEndInput, strawberry.argument(description="Of which, and why.")
        ],
    ) -> activation.TierPolicyCanaryEndPayload:
        return await activation.canary_ended(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Ends a policy: whoever holds a tier of it leaves it. Not the primary one.",
        metadata=visible_to(Role.OPERATOR),
    )
    async def tier_policy_retire(
        self,
        info: Info,
        input: Annotated[activation.TierPolicyRetireInput, strawberry.argument(description="Which.")],
    ) -> activation.TierPolicyRetirePayload:
        return await activation.retired(info, input)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Sets all offers of a member day; the same list again changes nothing. [S2-5]",
        metadata=visible_to(Role.OPERATOR),
    )
    async def member_day_set(
        self,
        info: Info,
        input: Annotated[member_day.MemberDaySetInput, strawberry.argument(description="What is offered.")],
    ) -> member_day.MemberDaySetPayload:
        return await member_day.member_day_set(info, input)


async def ingest(context: Context, given: EventIngestInput) -> EventIngestPayload:
    """Events that cannot be read are rejected like those that cannot be taken, at their own place."""
    check_batch(given.events)
    read, refused = read_events(given.events, CurrencyCode(context.shop.currency_code))
    if not read:
        return payload(IngestResult(0, 0, (), None), refused)
    places = [place for place, _ in read]
    events = [event for _, event in read]
    result = await ingest_events(source=given.source, events=events, store=context.events, now=context.now)
    rejected = [replace(one, index=places[one.index]) for one in result.rejected]
    return payload(result, sorted([*rejected, *refused], key=lambda one: one.index))


def payload(result: IngestResult, rejected: Sequence[Rejection]) -> EventIngestPayload:
    return EventIngestPayload(
        accepted=result.accepted,
        duplicates=result.duplicates,
        rejected=[rejection_of(one) for one in rejected],
        cursor=None if result.cursor is None else encode_event(int(result.cursor)),
        user_errors=[],
    )


def read_events(
    given: Sequence[EventInput], currency: CurrencyCode
) -> tuple[list[tuple[int, Event]], list[Rejection]]:
    read: list[tuple[int, Event]] = []
    refused: list[Rejection] = []
    for place, event in enumerate(given):
        try:
            read.append((place, event_of(event, currency)))
        except DomainError as error:
            refused.append(rejection(place, event.id, error))
    return read, refused
