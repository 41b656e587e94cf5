"""One statement for several requests of a plan: what a single one spends on setting it up is spent once.

The requests' own values become columns of rows that the statement reads first; it prints the answer of each. A third
of what PostgreSQL spends on a whole customer is spent whatever the rows, and a driver, a process and a switch between
them beside. Requests are put together only while they would wait anyway.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.errors import StatementTimedOut
from resolvers.readpath.plan import Statement
from resolvers.readpath.viewer import ReadConnections

MOST_TOGETHER = 8
"""More gain little: eight save two fifths of PostgreSQL's part of a whole customer, four a third."""
RUNNING_STATEMENTS = 2
"""Of one plan. Who finds as many under way waits, and is joined by those who come meanwhile; half of the connections
stay for others."""
SLOW_SECONDS = 0.1
"""A plan whose last statement took as long for each request is read alone: eight of them would be late together."""
GIVEN = "given"


def for_many(statement: Statement) -> str | None:
    """A statement that prints one text, as one that prints (number, text) for each of several; None: all that it is
    given is the same for everybody."""
    if not statement.own:
        return None
    sql, columns, arrays = statement.sql.removeprefix("SELECT "), [], []
    for place, cast in statement.own:
        sql = sql.replace(f"${place}{cast}", f"{GIVEN}.v{place}")
        columns.append(f"v{place}")
        arrays.append(
            f"(SELECT ${place}{cast}[])"
        )  # in a select the planner sees no length, and keeps its plan
    rows = f"unnest({', '.join(arrays)}) WITH ORDINALITY AS {GIVEN}({', '.join(columns)}, number)"
    return f"SELECT {GIVEN}.number, {sql} FROM {rows}"


def values_of_many(statement: Statement, runs: Sequence[list[Any]]) -> list[Any]:
    """By place: a list of what each run is given, or what all of them are."""
    values = list(runs[0])
    for place, _ in statement.own:
        values[place - 1] = [run[place - 1] for run in runs]
    return values


def shared_values(statement: Statement, values: list[Any]) -> Hashable:
    """What requests must have in common, beside their statement."""
    own = {place for place, _ in statement.own}
    return tuple(repr(value) for place, value in enumerate(values, 1) if place not in own)


class ReadAlone(Exception):
    """What a group is told that is not read as one."""


@dataclass(eq=False, slots=True)
class Run:
    """One request: what its statement is given, and where its text goes."""

    values: list[Any]
    told: asyncio.Future[str]


@dataclass(eq=False, slots=True)
class Group:
    """Runs of one statement that become one."""

    key: Hashable
    statement: Statement
    runs: list[Run] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def waiting(self) -> list[Run]:
        return [run for run in self.runs if not run.told.done()]

    async def read(self, reads: ReadConnections) -> list[str]:
        """One text for each run: a statement that can be put together prints exactly one."""
        values = [run.values for run in self.runs]
        if len(values) == 1:
            return [(await reads.fetch(self.statement.sql, values[0]))[0][0]]
        assert self.statement.together is not None
        rows = await reads.fetch(self.statement.together, values_of_many(self.statement, values))
        by_number = {row[0]: row[1] for row in rows}
        return [by_number[number] for number in range(1, len(values) + 1)]


@dataclass(eq=False, slots=True)
class Lane:
    """All requests of one statement: those of other statements never wait for them here."""

    reads: ReadConnections
    most: int
    running: asyncio.Semaphore
    users: int = 0
    seconds_each: float = 0.0
    """What a request took when the last statement ended."""
    open: dict[Hashable, Group] = field(default_factory=dict)
    """Groups that can still be joined, by what their runs share."""

    async def text(self, statement: Statement, values: list[Any]) -> str | None:
        if not self.running.locked():  # nobody waits: no group, no task
            async with self.running:
                started = time.monotonic()
                text = await alone(self.reads, statement, values)
                self.seconds_each = time.monotonic() - started
                return text
        run = Run(values, asyncio.get_running_loop().create_future())
        group = self.joined(statement, run)
        try:
            return await run.told
        except asyncio.CancelledError:
            self.leave(group)
            raise
        except ReadAlone:
            pass
        except (ValueError, StatementTimedOut):
            if len(group.runs) == 1:
                raise
        return await alone(self.reads, statement, values)

    def joined(self, statement: Statement, run: Run) -> Group:
        shared = shared_values(statement, run.values)
        group = self.open.get(shared)
        if group is None:
            group = self.open[shared] = Group(shared, statement)
            group.task = asyncio.ensure_future(self.run(group))
        group.runs.append(run)
        if len(group.runs) == self.most:
            self.close(group)
        return group

    def leave(self, group: Group) -> None:
        """The last who leaves takes the statement along."""
        if not group.waiting():
            self.close(group)
            assert group.task is not None
            group.task.cancel()

    def close(self, group: Group) -> None:
        """Who comes now is too late for it."""
        if self.open.get(group.key) is group:
            del self.open[group.key]

    async def run(self, group: Group) -> None:
        try:
            async with self.running:
                self.close(group)
                if self.seconds_each > SLOW_SECONDS:
                    raise ReadAlone
                started = time.monotonic()
                texts = await group.read(self.reads)
                self.seconds_each = (time.monotonic() - started) / len(texts)
        except Exception as fault:  # noqa: BLE001 - it belongs to those who wait
            for run in group.waiting():
                run.told.set_exception(fault)
            return
        for run, text in zip(group.runs, texts, strict=True):
            if not run.told.done():
                run.told.set_result(text)


@dataclass(slots=True)
class Together:
    """Reads statements that print at most one text each. A lane is there while somebody is in it."""

    reads: ReadConnections
    most: int = MOST_TOGETHER
    running_each: int = RUNNING_STATEMENTS
    lanes: dict[str, Lane] = field(default_factory=dict)

    async def text(self, statement: Statement, values: list[Any]) -> str | None:
        """Cancelling the last who waits for a group cancels its statement. Errors as of `fetch`: what fails for a
        group is tried for each alone, so that nobody fails by the values of others or for their time."""
        if statement.together is None:
            return await alone(self.reads, statement, values)
        lane = self.lanes.get(statement.sql)
        if lane is None:
            running = asyncio.Semaphore(self.running_each)
            lane = self.lanes[statement.sql] = Lane(self.reads, self.most, running)
        lane.users += 1
        try:
            return await lane.text(statement, values)
        finally:
            lane.users -= 1
            if not lane.users:
                del self.lanes[statement.sql]


async def alone(reads: ReadConnections, statement: Statement, values: list[Any]) -> str | None:
    rows = await reads.fetch(statement.sql, values)
    return rows[0][0] if rows else None
