import asyncio
from dataclasses import dataclass

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_proxy import proxied

from db.read_pool import ReadPool, ReadSettings, ValueRefused
from domain.errors import StatementTimedOut, StoreUnavailable


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


async def running(database_url: str) -> int:
    """Statements of read pools that PostgreSQL still works on."""
    connection = await asyncpg.connect(database_url)
    number: int = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'customer360 read'"
        " AND state = 'active' AND datname = current_database()"
    )
    await connection.close()
    return number


async def nothing_runs(database_url: str) -> bool:
    """Long before a statement's own time is over (10 s)."""
    for _ in range(50):
        if await running(database_url) == 0:
            return True
        await asyncio.sleep(0.05)
    return False


async def cancelled(pool: ReadPool, sql: str = "SELECT pg_sleep(60)") -> None:
    task = asyncio.create_task(pool.fetch(sql, []))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_the_reader_cancels_the_statement_and_keeps_the_connection(
    database_url: str,
) -> None:
    pool = ReadPool(database_url, ReadSettings(connections=1))
    pid = (await pool.fetch("SELECT pg_backend_pid()", []))[0][0]

    await cancelled(pool)

    assert await nothing_runs(database_url)
    assert (await pool.fetch("SELECT pg_backend_pid()", []))[0][0] == pid
    await pool.close()


async def test_a_connection_that_does_not_settle_is_replaced_and_its_statement_ends(
    database_url: str,
) -> None:
    async with proxied(database_url) as proxy:
        pool = ReadPool(proxy.database_url, ReadSettings(connections=1))
        pid = (await pool.fetch("SELECT pg_backend_pid()", []))[0][0]
        task = asyncio.create_task(pool.fetch("SELECT pg_sleep(60)", []))
        await asyncio.sleep(0.2)
        proxy.is_silent = True  # also to the driver's request to cancel
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.gather(*pool.settling)
        proxy.is_silent = False

        assert (await pool.fetch("SELECT pg_backend_pid()", []))[0][0] != pid
        assert await nothing_runs(database_url)
        await pool.close()


async def test_nobody_waits_for_a_connection_that_another_left_unsettled(database_url: str) -> None:
    pool = ReadPool(database_url, ReadSettings(connections=2))
    await asyncio.gather(*(pool.fetch("SELECT pg_sleep(0.1)", []) for _ in range(2)))

    await cancelled(pool)

    assert len(pool.free) == 1
    await asyncio.gather(*pool.settling)
    assert len(pool.free) == 2
    await pool.close()


async def test_a_statement_over_its_time_is_ended_and_said_to_be(database_url: str) -> None:
    pool = ReadPool(database_url, ReadSettings(statement_seconds=0.2))

    with pytest.raises(StatementTimedOut):
        await pool.fetch("SELECT pg_sleep(60)", [])

    assert (await pool.fetch("SELECT 1", []))[0][0] == 1
    assert await running(database_url) == 0
    await pool.close()


async def test_a_known_statement_costs_one_round_trip(database_url: str) -> None:
    async with proxied(database_url) as proxy:
        pool = ReadPool(proxy.database_url, ReadSettings(connections=1))
        await pool.fetch("SELECT $1::bigint", [1])
        before = proxy.questions

        for number in range(10):
            await pool.fetch("SELECT $1::bigint", [number])

        assert proxy.questions - before == 10
        await pool.close()


async def test_closing_ends_what_is_still_settling(database_url: str) -> None:
    pool = ReadPool(database_url, ReadSettings(connections=1))
    await cancelled(pool)

    await pool.close()

    assert not pool.settling
    assert await nothing_runs(database_url)


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


READERS = st.lists(
    st.tuples(
        st.sampled_from(["answer", "slow", "bad value", "bad statement", "killed"]),
        st.one_of(st.none(), st.integers(0, 30)),  # cancelled after so many milliseconds
    ),
    min_size=1,
    max_size=12,
)
STATEMENTS = {
    "answer": "SELECT $1::bigint",
    "slow": "SELECT $1::bigint FROM pg_sleep(0.03)",
    "bad value": "SELECT 1 / ($1::bigint - $1::bigint)",
    "bad statement": "SELECT $1::bigint FROM missing",
    "killed": "SELECT $1::bigint FROM pg_terminate_backend(pg_backend_pid())",
}


@settings(max_examples=25)
@given(readers=READERS)
def test_whatever_becomes_of_readers_no_slot_is_lost_and_no_answer_goes_to_another(
    database_url: str, readers: list[tuple[str, int | None]]
) -> None:
    survived = asyncio.run(outlive(database_url, readers))

    assert all(got in (number, None) for number, got in enumerate(survived.answers))
    assert survived.slots == 3
    assert survived.free <= 3
    assert survived.answers_afterwards == [0, 1, 2, 3, 4, 5]


@dataclass(frozen=True, slots=True)
class Survived:
    """`answers`: of the readers, in their order; None where there was none. The rest is of the pool afterwards."""

    answers: list[int | None]
    slots: int
    free: int
    answers_afterwards: list[int]


async def outlive(database_url: str, readers: list[tuple[str, int | None]]) -> Survived:
    """Each reader asks for its own number."""
    pool = ReadPool(database_url, ReadSettings(connections=3))

    async def read(number: int, kind: str) -> int:
        rows = await pool.fetch(STATEMENTS[kind], [number])
        found: int = rows[0][0]
        return found

    tasks = [asyncio.create_task(read(number, kind)) for number, (kind, _) in enumerate(readers)]
    for task, (_, milliseconds) in zip(tasks, readers, strict=True):
        if milliseconds is not None:
            asyncio.get_running_loop().call_later(milliseconds / 1000, task.cancel)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*pool.settling)

    slots, free = pool.slots._value, len(pool.free)
    afterwards = await asyncio.gather(*(read(number, "answer") for number in range(6)))
    await pool.close()
    answers = [None if isinstance(outcome, BaseException) else outcome for outcome in outcomes]
    return Survived(answers, slots, free, afterwards)
