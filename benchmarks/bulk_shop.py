"""A shop for bulk runs: the generator's full profile, imported once, with a day that has not opened yet.

Its orders end with business day DAY, the shop lives on the day before: orders of DAY are in the tables and begin to
count when it opens. So a day's changes can be had from any state in which nothing was computed.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from api.commands.import_ import import_paths
from api.demo_files import write_demo_files
from api.house import prepare_house
from api.settings import Settings
from api.stores import Stores, open_stores
from domain.calendar import end_of_business_day
from domain.synthetic.profiles import get_profile

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 6, 25, 4, tzinfo=UTC)
"""Noon of a Thursday: neither a week nor a month ends with it or with the day before."""
DAY_BEFORE = DAY - timedelta(days=1)
DAYS = 560
"""Of orders: ten a customer in the mean."""
SOURCE, BATCH = "bench", "bulk"
"""Of files and of orders that a benchmark adds, whose ids begin so."""
FORGET = """
TRUNCATE customer_facts, customer_standings, tier_standings, tier_transitions, tier_signals, tier_rankings,
  label_changes, alerts, outbox, dirty_customers, job_runs
"""


EARLIER_BATCHES = f"""
WITH gone AS (DELETE FROM ingested_events WHERE source_event_id LIKE '{BATCH} %')
DELETE FROM orders USING sources WHERE orders.source_id = sources.source_id AND sources.code = '{SOURCE}'
  AND orders.external_id BETWEEN '{BATCH} ' AND '{BATCH}!'
"""


@contextmanager
def kept_folder(keep: Path | None) -> Iterator[Path]:
    """The folder of a person, or one that is gone afterwards."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def settings_at(home: Path, moment: datetime) -> Settings:
    return Settings(home=home, database_url=None, redis_url=None, clock=moment, zone=ZONE)


@asynccontextmanager
async def bulk_shop(home: Path, customers: int) -> AsyncIterator[Stores]:
    """Stores of a shop in which nothing is computed; imported where `home` has none of that size yet."""
    folder = home / f"{customers}-customers"
    async with open_stores(settings_at(folder, DAY_BEFORE)) as stores:
        imported = folder / "imported"
        if not imported.exists():
            await fill(folder, stores, customers)
            imported.touch()
        await forget_computed(stores.pool)
        yield stores


async def fill(folder: Path, stores: Stores, customers: int) -> None:
    files, settings = folder / "files", settings_at(folder, DAY_BEFORE)
    as_of = end_of_business_day(DAY, ZONE.key)
    profile = replace(get_profile("full", customers=customers), days=DAYS)
    await asyncio.to_thread(write_demo_files, files, profile, seed=360, as_of=as_of)
    async with stores.pool.acquire() as connection:
        await prepare_house(connection, settings)
    await import_paths(
        [files], source=SOURCE, database_url=stores.database_url, cipher=stores.cipher, now=as_of
    )
    async with stores.pool.acquire() as connection:
        await prepare_house(connection, settings)  # some labels are named after categories
    shutil.rmtree(files)


async def forget_computed(pool: Any) -> None:
    """And let nothing be vacuumed behind the back of a measurement."""
    await pool.execute("ALTER SYSTEM SET autovacuum = off")
    await pool.execute("SELECT pg_reload_conf()")
    await pool.execute(FORGET)
    await pool.execute(EARLIER_BATCHES)
    await pool.execute("UPDATE shop SET live_as_of = $1", end_of_business_day(DAY_BEFORE, ZONE.key))
    await pool.execute("VACUUM (ANALYZE)")
    await pool.execute("CHECKPOINT")
