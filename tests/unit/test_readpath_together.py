"""Requests of one plan that wait at the same moment are one statement."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

import resolvers.readpath.together as together_module
from domain.errors import StatementTimedOut, StoreUnavailable
from resolvers.readpath.plan import Statement
from resolvers.readpath.together import Together, for_many, shared_values, values_of_many

ALONE = Statement("SELECT f($1::INTEGER, $2::BIGINT, $11::BIGINT)", (), ((2, "::BIGINT"),))
STATEMENT = Statement(ALONE.sql, (), ALONE.own, for_many(ALONE))


@dataclass
class Reads:
    """Answers with the second value it is given; statements end when their event is set."""

    held: asyncio.Event = field(default_factory=asyncio.Event)
    held_groups: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Any] = field(default_factory=list)
    ended: list[Any] = field(default_factory=list)
    fails_on: Any = None
    fault: Callable[[str], Exception] = ValueError

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        own = arguments[1]
        self.asked.append(own)
        try:
            await asyncio.sleep(0)
            await (self.held_groups if isinstance(own, list) else self.held).wait()
        finally:
            self.ended.append(own)
        if own == self.fails_on or (isinstance(own, list) and self.fails_on in own):
            raise self.fault("no")
        if not isinstance(own, list):
            return [(str(own),)]
        return [(number, str(one)) for number, one in reversed(list(enumerate(own, 1)))]


def let_go(reads: Reads) -> None:
    reads.held.set()
    reads.held_groups.set()


def together(reads: Reads, *, running: int = 1, most: int = 8) -> Together:
    return Together(reads, most, running)


def asked(one: Together, *values: int, shared: int = 10) -> "list[asyncio.Future[str | None]]":
    return [asyncio.ensure_future(one.text(STATEMENT, [shared, value])) for value in values]


async def moment() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_own_values_become_columns_of_rows() -> None:
    assert STATEMENT.together == (
        "SELECT given.number, f($1::INTEGER, given.v2, $11::BIGINT) "
        "FROM unnest((SELECT $2::BIGINT[])) WITH ORDINALITY AS given(v2, number)"
    )


def test_a_statement_without_own_values_stays_alone() -> None:
    assert for_many(Statement("SELECT 1", ())) is None


def test_of_what_is_shared_the_first_is_given() -> None:
    runs = [["a", 1], ["a", 2]]

    assert values_of_many(STATEMENT, runs) == ["a", [1, 2]]
    assert shared_values(STATEMENT, runs[0]) == shared_values(STATEMENT, runs[1])
    assert shared_values(STATEMENT, ["b", 1]) != shared_values(STATEMENT, ["a", 1])


async def test_who_comes_while_others_are_read_waits_and_is_read_together() -> None:
    reads = Reads()
    one = together(reads)
    first = asked(one, 1)
    await moment()
    others = asked(one, 2, 3, 4)
    await moment()
    let_go(reads)

    assert await asyncio.gather(*first, *others) == ["1", "2", "3", "4"]
    assert reads.asked == [1, [2, 3, 4]]
    assert not one.lanes


async def test_a_group_has_a_bound() -> None:
    reads = Reads()
    let_go(reads)

    assert await asyncio.gather(*asked(together(reads, most=2), 1, 2, 3, 4, 5, 6)) == list("123456")
    assert reads.asked == [1, [2, 3], [4, 5], 6]


async def test_what_differs_in_shared_values_is_read_apart() -> None:
    reads = Reads()
    let_go(reads)
    one = together(reads)

    assert await asyncio.gather(*asked(one, 0, 1), *asked(one, 2, shared=11)) == ["0", "1", "2"]
    assert reads.asked == [0, 1, 2]


def timed_out(words: str) -> Exception:
    return StatementTimedOut("postgres", words)


def lost(words: str) -> Exception:
    return StoreUnavailable("postgres", words)


@pytest.mark.parametrize("fault", [ValueError, timed_out])
async def test_nobody_fails_by_the_values_of_others(fault: Callable[[str], Exception]) -> None:
    reads = Reads(fails_on=2, fault=fault)
    let_go(reads)
    found = await asyncio.gather(*asked(together(reads), 0, 1, 2, 3), return_exceptions=True)

    assert (found[1], found[3]) == ("1", "3")
    assert isinstance(found[2], type(fault("no")))
    assert reads.asked == [0, [1, 2, 3], 1, 2, 3]


async def test_a_lost_database_is_asked_once() -> None:
    reads = Reads(fails_on=1, fault=lost)
    let_go(reads)
    found = await asyncio.gather(*asked(together(reads), 0, 1, 2), return_exceptions=True)

    assert all(isinstance(one, StoreUnavailable) for one in found[1:])
    assert reads.asked == [0, [1, 2]]


async def group_of(reads: Reads, one: Together, *values: int) -> "list[asyncio.Future[str | None]]":
    """Runs as one statement that is held."""
    first = asked(one, 0)
    await moment()
    group = asked(one, *values)
    await moment()
    reads.held.set()
    await first[0]
    await moment()
    return group


async def test_who_leaves_does_not_end_the_statement_of_others() -> None:
    reads = Reads()
    stays, leaves = await group_of(reads, together(reads), 1, 2)
    leaves.cancel()
    await moment()
    assert reads.ended == [0]
    let_go(reads)

    assert await stays == "1"


async def test_the_last_who_leaves_ends_the_statement() -> None:
    reads = Reads()
    one = together(reads)
    for text in await group_of(reads, one, 1, 2):
        text.cancel()
    await moment()

    assert reads.ended == [0, [1, 2]]
    assert not one.lanes


async def test_who_leaves_before_the_statement_runs_leaves_nothing_behind() -> None:
    reads = Reads()
    one = together(reads)
    first = asked(one, 1)
    await moment()
    second = asked(one, 2)
    await moment()
    second[0].cancel()
    await moment()
    assert not one.lanes[STATEMENT.sql].open
    third = asked(one, 3)
    await moment()
    let_go(reads)

    assert [await first[0], await third[0]] == ["1", "3"]
    assert reads.asked == [1, 3]


async def test_who_asks_something_else_does_not_wait() -> None:
    reads = Reads()
    one = together(reads)
    slow = asked(one, 1, 2)
    await moment()
    other = Statement(f"{ALONE.sql} AS other", (), ALONE.own, for_many(ALONE))
    quick = asyncio.ensure_future(one.text(other, [10, 3]))
    await moment()

    assert reads.asked == [1, 3]
    let_go(reads)
    await asyncio.gather(*slow, quick)
    assert not one.lanes


async def test_a_plan_that_is_slow_is_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together_module, "SLOW_SECONDS", 0.0)
    reads = Reads()
    one = together(reads)
    texts = asked(one, 1, 2, 3)
    await moment()
    assert reads.asked == [1]
    let_go(reads)

    assert await asyncio.gather(*texts) == ["1", "2", "3"]
    assert reads.asked == [1, 2, 3]
