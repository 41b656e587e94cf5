import asyncio

import asyncpg
import pytest

from db.read_pool import ReadPool, ReadSettings, ValueRefused
from domain.errors import StoreUnavailable


async def test_a_connection_is_used_again_and_its_statements_stay_prepared(database_url: str) -> None:
    pool = ReadPool(database_url)
    pids = {(await pool.fetch("SELECT pg_backend_pid()", []))[0][0] for _ in range(5)}
    prepared = await pool.fetch(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%backend_pid%'", []
    )
    await pool.close()

    assert len(pids) == 1
    assert prepared[0][0] == 2  # the one above and the question itself


async def test_moments_are_printed_in_utc_and_nothing_can_be_written(database_url: str) -> None:
    pool = ReadPool(database_url)

    assert (await pool.fetch("SHOW timezone", []))[0][0] == "UTC"
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await pool.fetch("CREATE TABLE written (id int)", [])
    await pool.close()


@pytest.mark.parametrize(
    ("sql", "arguments"),
    [
        ("SELECT 1 / $1::int", [0]),
        ("SELECT $1::int", [2**40]),
        ("SELECT $1::text", ["a\0b"]),
        ("SELECT $1::text", ["\ud800"]),
    ],
)
async def test_a_value_that_postgresql_fails_on_is_refused_and_the_pool_goes_on(
    database_url: str, sql: str, arguments: list[object]
) -> None:
    pool = ReadPool(database_url)

    with pytest.raises(ValueRefused):
        await pool.fetch(sql, arguments)

    assert (await pool.fetch("SELECT 1", []))[0][0] == 1
    await pool.close()


async def test_a_broken_connection_is_reported_once_and_replaced(database_url: str) -> None:
    pool = ReadPool(database_url, ReadSettings(connections=1))
    pid = (await pool.fetch("SELECT pg_backend_pid()", []))[0][0]
    killer = await asyncpg.connect(database_url)
    await killer.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await killer.close()

    outcomes = []
    for _ in range(2):
        try:
            outcomes.append((await pool.fetch("SELECT 1", []))[0][0])
        except StoreUnavailable as lost:
            outcomes.append(lost.store)
    await pool.close()

    assert outcomes in ([1, 1], ["postgres", 1])  # the first depends on whether the end was already noticed


async def test_no_server_is_a_store_that_is_unavailable() -> None:
    pool = ReadPool("postgresql://nobody@127.0.0.1:1/none", ReadSettings(connect_seconds=1))

    with pytest.raises(StoreUnavailable, match="postgres is not available"):
        await pool.fetch("SELECT 1", [])


async def test_cancelling_the_reader_cancels_the_statement(database_url: str) -> None:
    pool = ReadPool(database_url, ReadSettings(connections=1))
    await pool.fetch("SELECT 1", [])
    task = asyncio.create_task(pool.fetch("SELECT pg_sleep(60)", []))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    running = await pool.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        " AND datname = current_database()",
        [],
    )
    await pool.close()
    assert running[0][0] == 0


async def test_a_statement_over_its_time_is_ended(database_url: str) -> None:
    pool = ReadPool(database_url, ReadSettings(statement_seconds=0.2))

    with pytest.raises(StoreUnavailable):
        await pool.fetch("SELECT pg_sleep(60)", [])

    assert (await pool.fetch("SELECT 1", []))[0][0] == 1
    await pool.close()


async def test_who_waits_too_long_for_a_connection_is_told(database_url: str) -> None:
    pool = ReadPool(database_url, ReadSettings(connections=1, wait_seconds=0.1))
    busy = asyncio.create_task(pool.fetch("SELECT pg_sleep(0.6)", []))
    await asyncio.sleep(0.05)

    with pytest.raises(StoreUnavailable, match="busy"):
        await pool.fetch("SELECT 1", [])

    await busy
    assert (await pool.fetch("SELECT 1", []))[0][0] == 1
    await pool.close()


async def test_a_closed_pool_answers_nothing(database_url: str) -> None:
    pool = ReadPool(database_url)
    await pool.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await pool.fetch("SELECT 1", [])
