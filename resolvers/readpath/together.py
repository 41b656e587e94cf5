"""One statement for several requests of a plan: what a single one spends on setting it up is spent once.

The requests' own values become columns of rows that the statement reads first; it prints the answer of each. A third
of what PostgreSQL spends on a whole customer is spent whatever the rows, and a driver, a process and a switch between
them beside. Requests are put together only while they would wait anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.errors import StatementTimedOut
from resolvers.readpath.plan import Statement
from resolvers.readpath.viewer import ReadConnections

MOST_TOGETHER = 8
"""More gain little: eight save two fifths of PostgreSQL's part of a whole customer, four a third."""
RUNNING_STATEMENTS = 2
"""Who finds as many under way waits, and is joined by those who come meanwhile."""
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


@dataclass(slots=True)
class Together:
    """Reads statements that print one text each."""

    reads: ReadConnections
    most: int = MOST_TOGETHER
    running: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RUNNING_STATEMENTS))
    open: dict[Hashable, tuple[Group, asyncio.Task[list[str]]]] = field(default_factory=dict)
    """Groups that can still be joined."""

    async def text(self, statement: Statement, values: list[Any]) -> str:
        """Cancelling the last who waits for a group cancels its statement. Errors as of `fetch`: what fails for a
        group is tried for each alone, so that nobody fails by the values of others or for their time."""
        if statement.together is None:
            return await self.alone(statement, values)
        if not self.running.locked():  # nobody waits: no group, no task
            async with self.running:
                return await self.alone(statement, values)
        group, task = self.joined(statement, values)
        place = len(group.runs) - 1
        try:
            return (await asyncio.shield(task))[place]
        except asyncio.CancelledError:
            self.leave(group, task)
            raise
        except (ValueError, StatementTimedOut):
            if len(group.runs) == 1:
                raise
        return await self.alone(statement, values)

    def joined(self, statement: Statement, values: list[Any]) -> tuple[Group, asyncio.Task[list[str]]]:
        key = (statement.sql, shared_values(statement, values))
        if key not in self.open:
            group = Group(key, statement)
            self.open[key] = group, asyncio.ensure_future(self.run(group))
        group, task = self.open[key]
        group.runs.append(values)
        group.waiting += 1
        if len(group.runs) == self.most:
            del self.open[key]
        return group, task

    def leave(self, group: Group, task: asyncio.Task[list[str]]) -> None:
        group.waiting -= 1
        if not group.waiting:
            self.close(group)
            task.cancel()

    async def run(self, group: Group) -> list[str]:
        async with self.running:
            self.close(group)
            return await self.texts(group)

    def close(self, group: Group) -> None:
        """Who comes now is too late for it."""
        if group.key in self.open and self.open[group.key][0] is group:
            del self.open[group.key]

    async def texts(self, group: Group) -> list[str]:
        if len(group.runs) == 1:
            return [await self.alone(group.statement, group.runs[0])]
        assert group.statement.together is not None
        rows = await self.reads.fetch(group.statement.together, values_of_many(group.statement, group.runs))
        by_number = {row[0]: row[1] for row in rows}
        return [by_number[number] for number in range(1, len(group.runs) + 1)]

    async def alone(self, statement: Statement, values: list[Any]) -> str:
        text: str = (await self.reads.fetch(statement.sql, values))[0][0]
        return text
