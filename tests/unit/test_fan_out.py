"""Who asks alike shares one execution; who is slow costs a bounded queue and nobody else a moment."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from api.engine_port import LiveResult, Take
from api.fan_out import PORTION, QUEUED_BYTES, Delivery, FanOut, Work
from db.live_subscribers import Subscribers
from domain.errors import StoreUnavailable
from domain.live.events import LiveEvent, SlowConsumer, StreamGap

KIND = "TIER_CHANGED"


class NoOutbox:
    async def newest_id(self) -> int:
        return 0

    async def has(self, event_id: int) -> bool:
        return False

    async def read_after(self, event_id: int, limit: int) -> list[LiveEvent]:
        return []


@dataclass(slots=True)
class Runs:
    """Executions so far; `bytes_each` is the size of a result, `gate` holds them up."""

    events: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    bytes_each: int = 10
    fault: Exception | None = None
    opened: Mapping[int, frozenset[str]] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, event: LiveEvent) -> Delivery | None:
        self.events.append(event.event_id)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(event.event_id)
            raise
        if self.fault:
            raise self.fault
        return Delivery(event.event_id, LiveResult(b"x" * self.bytes_each, str(event.event_id)), self.opened)

    def work(self) -> Work:
        return Work(frozenset({KIND}), lambda event: event.payload["policy"] == "p", self.run)


@dataclass(slots=True)
class Station:
    """A live stream, its fan-out, and what it executed."""

    subscribers: Subscribers
    fan_out: FanOut
    runs: Runs

    def deliver(self, *ids: int, policy: str = "p") -> None:
        for event_id in ids:
            self.subscribers.deliver(event(event_id, policy))

    def follow(
        self, key: str = "k", after: int | None = None, take: Take | None = None
    ) -> AsyncGenerator[Delivery, None]:
        return self.fan_out.follow(key, self.runs.work(), after=after, take=take)


def event(event_id: int, policy: str = "p") -> LiveEvent:
    return LiveEvent(event_id=event_id, kind=KIND, customer_id=1, payload={"policy": policy})


def station(**settings: Any) -> Station:
    subscribers = Subscribers(NoOutbox(), **settings)
    subscribers.start_at(0)
    runs = Runs()
    runs.gate.set()
    return Station(subscribers, FanOut(subscribers), runs)


async def take(stream: AsyncGenerator[Delivery, None], number: int) -> list[int]:
    async with asyncio.timeout(5):
        return [(await anext(stream)).event_id for _ in range(number)]


async def started(live: Station, number: int, **more: Any) -> list["asyncio.Task[list[int]]"]:
    """Tasks that each take one delivery, once all of them listen."""
    tasks = [asyncio.create_task(take(live.follow(**more), 1)) for _ in range(number)]
    await asyncio.sleep(0.01)
    return tasks


async def test_a_thousand_who_ask_alike_cost_one_execution_an_event() -> None:
    live = station()
    tasks = await started(live, 1000)

    live.deliver(1)

    assert await asyncio.gather(*tasks) == [[1]] * 1000
    assert live.runs.events == [1]


async def test_they_are_handed_the_same_object() -> None:
    live = station()
    streams = [live.follow() for _ in range(2)]
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.01)
    live.deliver(1)
    first, second = await asyncio.gather(*waiting)

    assert first.result is second.result
    for stream in streams:
        await stream.aclose()


async def test_who_asks_something_else_is_executed_apart() -> None:
    live = station()
    tasks = await started(live, 2) + await started(live, 2, key="other")

    live.deliver(1)

    await asyncio.gather(*tasks)
    assert live.runs.events == [1, 1]


async def test_an_event_that_nobody_wants_is_not_executed() -> None:
    live = station()
    tasks = await started(live, 1)

    live.deliver(1, policy="other")
    live.deliver(2)

    assert await asyncio.gather(*tasks) == [[2]]
    assert live.runs.events == [2]


async def test_who_resumes_gets_the_past_and_then_the_present_each_once_and_in_order() -> None:
    live = station()
    tasks = await started(live, 1)
    live.deliver(*range(1, 6))
    await asyncio.gather(*tasks)
    stream = live.follow(after=2)

    seen = await take(stream, 3)
    live.deliver(6, 7)

    assert seen + await take(stream, 2) == [3, 4, 5, 6, 7]
    await stream.aclose()


async def test_many_who_resume_together_share_what_is_executed_for_the_past() -> None:
    live = station()
    live.deliver(*range(1, 6))
    streams = [live.follow(after=0) for _ in range(100)]

    found = await asyncio.gather(*(take(stream, 5) for stream in streams))

    assert found == [[1, 2, 3, 4, 5]] * 100
    assert live.runs.events == [1, 2, 3, 4, 5]
    for stream in streams:
        await stream.aclose()


async def test_more_events_than_a_group_can_queue_are_taken_from_memory_and_none_is_lost() -> None:
    live = station(queued_events=3)
    live.runs.gate.clear()
    stream = live.follow()
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)

    live.deliver(*range(1, 50))
    await asyncio.sleep(0.01)
    live.runs.gate.set()

    assert [(await first).event_id, *await take(stream, 48)] == list(range(1, 50))
    await stream.aclose()


async def test_a_slow_reader_holds_a_bounded_queue_is_told_and_delays_nobody() -> None:
    live = station()
    live.runs.bytes_each = QUEUED_BYTES // 10
    slow, quick = live.follow(), live.follow()
    waiting = [asyncio.ensure_future(anext(stream)) for stream in (slow, quick)]
    await asyncio.sleep(0.01)
    live.deliver(1)
    await asyncio.gather(*waiting)

    for number in range(2, 40):
        live.deliver(number)
        assert await take(quick, 1) == [number]
    (group,) = live.fan_out.groups.values()
    assert max(listener.queued_bytes for listener in group.listeners) <= QUEUED_BYTES

    told = await take(slow, 10)
    with pytest.raises(SlowConsumer) as behind:
        await take(slow, 1)

    assert told == list(range(2, 12))
    assert behind.value.after == 11
    await quick.aclose()


@dataclass(slots=True)
class Reader:
    """Takes what it is offered while it keeps up, and gets the rest the ordinary way."""

    keeps_up: bool = True
    taken: list[str | None] = field(default_factory=list)

    def take(self, result: LiveResult) -> bool:
        if self.keeps_up:
            self.taken.append(result.event_id)
        return self.keeps_up


async def test_who_keeps_up_is_handed_results_without_a_task() -> None:
    live, reader = station(), Reader()
    stream = live.follow(take=reader.take)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)

    live.deliver(1, 2, 3)
    await asyncio.sleep(0.01)
    assert (reader.taken, waiting.done()) == (["1", "2", "3"], False)

    reader.keeps_up = False
    live.deliver(4, 5)
    assert (await waiting).event_id == 4
    reader.keeps_up = True
    live.deliver(6)
    await asyncio.sleep(0.01)
    assert await take(stream, 2) == [5, 6]  # what came before goes before
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    live.deliver(7)
    await asyncio.sleep(0.01)
    assert reader.taken == ["1", "2", "3", "7"]
    waiting.cancel()


async def test_who_resumes_is_handed_the_past_before_the_present() -> None:
    live, reader = station(), Reader()
    tasks = await started(live, 1)
    live.deliver(1, 2)
    await asyncio.gather(*tasks)
    stream = live.follow(after=0, take=reader.take)

    assert await take(stream, 1) == [1]
    live.deliver(3)
    await asyncio.sleep(0.01)
    assert await take(stream, 2) == [2, 3]
    assert reader.taken == []
    await stream.aclose()


async def test_unmasked_values_are_handed_over_by_a_task_alone() -> None:
    """It writes the audit first."""
    live, reader = station(), Reader()
    live.runs.opened = {1: frozenset({"phone"})}
    stream = live.follow(take=reader.take)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)

    live.deliver(1)

    assert ((await waiting).event_id, reader.taken) == (1, [])
    await stream.aclose()


async def test_who_leaves_while_others_are_told_is_told_nothing_more() -> None:
    live = station()
    readers = [Reader() for _ in range(PORTION + 2)]
    streams = [live.follow(take=reader.take) for reader in readers]
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.05)

    live.deliver(1)
    while not any(reader.taken for reader in readers):  # noqa: ASYNC110
        await asyncio.sleep(0)
    late = [number for number, reader in enumerate(readers) if not reader.taken]
    waiting[late[0]].cancel()
    await asyncio.sleep(0.05)

    assert len(late) == 2
    assert [readers[number].taken for number in late] == [[], ["1"]]
    for task in waiting:
        task.cancel()


async def test_the_last_who_leaves_ends_the_execution_and_the_group() -> None:
    live = station()
    live.runs.gate.clear()
    tasks = await started(live, 2)
    live.deliver(1)
    await asyncio.sleep(0.01)

    tasks[0].cancel()
    await asyncio.sleep(0.01)
    assert live.runs.cancelled == []
    tasks[1].cancel()
    await asyncio.sleep(0.01)

    assert live.runs.cancelled == [1]
    assert live.fan_out.groups == {}


async def test_a_store_that_is_away_ends_all_and_who_comes_back_starts_anew() -> None:
    live = station()
    live.runs.fault = StoreUnavailable("postgres")
    tasks = await started(live, 3)
    live.deliver(1)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in ended] == [StoreUnavailable] * 3

    live.runs.fault = None
    stream = live.follow(after=0)

    assert await take(stream, 1) == [1]
    await stream.aclose()


async def test_a_past_that_is_no_longer_kept_is_a_gap() -> None:
    live = station(remembered_events=2)
    live.deliver(*range(1, 9))

    with pytest.raises(StreamGap):
        await take(live.follow(after=1), 1)
    assert live.fan_out.groups == {}
