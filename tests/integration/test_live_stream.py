"""The live stream over a real Valkey and a real outbox: in order, once each, none lost, whatever is away."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from db.live_stream import StreamPublisher, StreamReader, connect_stream
from db.live_subscribers import Subscribers
from db.outbox_events import OutboxTable
from db.read_pool import ReadPool
from db.tables.machinery import outbox
from domain.errors import StoreUnavailable
from domain.live.events import LiveEvent, SlowConsumer, StreamGap

TIER = frozenset({"TIER_CHANGED"})
NOWHERE = "redis://127.0.0.1:1/0"


class House:
    """One database, one stream, and what a process makes of them."""

    def __init__(self, pool: ReadPool, writer: "asyncpg.Connection[Any]", valkey_url: str) -> None:
        self.pool = pool
        self.writer = writer
        self.outbox = OutboxTable(pool)
        self.key = f"live-test:{uuid.uuid4().hex}"
        self.client = connect_stream(valkey_url)
        self.valkey_url = valkey_url
        self.publisher = StreamPublisher(self.client, key=self.key)

    async def commit(self, count: int, kind: str = "TIER_CHANGED") -> list[int]:
        rows = await self.writer.fetch(
            "INSERT INTO outbox (kind, customer_id, payload) "
            "SELECT $1, n, jsonb_build_object('n', n) FROM generate_series(1, $2::int) n RETURNING event_id",
            kind,
            count,
        )
        return [row[0] for row in rows]

    @asynccontextmanager
    async def process(self, url: str | None = None, **bounds: int) -> AsyncIterator[Subscribers]:
        subscribers = Subscribers(self.outbox, **bounds)
        reader = StreamReader(
            lambda: connect_stream(url or self.valkey_url), self.outbox, subscribers, key=self.key
        )
        running = asyncio.create_task(reader.run())
        yield subscribers
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def house(database_url: str, valkey_url: str) -> AsyncIterator[House]:
    pool = ReadPool(database_url)
    writer = await asyncpg.connect(database_url)
    await writer.execute("DROP TABLE IF EXISTS outbox")
    await writer.execute(str(CreateTable(outbox).compile(dialect=postgresql.dialect())))
    house = House(pool, writer, valkey_url)
    yield house
    await house.client.delete(house.key)
    await house.client.aclose()
    await writer.close()
    await pool.close()


async def take(subscribers: Subscribers, count: int, after: int | None = None) -> list[int]:
    """The ids of the next `count` events."""
    ids: list[int] = []
    events = subscribers.subscribe(TIER, after=after)
    async with asyncio.timeout(15):
        async for event in events:
            ids.append(event.event_id)
            if len(ids) == count:
                break
    await events.aclose()
    return ids


async def started(subscribers: Subscribers) -> None:
    await asyncio.wait_for(subscribers._started.wait(), 5)


async def listening(
    subscribers: Subscribers, count: int, after: int | None = None
) -> "asyncio.Task[list[int]]":
    await started(subscribers)
    task = asyncio.create_task(take(subscribers, count, after))
    await asyncio.sleep(0.05)
    return task


async def relay_all(house: House) -> int:
    total = 0
    while added := await house.publisher.relay(house.outbox):
        total += added
    return total


async def test_a_published_event_reaches_every_subscriber_of_every_process(house: House) -> None:
    async with house.process() as one, house.process() as other:
        waiting = [await listening(one, 3), await listening(one, 3), await listening(other, 3)]
        ids = await house.commit(3)

        await relay_all(house)

        assert await asyncio.gather(*waiting) == [ids, ids, ids]


async def test_an_event_arrives_with_its_kind_customer_and_payload(house: House) -> None:
    async with house.process() as subscribers:
        await started(subscribers)
        events = subscribers.subscribe(TIER)
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)
        [number] = await house.commit(1)
        await relay_all(house)

        event = await asyncio.wait_for(first, 5)
        await events.aclose()
        assert event == LiveEvent(event_id=number, kind="TIER_CHANGED", customer_id=1, payload={"n": 1})


async def test_publishing_twice_is_publishing_once(house: House) -> None:
    ids = await house.commit(3)
    events = await house.outbox.read_after(0, 10)

    first = await house.publisher.publish(events, previous_id=0)
    again = await house.publisher.publish(events, previous_id=0)

    entries = await house.client.xrange(house.key)
    assert (first, again) == (3, 0)
    assert [entry_id for entry_id, _ in entries] == [f"{number}-0" for number in ids]


async def test_two_publishers_at_once_leave_each_event_once_and_in_order(house: House) -> None:
    await house.commit(1)
    await relay_all(house)
    ids = await house.commit(400)
    other = StreamPublisher(house.client, key=house.key)

    await asyncio.gather(relay_all(house), other.relay(house.outbox), other.relay(house.outbox))

    entries = await house.client.xrange(house.key)
    assert [int(str(entry_id).partition("-")[0]) for entry_id, _ in entries] == [1, *ids]


async def test_other_kinds_are_not_delivered(house: House) -> None:
    async with house.process() as subscribers:
        waiting = await listening(subscribers, 1)
        await house.commit(2, kind="ORDER_ACCEPTED")
        [wanted] = await house.commit(1)
        await relay_all(house)

        assert await waiting == [wanted]


async def test_a_subscriber_resumes_after_the_last_event_it_saw(house: House) -> None:
    ids = await house.commit(10)
    async with house.process() as subscribers:
        await relay_all(house)
        waiting = await listening(subscribers, 7, after=ids[4])
        more = await house.commit(2)
        await relay_all(house)

        assert await waiting == ids[5:] + more


async def test_a_resume_older_than_the_memory_comes_from_the_outbox(house: House) -> None:
    async with house.process(remembered_events=3) as subscribers:
        await started(subscribers)
        ids = await house.commit(1200)
        await relay_all(house)
        while subscribers.position != ids[-1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

        assert await take(subscribers, 1190, after=ids[9]) == ids[10:]


async def test_a_gap_too_old_to_replay_is_an_error_and_never_silence(house: House) -> None:
    ids = await house.commit(10)
    await house.writer.execute("DELETE FROM outbox WHERE event_id <= $1", ids[5])
    async with house.process(remembered_events=2) as subscribers:
        await started(subscribers)

        with pytest.raises(StreamGap, match=f"Events after {ids[2]} are no longer kept"):
            await take(subscribers, 1, after=ids[2])


async def test_a_replay_past_its_bound_is_a_gap(house: House) -> None:
    ids = await house.commit(1600)
    async with house.process(remembered_events=2, replayed_events=1000) as subscribers:
        await started(subscribers)

        with pytest.raises(StreamGap):
            await take(subscribers, 1600, after=ids[0])


async def test_an_unknown_cursor_of_the_future_is_a_gap(house: House) -> None:
    await house.commit(1)
    async with house.process() as subscribers:
        await started(subscribers)

        with pytest.raises(StreamGap):
            await take(subscribers, 1, after=9_999)


async def test_without_valkey_events_come_from_the_outbox(house: House) -> None:
    async with house.process(NOWHERE) as subscribers:
        waiting = await listening(subscribers, 3)
        ids = await house.commit(3)

        assert await waiting == ids


async def test_events_that_nobody_published_still_arrive(house: House) -> None:
    await house.commit(1)
    await relay_all(house)
    async with house.process() as subscribers:
        waiting = await listening(subscribers, 2)
        ids = await house.commit(2)

        assert await waiting == ids


async def test_a_stream_that_lost_everything_loses_no_event(house: House) -> None:
    async with house.process() as subscribers:
        waiting = await listening(subscribers, 9)
        first = await house.commit(3)
        await relay_all(house)
        await house.client.delete(house.key)
        second = await house.commit(3)
        await relay_all(house)
        third = await house.commit(3)
        await relay_all(house)

        assert await waiting == first + second + third


async def test_a_trimmed_stream_is_filled_from_the_outbox(house: House) -> None:
    ids = await house.commit(40)
    async with house.process(NOWHERE) as subscribers:
        await started(subscribers)
    await relay_all(house)
    more = await house.commit(40)
    await relay_all(house)
    await house.client.xtrim(house.key, maxlen=5, approximate=False)
    late = Subscribers(house.outbox)
    late.start_at(ids[0])
    reader = StreamReader(lambda: connect_stream(house.valkey_url), house.outbox, late, key=house.key)
    running = asyncio.create_task(reader.run())

    waiting = await listening(late, 79)

    assert await waiting == [*ids[1:], *more]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_reader_that_falls_behind_is_told_where_to_resume(house: House) -> None:
    async with house.process(queued_events=5) as subscribers:
        await started(subscribers)
        events = subscribers.subscribe(TIER)
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)
        ids = await house.commit(50)
        await relay_all(house)
        await first
        while subscribers.position != ids[-1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

        seen = [first.result().event_id]
        with pytest.raises(SlowConsumer) as caught:  # noqa: PT012
            async for event in events:
                seen.append(event.event_id)

        assert seen == ids[: len(seen)]
        assert caught.value.after == seen[-1]
        assert await take(subscribers, 50 - len(seen), after=seen[-1]) == ids[len(seen) :]


async def test_a_stream_from_before_a_restored_database_is_dropped(house: House) -> None:
    stale = [LiveEvent(event_id=500, kind="TIER_CHANGED", customer_id=1, payload={})]
    await house.publisher.publish(stale, previous_id=None)
    ids = await house.commit(2)

    await house.publisher.relay(house.outbox)
    await house.publisher.relay(house.outbox)

    entries = await house.client.xrange(house.key)
    assert [entry_id for entry_id, _ in entries] == [f"{ids[-1]}-0"]


async def test_a_publisher_without_valkey_says_so(house: House) -> None:
    await house.commit(1)
    events = await house.outbox.read_after(0, 10)
    publisher = StreamPublisher(connect_stream(NOWHERE), key=house.key)

    with pytest.raises(StoreUnavailable, match="cache"):
        await publisher.publish(events, previous_id=0)
    with pytest.raises(StoreUnavailable, match="cache"):
        await publisher.relay(house.outbox)


async def test_the_memory_of_a_gone_subscriber_goes_with_it(house: House) -> None:
    async with house.process() as subscribers:
        waiting = await listening(subscribers, 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        assert subscribers._by_kind == {}


def test_payloads_keep_chinese_text_as_it_is() -> None:
    from db.live_stream import _fields

    fields = _fields(LiveEvent(event_id=1, kind="K", customer_id=None, payload={"to": "金"}), None)

    assert fields == {"kind": "K", "customer": "", "payload": '{"to":"金"}', "previous": ""}
    assert json.loads(fields["payload"]) == {"to": "金"}
