"""The worker: takes dirty customers batch by batch, opens the business day when it has come, sends notices.

Any number may run, as processes of their own or inside a server. Each batch is one transaction, so a worker that
is killed leaves nothing behind: its customers are still marked.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from api.house import business_now
from api.notices import telling
from api.recompute import review_store
from api.settings import Settings
from api.stores import Stores
from api.tasks import end_task
from db.business_days import PostgresBusinessDays
from db.cache_versions import CacheVersions
from db.read_pool import LOST
from db.review_store import PostgresReviewStore
from db.tier_watch import watch_tiers
from domain.standings.open_business_day import open_business_day
from domain.standings.review_customers import ReviewCounts, review_customers

logger = logging.getLogger("c360.worker")

CHANNEL = "c360_dirty"
POLL_SECONDS = 1.0
"""A notification wakes at once; this finds what was marked while the listening connection was lost."""
DAY_CHECK_SECONDS = 1.0
"""One small read; orders after midnight count once the new day is open."""
WATCH_SECONDS = 10.0
"""Whether the night's customers are computed and nobody has looked at the distribution yet: one small read."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
TRANSIENT = (*LOST, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


async def run_worker(
    settings: Settings, stores: Stores, stop: asyncio.Event, versions: CacheVersions
) -> None:
    """Until `stop` is set; the batch at hand is finished first. Survives whatever the database does."""
    store, days = review_store(settings, stores), PostgresBusinessDays(stores.pool)
    pause, next_check = FIRST_PAUSE_SECONDS, 0.0
    async with (
        woken_by_marks(stores.database_url) as wake,
        watching(settings, stores, versions),
        telling(settings, stores, versions, stop),
    ):
        while not stop.is_set():
            wake.clear()
            try:
                if time.monotonic() >= next_check:
                    await open_day(settings, days, versions)
                    next_check = time.monotonic() + DAY_CHECK_SECONDS
                customers = await review_next(store, versions)
                pause = FIRST_PAUSE_SECONDS
            except Exception as fault:  # noqa: BLE001 - the loop outlives every fault; each is logged with an id
                log_fault("worker pauses", fault)
                await wait_for_any(stop, seconds=pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            if not customers:
                await wait_for_any(stop, wake, seconds=POLL_SECONDS)


async def open_day(settings: Settings, days: PostgresBusinessDays, versions: CacheVersions) -> None:
    opened = await open_business_day(days, business_now(settings))
    if opened:
        await versions.everything_changed()
        fields = {"day": opened.day.isoformat(), "customers": opened.customers}
        logger.info("business day opened", extra={"fields": fields})


@asynccontextmanager
async def watching(settings: Settings, stores: Stores, versions: CacheVersions) -> AsyncIterator[None]:
    """Beside the batches, which never wait for it; ended midway, it has done nothing."""
    task = asyncio.create_task(keep_watching(settings, stores, versions))
    try:
        yield
    finally:
        await end_task(task)


async def keep_watching(settings: Settings, stores: Stores, versions: CacheVersions) -> None:
    while True:
        try:
            await watch_day(settings, stores, versions)
        except Exception as fault:  # noqa: BLE001 - tried again later; each is logged with an id
            log_fault("tiers could not be watched", fault)
        await asyncio.sleep(WATCH_SECONDS)


async def watch_day(settings: Settings, stores: Stores, versions: CacheVersions) -> None:
    found = await watch_tiers(stores.pool, business_now(settings))
    if found is not None:
        await versions.lists_changed()
        logger.info("tiers watched", extra={"fields": {"wrong": found}})


async def review_next(store: PostgresReviewStore, versions: CacheVersions) -> int:
    """The most urgent batch; how many customers it had. One whose computing fails never stops the others."""
    ids: list[int] = []
    started = time.perf_counter()
    try:
        async with store.next_dirty() as batch:
            ids = batch.ids.tolist()
            counts = await review_customers(batch)
    except TRANSIENT:
        raise
    except Exception as fault:
        if not ids:
            raise
        await isolate(store, ids, fault)
        await versions.customers_changed(ids)
        return len(ids)
    if ids:
        await versions.customers_changed(ids)
        log_batch(counts, time.perf_counter() - started)
    return len(ids)


async def isolate(store: PostgresReviewStore, customer_ids: Sequence[int], fault: Exception) -> None:
    """Halves a batch that failed until only the customers at fault are left, who are put aside."""
    error_id = log_fault("customers could not be computed", fault, customers=len(customer_ids))
    if len(customer_ids) == 1:
        await store.set_aside(customer_ids[0], f"{type(fault).__name__}: {fault} ({error_id})")
        return
    middle = len(customer_ids) // 2
    for half in (customer_ids[:middle], customer_ids[middle:]):
        try:
            async with store.chosen(half) as batch:
                await review_customers(batch)
        except TRANSIENT:
            raise
        except Exception as its_fault:  # noqa: BLE001 - whatever it is, it belongs to one of these customers
            await isolate(store, half, its_fault)


@asynccontextmanager
async def woken_by_marks(database_url: str) -> AsyncIterator[asyncio.Event]:
    """An event that is set when somebody marked customers."""
    wake = asyncio.Event()
    listening = asyncio.create_task(keep_listening(database_url, wake))
    try:
        yield wake
    finally:
        await end_task(listening)


async def keep_listening(database_url: str, wake: asyncio.Event) -> None:
    while True:
        try:
            await listen(database_url, wake)
        except LOST as fault:
            logger.warning("not listening", extra={"fields": {"reason": repr(fault)}})
        await asyncio.sleep(POLL_SECONDS)


async def listen(database_url: str, wake: asyncio.Event) -> None:
    """Returns when the connection is lost."""
    lost = asyncio.Event()
    connection = await asyncpg.connect(database_url)
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda *_: wake.set())
        wake.set()
        await lost.wait()
    finally:
        connection.terminate()


async def wait_for_any(*events: asyncio.Event, seconds: float) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def log_batch(counts: ReviewCounts, seconds: float) -> None:
    fields: dict[str, Any] = {name: getattr(counts, name) for name in counts.__slots__}
    logger.info("customers reviewed", extra={"fields": fields | {"duration_ms": round(seconds * 1000, 1)}})


def log_fault(message: str, fault: Exception, **fields: Any) -> str:
    error_id = uuid.uuid4().hex[:12]
    logger.error(message, exc_info=fault, extra={"fields": fields | {"error_id": error_id}})
    return error_id
