"""A worker process killed again and again in the middle of its work loses nothing and does nothing twice."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from shops import TestShop, days, event, open_shop, order
from worker_process import start_worker

pytestmark = pytest.mark.slow

KILLS = 10
BATCHES, BATCH_SIZE = 40, 50
CUSTOMERS = 100
PATIENCE_SECONDS = 120


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        yield opened


async def ingest_everything(shop: TestShop) -> None:
    for number in range(BATCHES):
        names = [f"c{(number * 7 + place) % CUSTOMERS}" for place in range(BATCH_SIZE)]
        orders = [
            event(name, order(f"{name}-{number}-{place}", number * 90_000), ago=days(BATCHES - number))
            for place, name in enumerate(names)
        ]
        result = await shop.ingest(*orders)
        assert result.accepted == BATCH_SIZE
        await asyncio.sleep(0.15)


async def test_the_final_state_is_that_of_a_full_run(shop: TestShop, tmp_path: Path, valkey_url: str) -> None:
    await shop.add_customers(*(f"c{number}" for number in range(CUSTOMERS)))
    ingesting = asyncio.create_task(ingest_everything(shop))

    reviewed_before_kill = 0
    for _ in range(KILLS):
        worker = await start_worker(shop, tmp_path, valkey_url)
        before = await shop.pool.fetchval("SELECT count(*) FROM tier_transitions")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await shop.pool.fetchval("SELECT count(*) FROM tier_transitions") == before:
                await asyncio.sleep(0.01)
                if ingesting.done() and not await shop.pool.fetchval(
                    "SELECT EXISTS (SELECT FROM dirty_customers)"
                ):
                    break
            else:
                reviewed_before_kill += 1
        worker.kill()
        await worker.wait()

    await ingesting
    await shop.ingest(event("c0", order("last", 100)))  # so that the last worker has certainly begun to work
    worker = await start_worker(shop, tmp_path, valkey_url)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await shop.pool.fetchval("SELECT EXISTS (SELECT FROM dirty_customers)"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(worker.wait(), PATIENCE_SECONDS) == 0
    assert reviewed_before_kill > 0

    broken = """
        SELECT count(*) FROM (
          SELECT from_rank, lag(to_rank) OVER (PARTITION BY customer_id, policy_id ORDER BY transition_id) AS before
          FROM tier_transitions
        ) AS chain WHERE coalesce(from_rank, 0) <> coalesce(before, 0)
    """
    assert await shop.pool.fetchval(broken) == 0
    assert await shop.pool.fetchval("SELECT count(*) FROM orders") == BATCHES * BATCH_SIZE + 1
    computed = await shop.computed()
    assert computed == await shop.computed_anew()
