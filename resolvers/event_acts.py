"""What becomes of a batch of events: read, taken in, and answered one by one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import strawberry
from strawberry import Info

from domain.errors import DomainError
from domain.ingest.events import Event, Rejection, check_batch
from domain.ingest.ingest_events import IngestResult, ingest_events, rejection
from resolvers.context import Context
from resolvers.errors import user_error
from resolvers.events import EventIngestInput, EventIngestPayload, EventInput, event_of, rejection_of
from resolvers.live import encode_event
from resolvers.money import CurrencyCode


async def ingested(
    info: Info,
    given: Annotated[
        EventIngestInput, strawberry.argument(name="input", description="The source and its events.")
    ],
) -> EventIngestPayload:
    context: Context = info.context.operation
    try:
        return await ingest(context, given)
    except DomainError as error:
        return EventIngestPayload(
            accepted=0, duplicates=0, rejected=[], cursor=None, user_errors=[user_error(error)]
        )


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
