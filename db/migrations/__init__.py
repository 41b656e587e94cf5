"""Alembic migrations: expand first, contract later; `upgrade` brings a database to the newest revision.

Alembic is imported only where something is to be done: it would double the time of every start.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

FOLDER = Path(__file__).parent
CURRENT = "SELECT version_num FROM alembic_version"


def upgrade(database_url: str) -> None:
    """Applies what is missing, in one transaction; a database that is up to date is left alone."""
    asyncio.run(upgrade_within_loop(database_url))


async def upgrade_within_loop(database_url: str) -> None:
    if await current_revision(database_url) == newest_revision():
        return
    from alembic import command

    await run_on(database_url, lambda config: command.upgrade(config, "head"))


async def current_revision(database_url: str) -> str | None:
    """None for a database that was never migrated."""
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        revision: str | None = await connection.fetchval(CURRENT)
        return revision
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()


def newest_revision() -> str:
    """Files are named by their revision: `0001_foundation.py`."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


async def run_on(database_url: str, verb: "Callable[[Config], None]") -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(async_url(database_url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: verb(config_for(sync)))
    finally:
        await engine.dispose()


def config_for(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


def async_url(database_url: str) -> str:
    """The same URL as SQLAlchemy wants it, with the asyncpg driver named."""
    return database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
