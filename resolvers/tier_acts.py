"""What people do to one standing: inputs and payloads of the trial and override mutations."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Protocol, TypedDict

import strawberry
from sqlalchemy import select
from strawberry import ID, Info

from db import tables as t
from domain.errors import DomainError, ErrorCode
from domain.standings.act_by_hand import (
    Hand,
    WantedOverride,
    end_override,
    end_trial,
    set_override,
    start_trial,
)
from domain.tiers.life_state import OverrideKind
from resolvers.context import Context
from resolvers.errors import UserError, user_error
from resolvers.readpath.cursors import decode_id
from resolvers.standing_rows import standings_with_facts
from resolvers.tier_standings import TierStanding


class OfStanding(Protocol):
    """Every input below names one."""

    customer: ID
    policy: str


@strawberry.input(description="A trial of the next higher tier. [S0-17]")
class TierTrialStartInput:
    customer: ID = strawberry.field(description="Whose tier.")
    policy: str = strawberry.field(description="Code of the policy.")


@strawberry.input(description="The end of a trial before its time; it counts as tried.")
class TierTrialEndInput:
    customer: ID = strawberry.field(description="Whose tier.")
    policy: str = strawberry.field(description="Code of the policy.")


@strawberry.input(description="A tier set by hand, above or below the measured one.")
class TierOverrideCreateInput:
    customer: ID = strawberry.field(description="Whose tier.")
    policy: str = strawberry.field(description="Code of the policy.")
    tier: str = strawberry.field(description="Code of the tier.")
    reason_kind: OverrideKind = strawberry.field(description="What kind of reason.")
    reason: str = strawberry.field(description="Why, in at most 500 characters; kept in the record.")
    ends_at: datetime = strawberry.field(description="It holds to the end of this business day of the shop.")


@strawberry.input(description="The end of an override before its time.")
class TierOverrideRevokeInput:
    customer: ID = strawberry.field(description="Whose tier.")
    policy: str = strawberry.field(description="Code of the policy.")


@strawberry.type(description="What became of the standing.")
class TierTrialStartPayload:
    tier_standing: TierStanding | None = strawberry.field(description="As it is now; null: nothing was done.")
    changed: bool = strawberry.field(description="False: a trial was running already.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


@strawberry.type(description="What became of the standing.")
class TierTrialEndPayload:
    tier_standing: TierStanding | None = strawberry.field(description="As it is now; null: nothing was done.")
    changed: bool = strawberry.field(description="False: no trial was running.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


@strawberry.type(description="What became of the standing.")
class TierOverrideCreatePayload:
    tier_standing: TierStanding | None = strawberry.field(description="As it is now; null: nothing was done.")
    changed: bool = strawberry.field(description="False: the same override was in effect already.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


@strawberry.type(description="What became of the standing.")
class TierOverrideRevokePayload:
    tier_standing: TierStanding | None = strawberry.field(description="As it is now; null: nothing was done.")
    changed: bool = strawberry.field(description="False: there was no override.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


class Acted(TypedDict):
    """The members that all payloads have."""

    tier_standing: TierStanding | None
    changed: bool
    user_errors: list[UserError]


async def trial_started(
    info: Info, given: Annotated[TierTrialStartInput, strawberry.argument(name="input", description="Whose.")]
) -> TierTrialStartPayload:
    return TierTrialStartPayload(**await acted(info, given, start_trial))


async def trial_ended(
    info: Info, given: Annotated[TierTrialEndInput, strawberry.argument(name="input", description="Whose.")]
) -> TierTrialEndPayload:
    return TierTrialEndPayload(**await acted(info, given, end_trial))


async def override_created(
    info: Info,
    given: Annotated[
        TierOverrideCreateInput, strawberry.argument(name="input", description="Which tier, and why.")
    ],
) -> TierOverrideCreatePayload:
    wanted = WantedOverride(
        tier=given.tier, kind=given.reason_kind, reason=given.reason, ends_at=given.ends_at
    )
    return TierOverrideCreatePayload(**await acted(info, given, lambda hand: set_override(hand, wanted)))


async def override_revoked(
    info: Info,
    given: Annotated[TierOverrideRevokeInput, strawberry.argument(name="input", description="Whose.")],
) -> TierOverrideRevokePayload:
    return TierOverrideRevokePayload(**await acted(info, given, end_override))


async def acted(info: Info, given: OfStanding, act: Callable[[Hand], Awaitable[bool]]) -> Acted:
    """Acknowledged = committed: the payload is read after the transaction."""
    context: Context = info.context.operation
    try:
        hand = hand_of(context, given)
        changed = await act(hand)
    except DomainError as error:
        return Acted(tier_standing=None, changed=False, user_errors=[user_error(error)])
    found = await find_standing(info, hand)
    return Acted(tier_standing=found, changed=changed, user_errors=[])


def hand_of(context: Context, given: OfStanding) -> Hand:
    customer_id = decode_id(given.customer, "cus")
    if customer_id is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such customer.", ("customer",))
    return Hand(
        store=context.standings,
        customer_id=customer_id,
        policy=given.policy,
        viewer=context.viewer,
        now=context.now,
    )


async def find_standing(info: Info, hand: Hand) -> TierStanding | None:
    standing = standings_with_facts.c
    policy_id = select(t.tier_policies.c.policy_id).where(t.tier_policies.c.code == hand.policy)
    chosen = (standing.customer_id == hand.customer_id) & (standing.policy_id == policy_id.scalar_subquery())
    found: TierStanding | None = await info.context.find_where(TierStanding, chosen)
    return found
