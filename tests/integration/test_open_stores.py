"""Stores open by URL or embedded, migrated and empty of surprises, and close again."""

from pathlib import Path

import asyncpg
import pytest

from api.house import prepare_house
from api.settings import Settings
from api.stores import open_stores
from db.shop_store import find_shop
from domain.errors import StoreUnavailable


async def test_embedded_stores_keep_what_was_written(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with open_stores(settings) as stores, stores.pool.acquire() as connection:
        made = await prepare_house(connection, settings, name="一家店", sources=["pos"])

    async with open_stores(settings) as stores, stores.pool.acquire() as connection:
        assert await find_shop(connection) == made
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SELECT code FROM sources") == "pos"
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncpg.connect(stores.database_url)


async def test_preparing_twice_keeps_an_operators_own(
    migrated_database_url: str, valkey_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, database_url=migrated_database_url, redis_url=valkey_url)
    async with open_stores(settings) as stores, stores.pool.acquire() as connection:
        await prepare_house(connection, settings, currency_code="USD")
        await connection.execute("UPDATE tier_policies SET name = 'ours'")
        await connection.execute("INSERT INTO categories VALUES (0, 'LEAF', '叶菜')")

        shop = await prepare_house(connection, settings)

        assert shop.currency_code == "USD"
        assert await connection.fetchval("SELECT name FROM tier_policies") == "ours"
        words = await connection.fetch("SELECT words_zh FROM label_definitions")
        assert any("叶菜" in row["words_zh"] for row in words)


@pytest.mark.parametrize(
    ("words", "change"),
    [("nobody listens", ("?host=", "?host=/nowhere")), ("no such database", ("/test_", "/absent_"))],
)
async def test_a_url_that_does_not_answer_is_a_store_that_is_down(
    migrated_database_url: str, valkey_url: str, tmp_path: Path, words: str, change: tuple[str, str]
) -> None:
    settings = Settings(
        home=tmp_path, database_url=migrated_database_url.replace(*change), redis_url=valkey_url
    )

    with pytest.raises(StoreUnavailable):
        async with open_stores(settings):
            pass
