from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from db.migrations import async_url, upgrade_within_loop
from db.tables import metadata


async def test_a_migrated_database_has_exactly_the_declared_tables(database_url: str) -> None:
    await upgrade_within_loop(database_url)

    assert await differences(database_url) == []


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    await upgrade_within_loop(database_url)
    await upgrade_within_loop(database_url)

    assert await differences(database_url) == []


async def differences(database_url: str) -> list[object]:
    engine = create_async_engine(async_url(database_url))
    async with engine.connect() as connection:
        found: list[object] = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    await engine.dispose()
    return found
