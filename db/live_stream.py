"""The Valkey stream between the outbox and the processes that serve subscribers.

An entry has the id of its event, so publishing twice is publishing once, and names the event before it, so a
reader sees when something is missing and takes it from the outbox. Valkey may be away or empty at any moment:
then readers poll the outbox, and subscribers get everything, only later.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from db.live_subscribers import Subscribers
from db.told import Changed, tell_nobody
from domain.errors import StoreUnavailable
from domain.live.events import LiveEvent, OutboxEvents

logger = logging.getLogger("c360.live")

STREAM_KEY = "c360:live"
KEPT_EVENTS = 100_000
BATCH = 500
ANSWER_SECONDS = 1.0
WAIT_SECONDS = 1.0
RECALLED_EVENTS = 2_000
"""Remembered at the start, for the many that come back when a process was replaced."""
POLL_SECONDS = 0.25
LOST = (RedisError, OSError, TimeoutError)


def connect_stream(url: str) -> "Redis":
    """A client of its own for the stream: it gives up soon and never tries again by itself."""
    return Redis.from_url(
        url,
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS + WAIT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,  # a stream is read as a list of pairs; RESP3 has another shape
    )


class StreamPublisher:
    """Copies events of the outbox to the stream. Several at once do no harm.

    `changed` is told which customers the events are about before anybody hears of them; false: not yet.
    """

    def __init__(
        self,
        client: "Redis",
        *,
        key: str = STREAM_KEY,
        kept_events: int = KEPT_EVENTS,
        changed: Changed = tell_nobody,
    ) -> None:
        self._client = client
        self._changed = changed
        self._key = key
        self._kept_events = kept_events

    async def newest_id(self) -> int | None:
        """The last event in the stream, None when it is empty or gone; raises StoreUnavailable."""
        try:
            entries = await self._client.xrevrange(self._key, count=1)
        except LOST as fault:
            raise StoreUnavailable("cache", repr(fault)) from fault
        return _event_id(str(entries[0][0])) if entries else None

    async def publish(self, events: Sequence[LiveEvent], *, previous_id: int | None) -> int:
        """Appends events in the order of their ids, `previous_id` being the outbox event before the first.

        How many were new to the stream. Raises StoreUnavailable; publishing the same again completes it.
        """
        if not await self._changed({event.customer_id for event in events if event.customer_id is not None}):
            raise StoreUnavailable("cache", "what it keeps of these customers could not be dropped")
        pipeline = self._client.pipeline(transaction=False)
        for event in events:
            pipeline.xadd(
                self._key,
                _fields(event, previous_id),  # type: ignore[arg-type]
                id=f"{event.event_id}-0",
                maxlen=self._kept_events,
                approximate=True,
            )
            previous_id = event.event_id
        try:
            added = await pipeline.execute(raise_on_error=False)
        except LOST as fault:
            raise StoreUnavailable("cache", repr(fault)) from fault
        _refuse_other_faults(added)
        return sum(1 for answer in added if not isinstance(answer, Exception))

    async def relay(self, outbox: OutboxEvents) -> int:
        """One round from the outbox to the stream; how many events were new. Call it after commits."""
        newest = await self.newest_id()
        if newest is None:
            return await self._restart(outbox)
        events = await outbox.read_after(newest, BATCH)
        if events:
            return await self.publish(events, previous_id=newest)
        if newest > await outbox.newest_id():  # the database was restored: this stream tells what never was
            await self._client.delete(self._key)
        return 0

    async def _restart(self, outbox: OutboxEvents) -> int:
        """Into an empty stream goes the newest event alone: readers take what they miss from the outbox."""
        events = await outbox.read_after(await outbox.newest_id() - 1, BATCH)
        return await self.publish(events, previous_id=None) if events else 0


class StreamReader:
    """One for each process: follows the stream, or the outbox when there is none, and feeds the subscribers."""

    def __init__(
        self,
        connect: Callable[[], "Redis"],
        outbox: OutboxEvents,
        subscribers: Subscribers,
        *,
        key: str = STREAM_KEY,
    ) -> None:
        self._connect = connect
        self._outbox = outbox
        self._subscribers = subscribers
        self._key = key
        self._noticed = 0
        self.is_degraded = False

    async def run(self) -> None:
        """Until it is cancelled; no store being away ends it."""
        await self._find_start()
        while True:
            client = self._connect()
            try:
                await self._follow(client)
            except LOST as fault:
                self._note_degraded(fault)
            except StoreUnavailable as fault:
                logger.warning("outbox unavailable", extra={"fields": {"reason": fault.reason}})
            finally:
                await _close(client)
            _end_if_cancelled()
            await asyncio.sleep(POLL_SECONDS)
            await self._poll_outbox()

    async def _find_start(self) -> None:
        while self._subscribers.position is None:
            try:
                newest = await self._outbox.newest_id()
                since = max(0, newest - RECALLED_EVENTS)
                self._subscribers.start_at(since, await self._outbox.read_after(since, RECALLED_EVENTS))
            except StoreUnavailable:
                await asyncio.sleep(POLL_SECONDS)

    async def _follow(self, client: "Redis") -> None:
        while True:
            entries = await self._next_entries(client)
            _end_if_cancelled()
            self.is_degraded = False
            for event, previous_id in entries:
                await self._take(event, previous_id)
            if not entries:
                await self._look_behind()

    async def _next_entries(self, client: "Redis") -> list[tuple[LiveEvent, int | None]]:
        since = {self._key: f"{self._subscribers.position}-0"}
        answer: Any = await client.xread(since, count=BATCH, block=int(WAIT_SECONDS * 1000))  # type: ignore[arg-type]
        return [_entry(entry_id, fields) for _, entries in answer or () for entry_id, fields in entries]

    async def _take(self, event: LiveEvent, previous_id: int | None) -> None:
        """An entry that does not follow on what we have: the outbox knows what lies between."""
        position = self._subscribers.position or 0
        if event.event_id <= position:
            return
        if previous_id != position:
            await self._catch_up(event.event_id - 1)
        self._subscribers.deliver(event)

    async def _look_behind(self) -> None:
        """The stream is silent: was something committed that nobody published?

        What was there at the last look already is taken; newer events get their time to come by the stream,
        since a publisher first drops what caches hold about the customer.
        """
        await self._catch_up(self._noticed)
        self._noticed = await self._outbox.newest_id()

    async def _poll_outbox(self) -> None:
        try:
            await self._catch_up(None)
        except StoreUnavailable as fault:
            logger.warning("outbox unavailable", extra={"fields": {"reason": fault.reason}})

    async def _catch_up(self, until: int | None) -> None:
        while until is None or (self._subscribers.position or 0) < until:
            events = await self._outbox.read_after(self._subscribers.position or 0, BATCH)
            for event in events:
                if until is None or event.event_id <= until:
                    self._subscribers.deliver(event)
            if len(events) < BATCH or (until is not None and events[-1].event_id >= until):
                return

    def _note_degraded(self, fault: Exception) -> None:
        if not self.is_degraded:
            logger.warning("stream unavailable, polling", extra={"fields": {"reason": repr(fault)}})
        self.is_degraded = True


def _end_if_cancelled() -> None:
    """A driver that is cancelled while it connects may swallow that; without this the reader would go on."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


def _fields(event: LiveEvent, previous_id: int | None) -> dict[str, str]:
    return {
        "kind": event.kind,
        "customer": "" if event.customer_id is None else str(event.customer_id),
        "payload": json.dumps(event.payload, ensure_ascii=False, separators=(",", ":"), default=str),
        "previous": "" if previous_id is None else str(previous_id),
    }


def _entry(entry_id: str, fields: dict[str, str]) -> tuple[LiveEvent, int | None]:
    event = LiveEvent(
        event_id=_event_id(entry_id),
        kind=fields["kind"],
        customer_id=int(fields["customer"]) if fields["customer"] else None,
        payload=json.loads(fields["payload"]),
    )
    return event, int(fields["previous"]) if fields["previous"] else None


def _event_id(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])


def _refuse_other_faults(answers: Sequence[Any]) -> None:
    """ "Equal or smaller than the top item" says that the event is there already; anything else is a fault."""
    for answer in answers:
        if isinstance(answer, Exception) and "equal or smaller" not in str(answer):
            raise StoreUnavailable("cache", repr(answer)) from answer


async def _close(client: "Redis") -> None:
    try:
        await client.aclose()
    except LOST:
        return
