"""One run of a plan: a statement, then the holes in its text."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.errors import StoreUnavailable
from resolvers.readpath.dependencies import Dependencies
from resolvers.readpath.failures import MISSING_VALUE, Failure, Masking, store_unavailable
from resolvers.readpath.graph_rows import KEYS, PARENT, POSITION, answer_slot
from resolvers.readpath.jsontext import END, HOLE, SEPARATOR
from resolvers.readpath.nulls import failed_value, write_json
from resolvers.readpath.plan import (
    FailedHole,
    GraphHole,
    Inputs,
    Plan,
    PythonHole,
    RowsHole,
    Statement,
)
from resolvers.readpath.together import Together
from resolvers.readpath.viewer import AnswerQuestion, OperationContext, ReadConnections

HOLES = re.compile(f"{HOLE}([^{END}]*){END}")


@dataclass(frozen=True, slots=True)
class Stores:
    """Where plans read. `question_seconds`: a graph that takes longer counts as away. `together`: over `reads`."""

    reads: ReadConnections
    answer_question: AnswerQuestion
    question_seconds: float
    together: Together = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "together", Together(self.reads))


@dataclass(slots=True)
class Execution:
    stores: Stores
    masking: Masking
    plan: Plan
    inputs: Inputs
    context: OperationContext
    failures: list[Failure] = field(default_factory=list)
    missing: str | None = None
    payloads: dict[str, list[Any]] = field(default_factory=dict)
    """By their text: fields computed from the same columns of a row are given the same objects."""
    arguments: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By number of the hole."""
    customers: set[int] = field(default_factory=set)
    """On whose rows the answer depends, unless the plan says on anybody's."""
    asked_of: set[int] = field(default_factory=set)
    """About whom the graph was asked."""

    async def text(self) -> str | None:
        """The answer's text, with failed values where something failed; None: no row (events only)."""
        statement = self.plan.statement
        text = await self.stores.together.text(statement, statement.values(self.inputs))
        if text is None:
            return None
        self.customers |= self.plan.customers_named(self.inputs)
        return await self.filled(text) if HOLE in text else text

    def depends_on(self) -> Dependencies | None:
        """Once the text is whole; None: good for this one request alone."""
        if self.plan.reads_viewer or self.failures:
            return None
        return Dependencies(frozenset(self.customers), self.plan.reads_any_customer, frozenset(self.asked_of))

    async def filled(self, text: str) -> str:
        """Python holes in place; graph holes together, one question for all parents of a field."""
        parts = HOLES.split(text)
        waiting: dict[int, list[tuple[int, str]]] = {}
        for at in range(1, len(parts), 2):
            number, _, payload = parts[at].partition(":")
            if number == "@":
                self.customers.add(int(payload))
                parts[at] = ""
                continue
            if number == "!":
                parts[at] = self.missing_value()
                continue
            hole = self.plan.holes[int(number)]
            if isinstance(hole, GraphHole | RowsHole):
                waiting.setdefault(int(number), []).append((at, payload))
            else:
                parts[at] = self.computed(int(number), hole, payload)
        if waiting:
            await self.answer(parts, waiting)
        return "".join(parts)

    async def answer(self, parts: list[str], waiting: Mapping[int, list[tuple[int, str]]]) -> None:
        asked = [
            asyncio.ensure_future(self.rows_below(number, {payload for _, payload in at}))
            for number, at in waiting.items()
        ]
        try:
            answers = await asyncio.gather(*asked)
        finally:
            for one in asked:
                one.cancel()  # where one failed, nobody waits for the others
        for places, answer in zip(waiting.values(), answers, strict=True):
            for at, payload in places:
                found = answer if isinstance(answer, Failure) else answer.get(payload, "[]")
                parts[at] = self.fail(found) if isinstance(found, Failure) else found

    async def rows_below(self, number: int, payloads: set[str]) -> dict[str, str | Failure] | Failure:
        """What stands below a field, by what the statement printed for each parent."""
        hole = self.plan.holes[number]
        if isinstance(hole, RowsHole):
            return await self.work(hole, sorted(payloads))
        assert isinstance(hole, GraphHole)
        answer = await self.ask(hole, sorted(map(int, payloads)))
        return answer if isinstance(answer, Failure) else {str(key): text for key, text in answer.items()}

    async def work(self, hole: RowsHole, payloads: list[str]) -> dict[str, str | Failure]:
        """The function for each parent, then one statement for everything below."""
        found: dict[str, str | Failure] = {}
        rows: list[tuple[Any, ...]] = []
        for parent, payload in enumerate(payloads):
            try:
                made = hole.function(self.context, *self.read(hole, payload))
            except Exception as cause:  # noqa: BLE001 - one parent's function fails: its field fails, nothing else
                found[payload] = self.masking.told(cause)
            else:
                rows += [(parent, position, *row) for position, row in enumerate(made, 1)]
        names = [column.name for column in hole.table.c]
        texts = await self.texts_below(hole.statement, as_arrays(rows, names))
        return found | {payloads[parent]: text for parent, text in texts.items()}

    async def ask(self, hole: GraphHole, keys: list[int]) -> dict[int, str] | Failure:
        """One graph call for all parents, then one statement for everything below."""
        self.asked_of.update(keys)
        first = hole.first(self.inputs)
        wanted = {name: read(self.inputs) for name, read in hole.parameters.items()}
        try:
            async with asyncio.timeout(self.stores.question_seconds):
                found = await self.stores.answer_question(
                    hole.question.name, keys, {"first": first, **wanted}
                )
        except TimeoutError:
            return store_unavailable(StoreUnavailable("graph", "the question took too long"))
        except StoreUnavailable as lost:
            return store_unavailable(lost)
        names = [column.name for column in hole.question.c]
        answered = as_arrays(numbered(found, first), names)
        return await self.texts_below(hole.statement, {**answered, answer_slot(KEYS): keys})

    async def texts_below(self, statement: Statement, answered: Mapping[str, list[Any]]) -> dict[int, str]:
        """What the second statement prints for each parent that has rows, its own holes filled."""
        inputs = {**self.inputs, **answered}
        rows = await self.stores.reads.fetch(statement.sql, statement.values(inputs))
        if not rows:
            return {}
        texts = SEPARATOR.join(row[1] for row in rows)
        texts = await self.filled(texts) if HOLE in texts else texts
        return dict(zip((row[0] for row in rows), texts.split(SEPARATOR), strict=True))

    def computed(self, number: int, hole: PythonHole | FailedHole, payload: str) -> str:
        if isinstance(hole, FailedHole):
            return self.fail(hole.failure)
        read = self.read(hole, payload)
        try:
            given = self.arguments_of(number, hole)
            made = hole.write(hole.function(self.context, *read, **given))
        except Exception as cause:  # noqa: BLE001 - one field's function fails: its field fails, nothing else
            return self.fail(self.masking.told(cause))
        return write_json(made)

    def read(self, hole: PythonHole | RowsHole, payload: str) -> list[Any]:
        return [
            value if reader is None or value is None else reader(value)
            for reader, value in zip(hole.readers, self.values(payload), strict=True)
        ]

    def values(self, payload: str) -> list[Any]:
        known = self.payloads.get(payload)
        if known is None:
            known = self.payloads[payload] = json.loads(payload)
        return known

    def arguments_of(self, number: int, hole: PythonHole) -> dict[str, Any]:
        known = self.arguments.get(number)
        if known is None:
            known = {name: argument(self.inputs) for name, argument in hole.arguments.items()}
            self.arguments[number] = known
        return known

    def missing_value(self) -> str:
        """One failure for all missing values of an answer: they have one cause, and one line in the log."""
        if self.missing is None:
            self.missing = self.fail(self.masking.masked(MISSING_VALUE))
        return self.missing

    def fail(self, failure: Failure) -> str:
        self.failures.append(failure)
        return failed_value(len(self.failures) - 1)


def numbered(rows: Sequence[tuple[Any, ...]], first: int) -> list[tuple[Any, ...]]:
    """Each parent's rows numbered from 1 and cut to `first`."""
    counts: dict[int, int] = {}
    kept = []
    for parent, *values in rows:
        counts[parent] = counts.get(parent, 0) + 1
        if counts[parent] <= first:
            kept.append((parent, counts[parent], *values))
    return kept


def as_arrays(rows: list[tuple[Any, ...]], columns: list[str]) -> dict[str, list[Any]]:
    names = [answer_slot(name) for name in (PARENT, POSITION, *columns)]
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
