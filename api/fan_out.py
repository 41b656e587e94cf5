"""One execution an event for all subscribers that asked alike, and one byte string for all of them.

Subscribers are grouped by everything that a result depends on. A group follows the events with one task; what
each subscriber has of its own is a queue of references, bounded by bytes, and its way back into the stream when
it resumes. Who keeps up is written to at once and needs no queue. The last one that leaves ends the task, and with
it a statement that still runs.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field

from api.engine_port import LiveResult, Take
from domain.live.events import LiveEvent, LiveEvents, SlowConsumer

QUEUED_BYTES = 512 * 1024
"""What may wait for one slow reader; with the buffers of its socket less than 1 MB."""
PORTION = 500
"""Subscribers told in one turn of the event loop: some ten milliseconds."""
KEPT_RESULTS = 256
"""For those who come back together, after a process was replaced, and ask for the same events."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """`opened`: personal fields that it shows unmasked, by customer; each reader's audit must say so."""

    event_id: int
    result: LiveResult
    opened: Mapping[int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a group does: which events it looks at, and what it makes of one (None: not for these viewers)."""

    kinds: frozenset[str]
    wants: Callable[[LiveEvent], bool]
    run: Callable[[LiveEvent], Awaitable[Delivery | None]]


class Listener:
    """What waits for one subscriber. `seen` is the last event that was handed over.

    `take` hands a result over without a task and says whether it could: only while nothing is before it.
    """

    __slots__ = ("_bell", "_fault", "_is_behind", "_take", "_waiting", "queued_bytes", "seen")

    def __init__(self, seen: int, take: Take | None = None) -> None:
        self.seen = seen
        self.queued_bytes = 0
        self._take = take
        self._waiting: deque[Delivery] = deque()
        self._is_behind = False
        self._fault: Exception | None = None
        self._bell: asyncio.Future[None] | None = None

    def offer(self, delivery: Delivery) -> None:
        """Never waits. Once something found no room the rest is dropped: the queue would hide a gap."""
        if self._is_behind or delivery.event_id <= self.seen or self._takes_now(delivery):
            return
        size = len(delivery.result.body)
        if self.queued_bytes + size > QUEUED_BYTES:
            self._is_behind = True
        else:
            self.queued_bytes += size
            self._waiting.append(delivery)
        self._ring()

    def _takes_now(self, delivery: Delivery) -> bool:
        """Who waits for the bell has sent all that came before; what is to be audited is not sent without a task."""
        if self._take is None or self._bell is None or self._bell.done() or delivery.opened:
            return False
        if not self._take(delivery.result):
            return False
        self.seen = delivery.event_id
        return True

    def fail(self, fault: Exception) -> None:
        self._fault = fault
        self._ring()

    def _ring(self) -> None:
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def next(self) -> Delivery:
        """Raises what ended the group, or SlowConsumer."""
        while not self._waiting:
            if self._fault is not None:
                raise self._fault
            if self._is_behind:
                raise SlowConsumer(self.seen)
            self._bell = asyncio.get_running_loop().create_future()
            await self._bell
        delivery = self._waiting.popleft()
        self.queued_bytes -= len(delivery.result.body)
        return delivery


class Group:
    """Everybody who asked the same; `after` is the last event before it began."""

    def __init__(self, live: LiveEvents, work: Work, after: int) -> None:
        self.listeners: set[Listener] = set()
        self.is_over = False
        self._live = live
        self._work = work
        self._results: OrderedDict[int, asyncio.Task[Delivery | None]] = OrderedDict()
        self._pump = asyncio.ensure_future(self._follow(after))

    def join(self, listener: Listener) -> Listener:
        self.listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """The last one puts out the light."""
        self.listeners.discard(listener)
        if self.listeners:
            return
        self.is_over = True
        self._pump.cancel()
        for task in self._results.values():
            task.cancel()

    async def result(self, event: LiveEvent) -> Delivery | None:
        task = self._results.get(event.event_id)
        if task is None:
            task = self._results[event.event_id] = asyncio.ensure_future(self._work.run(event))
            if len(self._results) > KEPT_RESULTS:
                self._results.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except Exception:
            self._results.pop(event.event_id, None)  # who comes back tries again
            raise

    async def _follow(self, after: int) -> None:
        try:
            while True:
                after = await self._follow_until_behind(after)
        except Exception as fault:  # noqa: BLE001 - it is raised where each subscriber waits
            self.is_over = True
            for listener in self.listeners:
                listener.fail(fault)

    async def _follow_until_behind(self, after: int) -> int:
        """Events come faster than they are executed: they wait where all are kept, not here."""
        try:
            async for event in self._live.subscribe(self._work.kinds, after=after):
                if self._work.wants(event):
                    await self._tell(await self.result(event))
        except SlowConsumer as behind:
            return behind.after
        raise RuntimeError("the live stream ended by itself")

    async def _tell(self, delivery: Delivery | None) -> None:
        """In portions: between them others are served, and some of those told last may have left."""
        if delivery is None:
            return
        listeners = list(self.listeners)
        for start in range(0, len(listeners), PORTION):
            for listener in listeners[start : start + PORTION]:
                if listener in self.listeners:
                    listener.offer(delivery)
            await asyncio.sleep(0)


@dataclass(slots=True)
class FanOut:
    """The groups of this process."""

    live: LiveEvents
    groups: dict[Hashable, Group] = field(default_factory=dict)

    async def follow(
        self, key: Hashable, work: Work, *, after: int | None, take: Take | None = None
    ) -> AsyncGenerator[Delivery, None]:
        """What happens from now on, or since `after`, each once and in order, but for what `take` takes.

        `key` says what `work` depends on. Raises StreamGap, SlowConsumer, StoreUnavailable.
        """
        newest = await self.live.newest_id()
        group = self._group(key, work, newest)
        listener = group.join(Listener(newest if after is None else after, take))
        try:
            if after is not None:
                async for event in self.live.replay(work.kinds, after=after, until=newest):
                    listener.seen = event.event_id
                    found = await group.result(event) if work.wants(event) else None
                    if found is not None:
                        yield found
            while True:
                delivery = await listener.next()
                if delivery.event_id > listener.seen:
                    listener.seen = delivery.event_id
                    yield delivery
        finally:
            group.leave(listener)
            if group.is_over and self.groups.get(key) is group:
                del self.groups[key]

    def _group(self, key: Hashable, work: Work, newest: int) -> Group:
        group = self.groups.get(key)
        if group is None or group.is_over:
            group = self.groups[key] = Group(self.live, work, newest)
        return group
