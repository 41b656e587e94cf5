"""The verbs that compute: what they print, write, and answer to mistakes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from shops import TestShop, days, event, open_shop, order

from api import cli


@pytest_asyncio.fixture
async def shop(
    migrated_database_url: str, valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        for name, value in {
            "HOME": str(tmp_path),
            "DATABASE_URL": migrated_database_url,
            "REDIS_URL": valkey_url,
            "CLOCK": opened.now.isoformat(),
        }.items():
            monkeypatch.setenv(f"C360_{name}", value)
        await opened.add_customers("ann", "bob")
        await opened.ingest(event("ann", order("1", 10_000_000), ago=days(2)))
        yield opened


async def c360(*words: str) -> int:
    """In a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(cli.run, list(words))


async def test_recompute_computes_everybody(shop: TestShop, capsys: pytest.CaptureFixture[str]) -> None:
    assert await c360("recompute") == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["customers", "2"] in lines
    assert ["transitions", "9"] in lines
    assert await shop.dirty() == {}


async def test_a_dry_run_shows_and_writes_nothing(shop: TestShop, capsys: pytest.CaptureFixture[str]) -> None:
    assert await c360("recompute", "--dry-run") == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["GOLD", "0", "1", "1", "0"] in lines
    assert await shop.pool.fetchval("SELECT count(*) FROM customer_facts") == 0
    assert await shop.dirty() == {"ann": "EVENT", "bob": "EVENT"}


async def test_a_moment_of_the_past_shows_who_stood_where(
    shop: TestShop, capsys: pytest.CaptureFixture[str]
) -> None:
    await shop.review()
    before = await shop.computed()

    assert await c360("recompute", "--as-of", "2026-11-19", "--policy", "kuailv_grade") == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["BRONZE", "1", "2", "0", "1"] in lines
    assert await shop.computed() == before


async def test_single_customers_are_computed(shop: TestShop) -> None:
    assert await c360("recompute", "--customer", "cus_1") == 0

    assert await shop.dirty() == {"bob": "EVENT"}


async def test_verify_fails_where_something_differs(
    shop: TestShop, capsys: pytest.CaptureFixture[str]
) -> None:
    await shop.review()
    assert await c360("verify") == 0
    await shop.pool.execute("UPDATE customer_facts SET orders_90d = 7 WHERE customer_id = 1")

    assert await c360("verify") == 1
    assert "rebuild facts" in capsys.readouterr().out
    assert await c360("rebuild", "facts") == 0
    assert await c360("verify") == 0


async def test_migrate_makes_a_shop_once(shop: TestShop, capsys: pytest.CaptureFixture[str]) -> None:
    await shop.pool.execute("DELETE FROM shop")

    assert await c360("migrate") == 0
    assert await c360("migrate") == 0

    assert "CNY, Asia/Shanghai" in capsys.readouterr().out
    assert await shop.pool.fetchval("SELECT count(*) FROM shop") == 1


@pytest.mark.parametrize(
    ("words", "arguments", "code", "sentence"),
    [
        (
            "policy",
            ("recompute", "--policy", "gold"),
            1,
            "No policy gold is in force; there are kuailv_grade, chuanwei_value, wanxiang_value,",
        ),
        ("day", ("recompute", "--as-of", "yesterday"), 2, "give a day as 2026-11-22"),
        ("customer", ("recompute", "--customer", "ann"), 2, "give a customer's id, as cus_42"),
        ("both", ("recompute", "--customer", "cus_1", "--dry-run"), 2, "leave out --dry-run"),
        ("what", ("rebuild", "everything"), 1, "There is nothing called everything to rebuild"),
    ],
)
async def test_a_mistake_is_one_sentence(
    shop: TestShop,
    capsys: pytest.CaptureFixture[str],
    words: str,
    arguments: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    assert await c360(*arguments) == code

    assert sentence in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert await shop.pool.fetchval("SELECT count(*) FROM customer_facts") == 0


async def test_without_a_shop_the_sentence_says_what_to_run(
    shop: TestShop, capsys: pytest.CaptureFixture[str]
) -> None:
    await shop.pool.execute("DELETE FROM shop")

    assert await c360("recompute") == 1

    assert "run c360 migrate" in capsys.readouterr().err
