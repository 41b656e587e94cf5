"""A shop to ask: embedded stores of its own, filled by our generator, gone afterwards."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from rich.console import Console

from api.auth import Tokens, load_signing_key
from api.demo import DemoData, fill_once
from api.settings import Settings
from api.stores import ensure_home, open_stores
from db.embedded_postgres import start_postgres
from db.embedded_valkey import start_valkey
from domain.privacy.viewer import Role, Viewer

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
ASKED_FOR = 2_000
"""Customers that are asked for: those with a whole first page of ten orders, at random."""
CHOOSE = """
SELECT customer_id FROM orders GROUP BY customer_id HAVING count(*) >= $2
ORDER BY hashint8(customer_id), customer_id LIMIT $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledShop:
    """`customers` are ids to ask for; `token` is good for OPERATOR, who sees personal values masked."""

    home: Path
    database_url: str
    redis_url: str
    customers: list[int]
    token: str

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    def surroundings(self) -> dict[str, str]:
        """The settings with which our own processes serve it."""
        return {
            "C360_HOME": str(self.home),
            "C360_DATABASE_URL": self.database_url,
            "C360_REDIS_URL": self.redis_url,
            "C360_CLOCK": AS_OF.isoformat(),
        }


@contextmanager
def filled_shop(customers: int, *, orders_at_least: int = 10) -> Iterator[FilledShop]:
    """The stores are children of this process. Nothing is vacuumed behind the back of a measurement."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ensure_home(home)
        postgres, valkey = start_postgres(home / "postgres"), start_valkey(home / "valkey")
        try:
            settings = Settings(home=home, database_url=postgres.url, redis_url=valkey.url, clock=AS_OF)
            asyncio.run(_fill(settings, customers))
            yield FilledShop(
                home=home,
                database_url=postgres.url,
                redis_url=valkey.url,
                customers=asyncio.run(_settle(postgres.url, orders_at_least)),
                token=_token(home / "keys"),
            )
        finally:
            valkey.stop()
            postgres.stop()


async def _fill(settings: Settings, customers: int) -> None:
    async with open_stores(settings) as stores:
        await fill_once(Console(), settings, stores, DemoData(name="demo", customers=customers))


async def _settle(database_url: str, orders_at_least: int) -> list[int]:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("ALTER SYSTEM SET autovacuum = off")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        return [row[0] for row in await connection.fetch(CHOOSE, ASKED_FOR, orders_at_least)]
    finally:
        await connection.close()


def _token(keys: Path) -> str:
    viewer = Viewer("benchmark", Role.OPERATOR)
    return Tokens(load_signing_key(keys)).sign(viewer, timedelta(days=7))
