"""Worker processes killed again and again while they post notices: every one arrives, and says the same each time."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from shops import TestShop, event, open_shop, order
from told_shop import LOSE_LEASES
from webhook_receiver import Receiver, receiving
from worker_process import start_worker

from api.notices import AT_ONCE
from db.notice_feed import BEGIN

pytestmark = pytest.mark.slow

CUSTOMERS, KILLS, WORKERS = 150, 6, 2
PATIENCE_SECONDS = 120
EXPECTED = """
SELECT count(*) * 2 FROM tier_transitions WHERE policy_id = 0 AND from_rank IS NOT NULL AND to_rank <> from_rank
"""
OPEN = "SELECT count(*) FROM dirty_customers WHERE problem IS NULL"


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        await opened.pool.execute(BEGIN)
        yield opened


async def until_posted(receiver: Receiver, number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(receiver.posted) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def until_all_sent(shop: TestShop, notices: int) -> None:
    sent = "SELECT count(*) FROM notices WHERE status = 'SENT'"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await shop.pool.fetchval(sent) < notices:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_every_change_reaches_every_channel(shop: TestShop, tmp_path: Path, valkey_url: str) -> None:
    names = [f"c{number}" for number in range(CUSTOMERS)]
    await shop.add_customers(*names)
    await shop.review()
    await shop.ingest(*(event(name, order(name, 10_000_000)) for name in names))
    async with receiving() as receiver:
        receiver.delay_seconds = 0.05
        settings = {
            "C360_NOTICES_CHANNELS": '["SMS", "APP_PUSH"]',
            "C360_NOTICES_URL": receiver.url,
            "C360_NOTICES_SECRET": "sixteen letters!",
        }
        for turn in range(KILLS):
            workers = [await start_worker(shop, tmp_path, valkey_url, **settings) for _ in range(WORKERS)]
            await until_posted(receiver, len(receiver.posted) + 10 + turn)
            for worker in workers:
                worker.kill()
                await worker.wait()
            await shop.pool.execute(LOSE_LEASES)
        last = await start_worker(shop, tmp_path, valkey_url, **settings)
        await until_all_sent(shop, 2 * CUSTOMERS)
        last.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(last.wait(), PATIENCE_SECONDS) == 0

    assert await shop.pool.fetchval(OPEN) == 0
    bodies = defaultdict(set)
    for posted in receiver.posted:
        bodies[posted.headers["idempotency-key"]].add(posted.body)
    assert len(bodies) == await shop.pool.fetchval(EXPECTED) == 2 * CUSTOMERS
    assert all(len(said) == 1 for said in bodies.values())
    assert await shop.pool.fetchval("SELECT count(*) FROM notices WHERE status <> 'SENT'") == 0
    again = len(receiver.posted) - len(bodies)
    assert 0 < again <= KILLS * WORKERS * AT_ONCE, "or nothing was ever cut short"
