"""The worker's loop: wakes, survives, isolates, stops; several of them and the night do everything once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
import pytest_asyncio
from published import told_decisions
from shops import NOON, TestShop, days, event, open_shop, order

from api.worker import run_worker
from db import review_store
from db.business_days import PostgresBusinessDays
from db.cache_line import CacheLine
from db.cache_versions import CacheVersions
from domain.ingest.events import CancellationEvent, Event
from domain.standings.open_business_day import open_business_day

PATIENCE_SECONDS = 30


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        yield opened


@asynccontextmanager
async def workers(shop: TestShop, number: int = 1) -> AsyncIterator[None]:
    stop = asyncio.Event()
    versions = CacheVersions(CacheLine(url="unix:///nowhere"))
    running = [
        asyncio.create_task(run_worker(shop.settings, shop.stores, stop, versions)) for _ in range(number)
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*running), PATIENCE_SECONDS)


async def until(shop: TestShop, question: str, *values: Any) -> None:
    """Until the database answers yes."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await shop.pool.fetchval(question, *values):  # noqa: ASYNC110 - the state is in the database
            await asyncio.sleep(0.02)


NOBODY_WAITS = "SELECT NOT EXISTS (SELECT FROM dirty_customers WHERE problem IS NULL)"
DAY_IS_OPEN = "SELECT live_as_of >= $1 FROM shop"
CHAINS_BROKEN = """
SELECT count(*) FROM (
  SELECT from_rank, lag(to_rank) OVER (PARTITION BY customer_id, policy_id ORDER BY transition_id) AS before
  FROM tier_transitions
) AS chain WHERE coalesce(from_rank, 0) <> coalesce(before, 0)
"""


async def test_an_event_is_computed_without_being_asked_for(shop: TestShop) -> None:
    async with workers(shop):
        await shop.add_customers("ann")
        await shop.ingest(event("ann", order("1", 10_000_000)))
        await until(shop, "SELECT EXISTS (SELECT FROM tier_standings WHERE rank = 3)")

    assert await shop.dirty() == {}


async def test_subscribers_are_told_when_something_was_decided(shop: TestShop) -> None:
    told = asyncio.Event()
    async with shop.pool.acquire() as connection:
        await connection.add_listener("c360_outbox", lambda *_: told.set())
        async with workers(shop):
            await shop.add_customers("ann")
            await asyncio.wait_for(told.wait(), PATIENCE_SECONDS)
        await connection.reset()

    assert await shop.pool.fetchval("SELECT EXISTS (SELECT FROM outbox WHERE kind = 'TIER_CHANGED')")


async def test_three_workers_beside_events_leave_what_a_full_run_gives(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        review_store, "TAKE_DIRTY", review_store.TAKE_DIRTY.replace("WHEN 0 THEN 200", "WHEN 0 THEN 7")
    )
    names = [f"c{number}" for number in range(60)]
    await shop.add_customers(*names)

    def batch(turn: int) -> list[Event]:
        cents = (turn % 5) * 3_000_000
        orders = [
            event(name, order(f"{name}-{turn}", cents), ago=days(20 - turn)) for name in names[turn % 3 :: 2]
        ]
        gone = [event(name, CancellationEvent(order=f"{name}-{turn}")) for name in names[turn % 3 :: 8]]
        return orders + gone

    async with workers(shop, 3):
        for turn in range(12):
            await shop.ingest(*batch(turn))
        await until(shop, NOBODY_WAITS)

    assert await shop.pool.fetchval(CHAINS_BROKEN) == 0
    decided = await shop.pool.fetch("SELECT transition_id FROM tier_transitions ORDER BY 1")
    assert await told_decisions(shop.pool) == [row[0] for row in decided]
    computed = await shop.computed()
    assert len(computed["facts"]) == 60
    assert computed == await shop.computed_anew()


async def test_one_customer_who_cannot_be_computed_stops_nobody_else(
    shop: TestShop, caplog: pytest.LogCaptureFixture
) -> None:
    await shop.add_customers("ann", "bob", "carl", "dora", "eve")
    await shop.review()
    await shop.pool.execute("UPDATE customer_standings SET label_bits = '\\x00' WHERE customer_id = 3")
    caplog.set_level(logging.ERROR, "c360.worker")

    async with workers(shop):
        await shop.ingest(
            *(event(name, order(name, 10_000_000)) for name in ("ann", "bob", "carl", "dora", "eve"))
        )
        await until(shop, NOBODY_WAITS)

    ranks = await shop.pool.fetch("SELECT rank FROM tier_standings WHERE policy_id = 0 ORDER BY customer_id")
    assert [row["rank"] for row in ranks] == [3, 3, 1, 3, 3]
    (aside,) = await shop.pool.fetch("SELECT customer_id, problem FROM dirty_customers")
    assert aside["customer_id"] == 3
    assert aside["problem"].startswith("ValueError: ")
    assert caplog.records[-1].__dict__["fields"]["error_id"] in aside["problem"]


async def test_who_was_put_aside_is_tried_again_after_the_next_event(shop: TestShop) -> None:
    await shop.add_customers("ann")
    await shop.review()
    bits = await shop.pool.fetchval("SELECT label_bits FROM customer_standings")
    await shop.pool.execute("UPDATE customer_standings SET label_bits = '\\x00'")
    async with workers(shop):
        await shop.ingest(event("ann", order("1", 10_000_000)))
        await until(shop, "SELECT EXISTS (SELECT FROM dirty_customers WHERE problem IS NOT NULL)")
        await shop.pool.execute("UPDATE customer_standings SET label_bits = $1", bits)

        await shop.ingest(event("ann", order("2", 100)))
        await until(shop, "SELECT rank = 3 FROM tier_standings WHERE policy_id = 0")

    assert await shop.dirty() == {}


async def test_a_worker_outlives_its_connections(shop: TestShop) -> None:
    cut = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
    async with workers(shop, 2):
        for number in range(5):
            await shop.add_customers(f"c{number}")
            async with shop.pool.acquire() as connection:
                await connection.fetchval(cut)
        await until(shop, "SELECT count(*) = 5 FROM tier_standings WHERE policy_id = 0")

    assert await shop.pool.fetchval(CHAINS_BROKEN) == 0


async def test_a_worker_before_there_is_a_shop_waits_for_it(shop: TestShop) -> None:
    row = await shop.pool.fetchrow("DELETE FROM shop RETURNING *")
    async with workers(shop):
        await asyncio.sleep(0.3)
        await shop.pool.execute("INSERT INTO shop VALUES ($1, $2, $3, $4, $5, $6)", *row)
        await shop.add_customers("ann")
        await until(shop, "SELECT EXISTS (SELECT FROM tier_standings)")

    assert await shop.dirty() == {}


async def test_three_schedulers_open_a_day_once(shop: TestShop) -> None:
    await shop.add_customers("ann")
    await shop.ingest(event("ann", order("1", 10_000_000)))
    await shop.review()
    shop.now += days(7)
    book = PostgresBusinessDays(shop.pool)

    opened = await asyncio.gather(*(open_business_day(book, shop.now) for _ in range(3)))

    (only,) = [one for one in opened if one]
    assert (only.day, only.customers) == (date(2026, 11, 29), 1)
    runs = await shop.pool.fetch(
        "SELECT job, period, status, counts FROM job_runs WHERE job = 'open_business_day'"
    )
    assert [tuple(row) for row in runs] == [("open_business_day", "2026-11-29", "DONE", '{"customers": 1}')]
    assert await shop.dirty() == {"ann": "NIGHT"}
    assert await open_business_day(book, shop.now) is None


async def test_missed_days_are_caught_up_with(shop: TestShop) -> None:
    """S0-1: 62 points fall by 0.6 a day, below 60 on the fourth day. S0-18: the review of the 1st sees it first."""
    await shop.add_customers("ann")
    await shop.ingest(event("ann", order("1", 10_000_000)))
    await shop.review()
    shop.now += days(9)

    async with workers(shop, 2):
        await until(shop, DAY_IS_OPEN, NOON + days(9))
        await until(shop, NOBODY_WAITS)

    rows = await shop.pool.fetch(
        "SELECT kind, reason, to_rank FROM tier_transitions WHERE policy_id = 0 ORDER BY transition_id"
    )
    assert [tuple(row) for row in rows] == [("JOINED", "EVENT", 3), ("PROLONGED", "PROTECTED", 3)]
    runs = await shop.pool.fetch(
        "SELECT job, period FROM job_runs WHERE job NOT LIKE '% wanxiang%' ORDER BY job"
    )
    assert ("open_business_day", "2026-12-01") in [tuple(row) for row in runs]
    assert ("tier_review kuailv_grade", "2026-11") in [tuple(row) for row in runs]


async def test_the_day_waits_for_batches_that_began_before(shop: TestShop) -> None:
    await shop.add_customers("ann")
    store = review_store.PostgresReviewStore(shop.pool, lambda: shop.now)
    async with store.next_dirty() as batch:
        assert batch.size == 1
        opening = asyncio.create_task(open_business_day(PostgresBusinessDays(shop.pool), shop.now + days(1)))
        await asyncio.sleep(0.2)
        assert not opening.done()

    assert (await opening) is not None


async def test_several_workers_watch_the_tiers_of_a_day_once(shop: TestShop) -> None:
    """S0-10. Ann alone: everybody is in one tier. Diamond is 5 points short, and not more."""
    await shop.add_customers("ann")
    await shop.review()

    async with workers(shop, 3):
        await until(shop, "SELECT EXISTS (SELECT FROM job_runs WHERE job = 'tier_watch')")

    counts = await shop.pool.fetch("SELECT period, status, counts FROM job_runs WHERE job = 'tier_watch'")
    assert [tuple(row)[:2] for row in counts] == [("2026-11-22", "DONE")]
    raised = await shop.pool.fetch(
        "SELECT subject, observed, expected FROM alerts WHERE policy_id = 0 ORDER BY alert_id"
    )
    assert [(subject, float(observed), float(expected)) for subject, observed, expected in raised] == [
        ("kuailv_grade/BRONZE", 1, 0.1),
        ("kuailv_grade/SILVER", 0, 0.4),
        ("kuailv_grade/GOLD", 0, 0.3),
        ("kuailv_grade/PLATINUM", 0, 0.15),
    ]
