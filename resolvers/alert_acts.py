"""What people do about alerts: inputs and payloads of the mutations."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypedDict

import strawberry
from strawberry import ID, Info

from domain.errors import DomainError, ErrorCode
from domain.watching.act_on_alert import AlertHand, acknowledge, resolve
from resolvers.alerts import Alert
from resolvers.context import Context
from resolvers.errors import UserError, user_error
from resolvers.readpath.cursors import decode_id


@strawberry.input(description="An alert that the caller sees to.")
class AlertAcknowledgeInput:
    id: ID = strawberry.field(description="Which alert.")


@strawberry.input(description="An alert that is dealt with.")
class AlertResolveInput:
    id: ID = strawberry.field(description="Which alert.")
    note: str = strawberry.field(description="What became of it, in 1 to 500 characters.")


@strawberry.type(description="What became of the alert.")
class AlertAcknowledgePayload:
    alert: Alert | None = strawberry.field(description="As it is now; null: nothing was done.")
    changed: bool = strawberry.field(description="False: somebody sees to it already.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


@strawberry.type(description="What became of the alert.")
class AlertResolvePayload:
    alert: Alert | None = strawberry.field(description="As it is now; null: nothing was done.")
    changed: bool = strawberry.field(description="False: it was resolved already, and its note stays.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


class Acted(TypedDict):
    """The members that both payloads have."""

    alert: Alert | None
    changed: bool
    user_errors: list[UserError]


async def acknowledged(
    info: Info,
    given: Annotated[AlertAcknowledgeInput, strawberry.argument(name="input", description="Which.")],
) -> AlertAcknowledgePayload:
    return AlertAcknowledgePayload(**await acted(info, given.id, acknowledge))


async def resolved(
    info: Info,
    given: Annotated[AlertResolveInput, strawberry.argument(name="input", description="Which, and why.")],
) -> AlertResolvePayload:
    return AlertResolvePayload(**await acted(info, given.id, lambda hand: resolve(hand, given.note)))


async def acted(info: Info, given: ID, act: Callable[[AlertHand], Awaitable[bool]]) -> Acted:
    """Acknowledged = committed: the payload is read after the transaction."""
    context: Context = info.context.operation
    alert_id = decode_id(given, "alt")
    try:
        if alert_id is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such alert.", ("id",))
        hand = AlertHand(store=context.alerts, alert_id=alert_id, viewer=context.viewer, now=context.now)
        changed = await act(hand)
    except DomainError as error:
        return Acted(alert=None, changed=False, user_errors=[user_error(error)])
    return Acted(alert=await info.context.find_row(Alert, alert_id), changed=changed, user_errors=[])
