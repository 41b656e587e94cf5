import asyncpg


async def test_the_database_is_a_real_postgresql_18(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    version = await connection.fetchval("SHOW server_version_num")
    await connection.close()

    assert int(version) >= 180000


async def test_an_empty_and_a_migrated_database_are_two(
    database_url: str, migrated_database_url: str
) -> None:
    connection = await asyncpg.connect(migrated_database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.close()

    assert f"/{name}?" in migrated_database_url
    assert database_url != migrated_database_url
