"""Notices over a real database: one for each change and channel, sent at least once, given up in the end (S0-14)."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from shops import event, open_shop, order
from told_shop import BOTH, LOSE_LEASES, Recorder, ToldShop, drain

from api.notices import NoticeFigures
from db import notice_feed
from db.notice_store import PostgresNoticeStore
from db.read_pool import ReadPool
from domain.notices.notice import MessageStatus
from domain.notices.send_notices import CUT_SHORT, Outcome

ROSE = ("TIER_CHANGED", "BRONZE", "GOLD")
STATE = (
    "SELECT status, attempts, problem, extract(epoch FROM due_at - now()) FROM notices WHERE channel = 'SMS'"
)


@pytest_asyncio.fixture
async def told(migrated_database_url: str) -> AsyncIterator[ToldShop]:
    """Of ann and bob, in bronze, of whom nothing is to be told yet."""
    async with open_shop(migrated_database_url) as shop:
        await shop.add_customers("ann", "bob")
        await shop.review()
        found = ToldShop(shop)
        await found.desk().begin()
        yield found


async def sms_state(told: ToldShop) -> tuple[Any, ...]:
    status, attempts, problem, wait = await told.shop.pool.fetchrow(STATE)
    return status, attempts, problem, round(wait)


async def test_a_rise_is_told_once_by_each_channel(told: ToldShop) -> None:
    await told.rises("ann")

    await drain(told.desk())

    assert await told.notices() == [
        ("ann", "APP_PUSH", *ROSE, "SENT", 1),
        ("ann", "SMS", *ROSE, "SENT", 1),
    ]
    transition = await told.shop.pool.fetchrow(
        "SELECT transition_id, effective_at FROM tier_transitions WHERE from_rank = 1 AND policy_id = 0"
    )
    sent = {notice.channel.value: json.loads(notice.body()) for notice in told.sender.taken}
    ids = {notice.channel.value: notice.message_id for notice in told.sender.taken}
    assert sorted(sent) == sorted(BOTH)
    assert sent["SMS"] == {
        "id": ids["SMS"],
        "kind": "TIER_CHANGED",
        "channel": "SMS",
        "customer": f"cus_{await told.shop.customer_id('ann')}",
        "policy": "kuailv_grade",
        "transition": f"ttr_{transition['transition_id']}",
        "change": "UPGRADED",
        "from": "BRONZE",
        "to": "GOLD",
        "effectiveAt": transition["effective_at"].isoformat(),
    }


async def test_following_the_outbox_again_from_the_start_tells_nothing_twice(told: ToldShop) -> None:
    await told.rises("ann")
    await drain(told.desk())
    before = await told.notices()
    await told.shop.pool.execute("UPDATE feed_positions SET event_id = 0")

    await drain(told.desk())

    assert await told.notices() == before
    assert len(told.sender.taken) == 2


async def test_the_first_tier_and_what_was_before_are_told_to_nobody(told: ToldShop) -> None:
    await told.rises("ann")
    await told.shop.pool.execute("DELETE FROM feed_positions")
    desk = told.desk()
    await desk.begin()
    await told.shop.add_customers("eve")
    await told.shop.review()

    await drain(desk)

    assert await told.shop.pool.fetchval("SELECT count(*) FROM tier_transitions WHERE kind = 'JOINED'") > 10
    assert await told.notices() == []


async def test_beginning_again_loses_no_place(told: ToldShop) -> None:
    await told.rises("ann")

    desk = told.desk()
    await desk.begin()
    await drain(desk)

    assert len(await told.notices()) == 2


async def test_a_decision_that_leaves_the_tier_as_it_was_is_not_told(told: ToldShop) -> None:
    await told.rises("ann")
    await told.shop.pool.execute("UPDATE tier_transitions SET kind = 'PROLONGED', from_rank = to_rank")

    await drain(told.desk())

    assert await told.notices() == []


async def test_a_tier_that_is_lost_without_another_is_told_as_well(told: ToldShop) -> None:
    await told.rises("ann")
    await told.shop.pool.execute("UPDATE tier_transitions SET kind = 'LEFT', to_rank = NULL")

    await drain(told.desk(channels=("WECOM",)))

    assert await told.notices() == [("ann", "WECOM", "TIER_CHANGED", "BRONZE", None, "SENT", 1)]


async def test_only_changes_of_the_chosen_policies_are_told(told: ToldShop) -> None:
    await told.rises("ann")

    await drain(told.desk(policies=("wanxiang_value", "nothing"), channels=("SMS",)))

    assert [notice.content["policy"] for notice in told.sender.taken] == ["wanxiang_value"]
    assert await told.desk(policies=("wanxiang_value", "nothing")).feed.unknown_policies() == ["nothing"]


async def test_who_is_almost_there_is_reminded(told: ToldShop) -> None:
    """S0-16: 37 points, three from silver, see the tests of signals."""
    await told.shop.ingest(event("ann", order("1", 100_000)))
    await told.shop.review()
    await told.shop.ingest(event("ann", order("2", 900_000)))
    await told.shop.review()

    await drain(told.desk(channels=("APP_PUSH",)))

    (notice,) = told.sender.taken
    assert (notice.kind.value, notice.content) == (
        "TIER_ALMOST_THERE",
        {"policy": "kuailv_grade", "tier": "BRONZE", "nextTier": "SILVER", "period": "2026-11"},
    )


async def test_what_is_older_than_a_day_is_not_told_any_more(told: ToldShop) -> None:
    await told.rises("ann")
    await told.shop.pool.execute("UPDATE outbox SET created_at = now() - interval '25 hours'")
    await told.rises("bob")

    await drain(told.desk())

    assert {row[0] for row in await told.notices()} == {"bob"}


async def test_while_nothing_happens_nothing_is_written(told: ToldShop) -> None:
    await told.rises("ann")
    await drain(told.desk())
    place = "SELECT event_id, xmin::text, xmax::text FROM feed_positions"
    before = await told.shop.pool.fetchrow(place)

    assert await told.desk().round() is False

    assert await told.shop.pool.fetchrow(place) == before


async def test_many_events_are_followed_in_batches(told: ToldShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_feed, "BATCH", 3)
    await told.rises("ann", "bob")

    await drain(told.desk())

    assert Counter(row[0] for row in await told.notices()) == {"ann": 2, "bob": 2}


async def test_a_failure_is_tried_again_later_and_given_up_after_the_last(told: ToldShop) -> None:
    await told.rises("ann")
    desk = told.desk(Recorder(lambda _: "answered with status 503"), channels=("SMS",), attempts=3)
    states = []

    for _ in range(4):
        await drain(desk)
        states.append(await sms_state(told))
        await told.shop.pool.execute(LOSE_LEASES)

    assert states == [
        ("QUEUED", 1, "answered with status 503", 10),
        ("QUEUED", 2, "answered with status 503", 20),
        ("FAILED", 3, "answered with status 503", 0),
        ("FAILED", 3, "answered with status 503", 0),
    ]


async def test_before_its_time_nothing_is_tried_again(told: ToldShop) -> None:
    await told.rises("ann")
    desk = told.desk(Recorder(lambda _: "no"), channels=("SMS",))

    await drain(desk)
    await drain(desk)

    assert (await sms_state(told))[:2] == ("QUEUED", 1)


async def test_what_a_killed_worker_had_taken_is_sent_by_another_with_the_same_id_and_words(
    told: ToldShop,
) -> None:
    await told.rises("ann")
    await told.desk(channels=("SMS",)).feed.queue()
    store = PostgresNoticeStore(told.shop.pool, told.forget)
    (lost,) = await store.take(10)
    assert await store.take(10) == []

    await told.shop.pool.execute(LOSE_LEASES)
    await drain(told.desk())

    (again,) = told.sender.taken
    assert (again.message_id, again.body(), again.attempt) == (lost.message_id, lost.body(), 2)
    assert (await sms_state(told))[:2] == ("SENT", 2)


async def test_a_lease_is_longer_than_an_attempt(told: ToldShop) -> None:
    await told.rises("ann")
    await told.desk(channels=("SMS",)).feed.queue()
    await PostgresNoticeStore(told.shop.pool, told.forget).take(10)

    assert await sms_state(told) == ("QUEUED", 1, None, 60)


async def test_who_settles_too_late_settles_nothing(told: ToldShop) -> None:
    await told.rises("ann")
    await told.desk(channels=("SMS",)).feed.queue()
    store = PostgresNoticeStore(told.shop.pool, told.forget)
    (slow,) = await store.take(10)
    await told.shop.pool.execute(LOSE_LEASES)
    (fast,) = await store.take(10)

    await store.settle(slow, Outcome(status=MessageStatus.FAILED, problem="too late"))

    assert await sms_state(told) == ("QUEUED", 2, None, 60)
    await store.settle(fast, Outcome(status=MessageStatus.SENT))
    await store.settle(fast, Outcome(status=MessageStatus.FAILED, problem="twice"))
    assert (await sms_state(told))[:3] == ("SENT", 2, None)


async def test_attempts_that_end_their_worker_are_counted(told: ToldShop) -> None:
    """Otherwise a notice that kills workers would kill them for ever."""
    await told.rises("ann")
    await told.desk(channels=("SMS",)).feed.queue()
    for _ in range(2):
        await PostgresNoticeStore(told.shop.pool, told.forget).take(10)
        await told.shop.pool.execute(LOSE_LEASES)

    await drain(told.desk(attempts=2))

    assert (await sms_state(told))[:3] == ("FAILED", 3, CUT_SHORT)
    assert told.sender.taken == []


async def test_a_later_notice_waits_for_the_one_before_by_its_channel(told: ToldShop) -> None:
    refusing = Recorder(lambda notice: "no" if notice.channel.value == "SMS" else None)
    await told.rises("ann")
    await drain(told.desk(refusing))
    await told.shop.pool.execute(
        """INSERT INTO notices (customer_id, event_id, channel, kind, content)
           SELECT customer_id, event_id + 1000, channel, kind, content FROM notices"""
    )

    await drain(told.desk())

    assert [(notice.channel.value, notice.attempt) for notice in told.sender.taken] == [("APP_PUSH", 1)]
    await told.shop.pool.execute(LOSE_LEASES)
    await drain(told.desk())
    await drain(told.desk())
    later = [notice.event_id for notice in told.sender.taken if notice.channel.value == "SMS"]
    assert later == sorted(later)
    assert len(later) == 2


async def test_several_workers_send_each_notice_once(told: ToldShop) -> None:
    names = [f"c{number}" for number in range(60)]
    await told.shop.add_customers(*names)
    await told.shop.review()
    await told.rises(*names)
    senders = [Recorder(seconds=0.002) for _ in range(4)]

    await told.desk().feed.queue()

    await asyncio.gather(*(drain(told.desk(sender)) for sender in senders))

    sent = Counter(notice.message_id for sender in senders for notice in sender.taken)
    assert len(sent) == 120
    assert set(sent.values()) == {1}
    assert sum(1 for sender in senders if sender.taken) > 1, "or this test would show nothing"
    assert {row[5:] for row in await told.notices()} == {("SENT", 1)}


async def test_kept_answers_about_a_customer_are_dropped_with_each_step(told: ToldShop) -> None:
    await told.rises("ann")
    ann = await told.shop.customer_id("ann")
    desk = told.desk(channels=("SMS",))

    await desk.feed.queue()
    assert told.changed == [ann]
    await drain(desk)

    assert told.changed == [ann] * 3, "queued, taken, settled"


async def test_figures_say_how_many_wait_were_sent_and_were_given_up(told: ToldShop) -> None:
    reads = ReadPool(told.shop.stores.database_url)
    figures = NoticeFigures(reads)
    await told.rises("ann", "bob")
    await told.desk().feed.queue()
    desk = told.desk(Recorder(lambda notice: "no" if notice.channel.value == "SMS" else None), attempts=1)
    shown = []

    await figures.count()
    shown.append({gauge.name: gauge.read() for gauge in figures.gauges()})
    await drain(desk)
    await figures.count()
    shown.append({gauge.name: gauge.read() for gauge in figures.gauges()})
    await reads.close()

    assert shown == [
        {"notices_waiting": 4, "notices_sent": 0, "notices_failed": 0},
        {"notices_waiting": 0, "notices_sent": 2, "notices_failed": 2},
    ]


async def test_figures_are_no_numbers_while_the_database_is_away() -> None:
    reads = ReadPool("postgresql://nobody@127.0.0.1:1/nothing")
    figures = NoticeFigures(reads)

    await figures.count()
    await reads.close()

    assert all(gauge.read() != gauge.read() for gauge in figures.gauges())
