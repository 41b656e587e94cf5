"""Notices as part of a worker: queued and sent without being asked for, beside everything else that it does."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from shops import TestShop, event, open_shop, order
from webhook_receiver import receiving

from api.settings import Settings
from api.worker import run_worker
from db.cache_line import CacheLine
from db.cache_versions import CacheVersions
from db.notice_feed import BEGIN, NoticeFeed
from domain.notices.notice import MessageChannel

PATIENCE_SECONDS = 30
SMS = (MessageChannel.SMS,)


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    """Of ann, in bronze."""
    async with open_shop(migrated_database_url) as opened:
        await opened.add_customers("ann")
        await opened.review()
        await opened.pool.execute(BEGIN)
        yield opened


@asynccontextmanager
async def working(shop: TestShop, settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    versions = CacheVersions(CacheLine(url="unix:///nowhere"))
    running = asyncio.create_task(run_worker(settings, shop.stores, stop, versions))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, PATIENCE_SECONDS)


async def until(shop: TestShop, question: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await shop.pool.fetchval(question):  # noqa: ASYNC110 - the state is in the database
            await asyncio.sleep(0.02)


def rise() -> object:
    return event("ann", order("1", 10_000_000))


async def test_an_order_is_told_without_being_asked_for(
    shop: TestShop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c360.notices")

    async with working(shop, Settings(clock=shop.now, notices_channels=(*SMS, *SMS))):
        await shop.ingest(rise())
        await until(shop, "SELECT EXISTS (SELECT FROM notices WHERE status = 'SENT')")

    lines = [record.__dict__["fields"] for record in caplog.records]
    assert [(line["channel"], line["to"]) for line in lines if "to" in line] == [("SMS", "GOLD")]
    assert lines[-1] == {"sent": 1, "failed": 0, "again": 0}


async def test_without_a_channel_nobody_is_told_and_nothing_is_queued(shop: TestShop) -> None:
    async with working(shop, Settings(clock=shop.now)):
        await shop.ingest(rise())
        await until(shop, "SELECT rank = 3 FROM tier_standings WHERE policy_id = 0")
        await asyncio.sleep(0.1)

    assert await shop.pool.fetchval("SELECT count(*) FROM notices") == 0


async def test_at_its_end_a_worker_hears_the_answers_under_way(shop: TestShop) -> None:
    async with receiving() as receiver:
        receiver.delay_seconds = 0.5
        settings = Settings(
            clock=shop.now,
            notices_channels=SMS,
            notices_url=receiver.url,
            notices_secret="sixteen letters!",
        )
        async with working(shop, settings):
            await shop.ingest(rise())
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not receiver.posted:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    assert await shop.pool.fetchval("SELECT status FROM notices") == "SENT"
    assert len(receiver.posted) == 1


async def test_a_fault_pauses_notices_and_nothing_else(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queue, faults = NoticeFeed.queue, iter([RuntimeError("a fault")])

    async def faulty(feed: NoticeFeed) -> bool:
        for fault in faults:
            raise fault
        return await queue(feed)

    monkeypatch.setattr(NoticeFeed, "queue", faulty)
    caplog.set_level(logging.ERROR, "c360.notices")

    async with working(shop, Settings(clock=shop.now, notices_channels=SMS)):
        await shop.ingest(rise())
        await until(shop, "SELECT EXISTS (SELECT FROM notices WHERE status = 'SENT')")

    assert [record.getMessage() for record in caplog.records] == ["notices pause"]


async def test_a_policy_that_is_not_there_is_said_in_the_log(
    shop: TestShop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "c360.notices")
    settings = Settings(
        clock=shop.now, notices_channels=SMS, notices_policies=("kuailv_grad", "wanxiang_value")
    )

    async with working(shop, settings), asyncio.timeout(PATIENCE_SECONDS):
        while not caplog.records:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert [record.__dict__["fields"] for record in caplog.records] == [{"policy": "kuailv_grad"}]
