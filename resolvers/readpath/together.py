"""One statement for several requests of a plan: what a single one spends on setting it up is spent once.

The requests' own values become columns of rows that the statement reads first; it prints the answer of each. A third
of what PostgreSQL spends on a whole customer is spent whatever the rows, and a driver, a process and a switch between
them beside. Requests are put together only while they would wait anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
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


@dataclass(eq=False, slots=True)
class Group:
    """Runs of one statement that become one; `waiting` is how many still want their text."""

    key: Hashable
    statement: Statement
    runs: list[list[Any]] = field(default_factory=list)
    waiting: int = 0


Run = Callable[["Lane", Group], Coroutine[Any, Any, list[str]]]


@dataclass(eq=False, slots=True)
class Lane:
    """All requests of one statement: those of other statements never wait for them here."""

    running: asyncio.Semaphore
    users: int = 0
    open: dict[Hashable, tuple[Group, asyncio.Task[list[str]]]] = field(default_factory=dict)
    """Groups that can still be joined, by what their runs share."""

    def join(
        self, statement: Statement, values: list[Any], run: Run
    ) -> tuple[Group, asyncio.Task[list[str]]]:
        shared = shared_values(statement, values)
        if shared not in self.open:
            group = Group(shared, statement)
            self.open[shared] = group, asyncio.ensure_future(run(self, group))
        group, task = self.open[shared]
        group.runs.append(values)
        group.waiting += 1
        return group, task

    def leave(self, group: Group, task: asyncio.Task[list[str]]) -> None:
        group.waiting -= 1
        if not group.waiting:
            self.close(group)
            task.cancel()

    def close(self, group: Group) -> None:
        """Who comes now is too late for it."""
        if group.key in self.open and self.open[group.key][0] is group:
            del self.open[group.key]


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
            return await self.alone(statement, values)
        lane = self.lanes.get(statement.sql)
        if lane is None:
            lane = self.lanes[statement.sql] = Lane(asyncio.Semaphore(self.running_each))
        lane.users += 1
        try:
            return await self.text_in(lane, statement, values)
        finally:
            lane.users -= 1
            if not lane.users:
                del self.lanes[statement.sql]

    async def text_in(self, lane: Lane, statement: Statement, values: list[Any]) -> str | None:
        if not lane.running.locked():  # nobody waits: no group, no task
            async with lane.running:
                return await self.alone(statement, values)
        group, task = lane.join(statement, values, self.run)
        place = len(group.runs) - 1
        if len(group.runs) == self.most:
            lane.close(group)
        try:
            return (await asyncio.shield(task))[place]
        except asyncio.CancelledError:
            lane.leave(group, task)
            raise
        except (ValueError, StatementTimedOut):
            if len(group.runs) == 1:
                raise
        return await self.alone(statement, values)

    async def run(self, lane: Lane, group: Group) -> list[str]:
        async with lane.running:
            lane.close(group)
            return await self.texts(group)

    async def texts(self, group: Group) -> list[str]:
        """One for each run; a statement of a plan that can be put together always prints one."""
        assert group.statement.together is not None
        if len(group.runs) == 1:
            rows = await self.reads.fetch(group.statement.sql, group.runs[0])
            return [rows[0][0]]
        rows = await self.reads.fetch(group.statement.together, values_of_many(group.statement, group.runs))
        by_number = {row[0]: row[1] for row in rows}
        return [by_number[number] for number in range(1, len(group.runs) + 1)]

    async def alone(self, statement: Statement, values: list[Any]) -> str | None:
        rows = await self.reads.fetch(statement.sql, values)
        return rows[0][0] if rows else None
