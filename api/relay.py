"""Copies published events from the outbox to the live stream, soon after each commit."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from functools import partial

import asyncpg

from api.stores import Stores
from api.tasks import end_task
from db.cache_versions import CacheVersions
from db.live_stream import StreamPublisher, connect_stream
from db.outbox_events import OutboxTable
from db.read_pool import ReadPool
from domain.errors import StoreUnavailable

logger = logging.getLogger("c360.relay")

CHANNEL = "c360_outbox"
IDLE_SECONDS = 1.0
"""A notification comes first; this is for the one that was lost with its connection."""
AWAY_SECONDS = 0.5


async def relay_events(stores: Stores, versions: CacheVersions) -> None:
    """Until it is cancelled. Several at once do no harm; without the stream readers poll the outbox."""
    reads = ReadPool(stores.database_url)
    client = connect_stream(stores.redis_url)
    publisher = StreamPublisher(client, changed=partial(forget_answers, versions))
    outbox = OutboxTable(reads)
    woken = asyncio.Event()
    try:
        while True:
            listening = await listen(stores, woken)
            try:
                await relay_until_lost(publisher, outbox, woken, listening)
            finally:
                if listening is not None:
                    listening.terminate()
    finally:
        await client.aclose()
        await reads.close()


async def forget_answers(versions: CacheVersions, customer_ids: Collection[int]) -> bool:
    """Before anybody hears of the events; those about no customer, as of a policy, show in lists."""
    return await (versions.customers_changed(customer_ids) if customer_ids else versions.lists_changed())


@asynccontextmanager
async def relaying(stores: Stores, versions: CacheVersions) -> AsyncIterator[None]:
    """The relay beside whatever else this process does."""
    relay = asyncio.ensure_future(relay_events(stores, versions))
    try:
        yield
    finally:
        await end_task(relay)


async def listen(stores: Stores, woken: asyncio.Event) -> "asyncpg.Connection[asyncpg.Record] | None":
    """A connection of its own that wakes on commits; None while PostgreSQL is away."""
    try:
        connection = await asyncpg.connect(stores.database_url, timeout=AWAY_SECONDS * 4)
        await connection.add_listener(CHANNEL, lambda *_: woken.set())
    except (OSError, TimeoutError, asyncpg.PostgresError):
        await asyncio.sleep(AWAY_SECONDS)
        return None
    return connection


async def relay_until_lost(
    publisher: StreamPublisher,
    outbox: OutboxTable,
    woken: asyncio.Event,
    listening: "asyncpg.Connection[asyncpg.Record] | None",
) -> None:
    while listening is not None and not listening.is_closed():
        woken.clear()
        try:
            while await publisher.relay(outbox):
                pass
        except StoreUnavailable as lost:
            logger.info("events wait in the outbox", extra={"fields": {"reason": lost.reason}})
            await asyncio.sleep(AWAY_SECONDS)
            continue
        await wait_for(woken)


async def wait_for(woken: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(IDLE_SECONDS):
            await woken.wait()
