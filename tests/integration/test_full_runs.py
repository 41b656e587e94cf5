"""A full run beside everything else, broken off, or kept from a customer: the state is that of a quiet run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from published import told_decisions
from shops import TestShop, days, event, open_shop, order

from api.recompute import recompute_all, review_store, say_nothing
from api.worker import run_worker
from db import review_store as blocks
from db.cache_line import CacheLine
from db.cache_versions import CacheVersions
from domain.ingest.events import CancellationEvent, Event
from domain.standings.recompute import recompute
from domain.standings.review_customers import ReviewCounts

CUSTOMERS = 60
NAMES = [f"c{number}" for number in range(CUSTOMERS)]
PATIENCE_SECONDS = 60
CHAINS_BROKEN = """
SELECT count(*) FROM (
  SELECT from_rank, lag(to_rank) OVER (PARTITION BY customer_id, policy_id ORDER BY transition_id) AS before
  FROM tier_transitions
) AS chain WHERE coalesce(from_rank, 0) <> coalesce(before, 0)
"""
DECIDED = "SELECT transition_id FROM tier_transitions ORDER BY 1"


class Stopped(Exception):
    """Somebody broke the run off."""


@pytest_asyncio.fixture
async def shop(migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TestShop]:
    monkeypatch.setattr(blocks, "BLOCK_CUSTOMERS", 16)
    async with open_shop(migrated_database_url) as opened:
        await opened.add_customers(*NAMES)
        yield opened


@asynccontextmanager
async def beside(shop: TestShop, *, workers: int, runs: int) -> AsyncIterator[None]:
    """Workers, and full runs one after another, until the end; each finishes what it has begun."""
    stop = asyncio.Event()
    versions = CacheVersions(CacheLine(url="unix:///nowhere"))

    async def run_again() -> None:
        while not stop.is_set():
            await recompute(review_store(shop.settings, shop.stores), say_nothing)

    tasks = [asyncio.create_task(run_again()) for _ in range(runs)]
    tasks += [
        asyncio.create_task(run_worker(shop.settings, shop.stores, stop, versions)) for _ in range(workers)
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE_SECONDS)


def orders_of(turn: int) -> list[Event]:
    cents = (turn % 5) * 3_000_000
    made = [event(name, order(f"{name}-{turn}", cents), ago=days(20 - turn)) for name in NAMES[turn % 3 :: 2]]
    gone = [event(name, CancellationEvent(order=f"{name}-{turn}")) for name in NAMES[turn % 3 :: 8]]
    return made + gone


async def test_runs_beside_events_and_workers_leave_what_a_quiet_run_gives(shop: TestShop) -> None:
    await shop.ingest(*orders_of(0))
    await recompute_all(shop.settings, shop.stores)  # places everybody, once
    async with beside(shop, workers=2, runs=2):
        for turn in range(1, 12):
            assert (await shop.ingest(*orders_of(turn))).rejected == ()
    await shop.review()

    assert await shop.pool.fetchval(CHAINS_BROKEN) == 0
    decided = [row[0] for row in await shop.pool.fetch(DECIDED)]
    assert await told_decisions(shop.pool) == decided
    assert await shop.dirty() == {}
    assert await recompute_all(shop.settings, shop.stores) == ReviewCounts(customers=CUSTOMERS)
    computed = await shop.computed()
    assert len(computed["facts"]) == CUSTOMERS
    assert computed == await shop.computed_anew()


async def test_a_run_that_was_broken_off_writes_only_what_it_had_not_come_to(shop: TestShop) -> None:
    await shop.ingest(*orders_of(1))
    await recompute_all(shop.settings, shop.stores)
    await shop.ingest(*(event(name, order(f"{name}-all", 100), ago=days(3)) for name in NAMES))

    def stop_in_the_middle(done: int, of_all: int) -> None:
        assert of_all == 4  # ids from 1 on, sixteen a block
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        await recompute(review_store(shop.settings, shop.stores), stop_in_the_middle)
    waiting = await shop.dirty()
    rest = await recompute(review_store(shop.settings, shop.stores), say_nothing)

    assert sorted(waiting) == sorted(NAMES[31:])
    assert (rest.customers, rest.facts) == (CUSTOMERS, len(waiting))
    assert await shop.computed() == await shop.computed_anew()


async def test_a_customer_whom_somebody_holds_is_left_to_the_worker(shop: TestShop) -> None:
    async with shop.pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM customers WHERE customer_id = 20 FOR NO KEY UPDATE")
        await other.execute("DELETE FROM dirty_customers WHERE customer_id = 40")

        run = asyncio.create_task(recompute(review_store(shop.settings, shop.stores), say_nothing))
        counts = await asyncio.wait_for(run, PATIENCE_SECONDS)

    assert counts.customers == CUSTOMERS - 1
    assert await shop.pool.fetch("SELECT customer_id, reason FROM dirty_customers") == [(20, "EVENT")]
    assert (await shop.review()).customers == 1
