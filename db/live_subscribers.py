"""The subscribers of one process: each has a bounded queue, and all share the events and a memory of the last."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from domain.live.events import LiveEvent, OutboxEvents, SlowConsumer, StreamGap

REMEMBERED_EVENTS = 10_000
QUEUED_EVENTS = 1_000
REPLAYED_EVENTS = 100_000
PAGE = 500


class Subscriber:
    """`is_behind` once an event found no room: from then on the queue would lie about what happened."""

    __slots__ = ("is_behind", "kinds", "queue")

    def __init__(self, kinds: frozenset[str], queued_events: int) -> None:
        self.kinds = kinds
        self.queue: asyncio.Queue[LiveEvent] = asyncio.Queue(queued_events)
        self.is_behind = False

    def offer(self, event: LiveEvent) -> None:
        if self.is_behind:
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.is_behind = True


class Subscribers:
    """Implements domain.live.events.LiveEvents. `position` is the last event delivered, None before the start."""

    def __init__(
        self,
        outbox: OutboxEvents,
        *,
        remembered_events: int = REMEMBERED_EVENTS,
        queued_events: int = QUEUED_EVENTS,
        replayed_events: int = REPLAYED_EVENTS,
    ) -> None:
        self.position: int | None = None
        self._outbox = outbox
        self._remembered: deque[LiveEvent] = deque(maxlen=remembered_events)
        self._forgotten_up_to = 0
        self._queued_events = queued_events
        self._replayed_events = replayed_events
        self._started = asyncio.Event()
        self._by_kind: dict[str, set[Subscriber]] = {}

    def start_at(self, event_id: int, recent: Sequence[LiveEvent] = ()) -> None:
        """`recent` are the events after `event_id`: nobody listens yet, but some will ask for them."""
        self.position = self._forgotten_up_to = event_id
        for event in recent:
            self.deliver(event)
        self._started.set()

    def deliver(self, event: LiveEvent) -> None:
        """Gives an event to everybody who wants its kind. Never waits; an event of the past is left out."""
        if self.position is None or event.event_id <= self.position:
            return
        if len(self._remembered) == self._remembered.maxlen:
            self._forgotten_up_to = self._remembered[0].event_id
        self._remembered.append(event)
        self.position = event.event_id
        for subscriber in self._by_kind.get(event.kind, ()):
            subscriber.offer(event)

    async def newest_id(self) -> int:
        await self._started.wait()
        return self.position or 0

    async def replay(
        self, kinds: frozenset[str], *, after: int, until: int
    ) -> AsyncGenerator[LiveEvent, None]:
        async for event in self._replay(after, until):
            if event.kind in kinds and event.event_id <= until:
                yield event

    async def subscribe(
        self, kinds: frozenset[str], *, after: int | None = None
    ) -> AsyncGenerator[LiveEvent, None]:
        """Events from now on, or everything since `after`, each once and in order."""
        await self._started.wait()
        subscriber = self._join(kinds)
        seen = after if after is not None else self.position or 0
        try:
            if after is not None:
                async for event in self._replay(after, self.position or 0):
                    seen = event.event_id
                    if event.kind in kinds:
                        yield event
            while True:
                event = await self._next(subscriber, seen)
                if event.event_id > seen:
                    seen = event.event_id
                    yield event
        finally:
            self._leave(subscriber)

    async def _next(self, subscriber: Subscriber, seen: int) -> LiveEvent:
        if subscriber.is_behind and subscriber.queue.empty():
            raise SlowConsumer(seen)
        return await subscriber.queue.get()

    async def _replay(self, after: int, until: int) -> AsyncGenerator[LiveEvent, None]:
        """From memory when it reaches back far enough, else from the outbox. All kinds; raises StreamGap."""
        if self._forgotten_up_to <= after <= until:
            ids = [event.event_id for event in self._remembered]
            for event in list(self._remembered)[bisect_right(ids, after) :]:
                yield event
            return
        if not await self._outbox.has(after):
            raise StreamGap(after)
        async for event in self._replay_outbox(after, until):
            yield event

    async def _replay_outbox(self, after: int, until: int) -> AsyncGenerator[LiveEvent, None]:
        replayed, position = 0, after
        while position < until:
            events = await self._outbox.read_after(position, PAGE)
            for event in events:
                if event.event_id <= until:
                    yield event
            if len(events) < PAGE:
                return
            replayed, position = replayed + PAGE, events[-1].event_id
            if replayed >= self._replayed_events:
                raise StreamGap(after)

    def _join(self, kinds: frozenset[str]) -> Subscriber:
        subscriber = Subscriber(kinds, self._queued_events)
        for kind in kinds:
            self._by_kind.setdefault(kind, set()).add(subscriber)
        return subscriber

    def _leave(self, subscriber: Subscriber) -> None:
        for kind in subscriber.kinds:
            self._by_kind[kind].discard(subscriber)
            if not self._by_kind[kind]:
                del self._by_kind[kind]
