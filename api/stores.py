"""The stores of one process: by URL, or embedded below `C360_HOME`; opened in order, closed in reverse."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from api.settings import Settings
from db.embedded_postgres import start_postgres
from db.embedded_valkey import start_valkey
from db.encryption import LocalCipher
from db.keys import open_keys
from db.migrations import upgrade_within_loop
from domain.errors import SetupError, StoreUnavailable

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

CONNECT_SECONDS = 10
SETTINGS = {"timezone": "UTC", "jit": "off", "application_name": "c360"}
UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.TooManyConnectionsError,
)


@dataclass(frozen=True, slots=True)
class Stores:
    """What a command or a server works on. `pool`: sessions in UTC, for writes and small questions."""

    database_url: str
    redis_url: str
    pool: Pool
    cipher: LocalCipher


@asynccontextmanager
async def open_stores(settings: Settings, *, connections: int = 10) -> AsyncIterator[Stores]:
    """Starts what has no URL, migrates, opens the pool and the keys.

    Errors: SetupError when an embedded store does not start, StoreUnavailable when a URL does not answer.
    """
    ensure_home(settings.home)
    async with AsyncExitStack() as stack:
        database_url = settings.database_url or await start_embedded(
            stack, start_postgres, settings, "postgres"
        )
        redis_url = settings.redis_url or await open_valkey(stack, settings)
        pool = await stack.enter_async_context(open_pool(database_url, connections=connections))
        yield Stores(database_url, redis_url, pool, LocalCipher(open_keys(settings.home / "keys")))


def ensure_home(home: Path) -> None:
    """Raises SetupError where nothing can be kept."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return
    except OSError as error:
        raise SetupError(
            f"Nothing can be written to {home} ({error.strerror}): name another folder in C360_HOME."
        ) from error


async def start_embedded(stack: AsyncExitStack, start: Any, settings: Settings, name: str) -> str:
    """The URL of the store below `home`. `start` is one of the two functions that start embedded stores."""
    server = await asyncio.to_thread(start, embedded_folder(settings, name))
    stack.push_async_callback(asyncio.to_thread, server.stop)
    url: str = server.url
    return url


async def open_valkey(stack: AsyncExitStack, settings: Settings) -> str:
    """The URL of the embedded Valkey: the one that runs, or started."""
    return await start_embedded(stack, start_valkey, settings, "valkey")


def embedded_folder(settings: Settings, name: str) -> Path:
    return settings.home / name


@asynccontextmanager
async def open_pool(database_url: str, *, connections: int = 10) -> AsyncIterator[Pool]:
    """A pool over a migrated database."""
    try:
        await upgrade_within_loop(database_url)
        pool = await asyncpg.create_pool(
            database_url,
            min_size=1,
            max_size=connections,
            timeout=CONNECT_SECONDS,
            server_settings=SETTINGS,
        )
    except UNREACHABLE as error:
        raise StoreUnavailable("postgres", str(error)) from error
    try:
        yield pool
    finally:
        await close(pool)


async def close(pool: Pool) -> None:
    """Connections that are still busy are cut: a transaction that did not commit never happened."""
    try:
        await asyncio.wait_for(pool.close(), CONNECT_SECONDS)
    except TimeoutError:
        pool.terminate()
