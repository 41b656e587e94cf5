"""Takes a batch of events in: each event once, its effect and its marks in one transaction."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import DomainError
from domain.ingest.events import Event, Rejection, check_batch, check_event


@dataclass(frozen=True, slots=True)
class IngestResult:
    """`cursor`: what comes of this batch is published behind it."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]
    cursor: str | None


class EventTransaction(Protocol):
    """One database transaction; leaving it without an exception commits."""

    async def hold(self, events: Sequence[Event]) -> None:
        """Locks the customers these events name, in one order for everybody, until the transaction ends."""

    async def take(self, event: Event) -> bool:
        """Writes the effect of a new event and marks what must be computed again; False: it was taken before.

        Raises DomainError, and then nothing of the event remains."""

    async def finish(self) -> str:
        """Brings the roll-ups of the touched customers up to date; the outbox cursor of this moment."""


class EventStore(Protocol):
    """Where events go."""

    def transaction(self, source: str) -> AbstractAsyncContextManager[EventTransaction]:
        """Raises DomainError UNKNOWN_SOURCE, and StoreUnavailable when nothing of the batch was stored."""


async def ingest_events(
    *, source: str, events: Sequence[Event], store: EventStore, now: datetime
) -> IngestResult:
    """Acknowledged = committed: when this returns, what it counts as accepted is stored, once.

    Errors: DomainError where the whole batch is refused (empty, too many, unknown source). A fault of one event
    rejects that event alone. Cost: one transaction; about eight statements an event."""
    check_batch(events)
    rejected = [faulty for index, event in enumerate(events) if (faulty := find_fault(index, event, now))]
    refused = {faulty.index for faulty in rejected}
    sound = [(index, event) for index, event in enumerate(events) if index not in refused]
    counts = {True: 0, False: 0}
    async with store.transaction(source) as transaction:
        await transaction.hold([event for _, event in sound])
        for index, event in sound:
            try:
                counts[await transaction.take(event)] += 1
            except DomainError as error:
                rejected.append(rejection(index, event.event_id, error))
        cursor = await transaction.finish()
    rejected.sort(key=lambda one: one.index)
    return IngestResult(counts[True], counts[False], tuple(rejected), cursor)


def find_fault(index: int, event: Event, now: datetime) -> Rejection | None:
    """What the event alone shows to be wrong."""
    try:
        check_event(event, now)
    except DomainError as error:
        return rejection(index, event.event_id, error)
    return None


def rejection(index: int, event_id: str, error: DomainError) -> Rejection:
    return Rejection(
        index=index, event_id=event_id, code=error.code, message=error.message, field=error.field
    )
