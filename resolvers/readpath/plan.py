"""What an operation becomes: statements, and what to do with the holes in the text they print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Table

from resolvers.readpath.failures import BadInput, Failure

Inputs = Mapping[str, Any]
"""The coerced variables, and under names with @ what the engine adds: customer id, context, answers."""
Bind = Callable[[Inputs], Any]
CONTEXT, CUSTOMER_ID, SHAPE, READ = "@context", "@customer_id", "@shape", "@read"
"""SHAPE: the part of a plan's key that the variables give. READ: values that were converted before, by their bind."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text and how each $n is got from the inputs.

    `own`: the numbers of those that are one value of each request's own, with their casts, such as (2, "::BIGINT").
    `together`: the same for several requests at once (`together.py`).
    """

    sql: str
    binds: tuple[Bind, ...]
    own: tuple[tuple[int, str], ...] = ()
    together: str | None = None

    def values(self, inputs: Inputs) -> list[Any]:
        return [bind(inputs) for bind in self.binds]


@dataclass(frozen=True, slots=True)
class PythonHole:
    """A computed field: the statement printed the named columns; `write` prints what the function makes."""

    function: Callable[..., Any]
    readers: tuple[Callable[[Any], Any] | None, ...]
    write: Callable[[Any], Any]
    arguments: Mapping[str, Bind]


@dataclass(frozen=True, slots=True)
class FailedHole:
    """A field known to fail before anything runs, or wherever the statement prints the mark."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class GraphHole:
    """A graph field: the statement printed the parent's key; the answers are rows of a second statement."""

    question: Table
    first: Bind
    parameters: Mapping[str, Bind]
    statement: Statement


@dataclass(frozen=True, slots=True)
class RowsHole:
    """Rows that a function makes of the columns which the statement printed: rows of a second statement."""

    table: Table
    function: Callable[..., Any]
    readers: tuple[Callable[[Any], Any] | None, ...]
    statement: Statement


Hole = PythonHole | FailedHole | GraphHole | RowsHole


@dataclass(frozen=True, slots=True)
class Plan:
    """`checks` are arguments that can make no sense; each raises BadInput before anything runs.

    `reads_any_customer`: the answer may change with any customer, else only with those marked in its text.
    """

    statement: Statement
    holes: tuple[Hole, ...] = ()
    checks: tuple[Bind, ...] = ()
    named: tuple[Bind, ...] = ()
    """Each gives the ids of customers that the client names, None for what is no id."""
    reads_any_customer: bool = True
    reads_viewer: bool = True

    def customers_named(self, inputs: Inputs) -> set[int]:
        return {key for read in self.named for key in read(inputs) if key is not None}

    @property
    def size(self) -> int:
        """Characters of SQL, by which plans are counted."""
        inner = sum(len(hole.statement.sql) for hole in self.holes if isinstance(hole, GraphHole | RowsHole))
        return len(self.statement.sql) + len(self.statement.together or "") + inner

    def bad_inputs(self, inputs: Inputs) -> dict[int, str]:
        return bad_inputs(self.checks, inputs)


class Compiled(Protocol):
    """What is kept of a compiled operation: the plan of a query, or that of a mutation."""

    @property
    def size(self) -> int: ...

    def bad_inputs(self, inputs: Inputs) -> dict[int, str]: ...


def bad_inputs(checks: Iterable[Bind], inputs: Inputs) -> dict[int, str]:
    """Fields (by position) whose arguments make no sense, with the sentence that says so."""
    found: dict[int, str] = {}
    for check in checks:
        try:
            check(inputs)
        except BadInput as bad:
            found.setdefault(bad.field, bad.message)
    return found
