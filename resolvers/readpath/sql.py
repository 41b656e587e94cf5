"""SQL as text: what a declared expression prints is worked out once, then only names are put in.

Building each statement out of SQLAlchemy's elements and compiling it took most of the time of compiling an
operation. So each declaration is printed once, as a `Template` with marks where aliases and parameters go, and a
statement is put together from texts. A mark is a control character, which no SQL text holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    FromClause,
    Select,
    Subquery,
    bindparam,
    literal_column,
    types,
)
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import TextualSelect
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from resolvers.readpath.nullness import is_never_null
from resolvers.readpath.sources import Argument, ContextValue, Inlined

MARK = re.compile("\x00([ta])([0-9]+)\x00")
COLUMN_END = re.compile("(?:, )?\x00c[0-9]+\x00(?:, )?")
NUMBERED = re.compile(r"\$([0-9]+)")
SIMPLE = re.compile(r'[\w."$:\x00]+')
TEXT, WHOLE, TRUTH, MOMENT = types.Text(), types.Integer(), types.Boolean(), types.DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL expression. `is_not_null`: known never to be null."""

    text: str
    type: Any = TEXT
    is_not_null: bool = False

    @property
    def operand(self) -> str:
        """The text where an operator stands beside it."""
        return self.text if SIMPLE.fullmatch(self.text) else f"({self.text})"


@dataclass(frozen=True, slots=True)
class Standing:
    """The alias that stands for declared rows. Not `is_certain`: its columns may be null whatever the table says."""

    name: str
    is_certain: bool = True


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


@cache
def dialect() -> Any:
    return asyncpg.dialect()  # type: ignore[no-untyped-call]


class GivenValue(BindParameter[Any]):
    """Where a filter's value stands in its comparison."""

    inherit_cache = True


@dataclass(frozen=True, slots=True)
class Template:
    """A declared expression as text. Marks: `t` rows, by place in `tables`; `a` a parameter, in `parameters`."""

    text: str
    type: Any
    tables: tuple[FromClause, ...]
    parameters: tuple[BindParameter[Any], ...]
    is_not_null: bool

    def filled(self, rows: Sequence[Standing], parameter: Callable[[BindParameter[Any]], str]) -> Sql:
        def put(mark: re.Match[str]) -> str:
            number = int(mark[2])
            return rows[number].name if mark[1] == "t" else parameter(self.parameters[number])

        is_not_null = self.is_not_null and all(one.is_certain for one in rows)
        return Sql(MARK.sub(put, self.text), self.type, is_not_null)


@dataclass(frozen=True, slots=True)
class Templates:
    """Every declared expression that was printed so far. Expressions are kept, so that their ids stay theirs."""

    printed: dict[tuple[int, ...], tuple[Any, Template]] = field(default_factory=dict)
    mentioned: dict[int, tuple[Any, frozenset[FromClause]]] = field(default_factory=dict)
    compared: dict[tuple[Any, ...], tuple[Any, Any]] = field(default_factory=dict)
    separated: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    casts: dict[str, str] = field(default_factory=dict)

    def template(self, expression: Any, tables: Sequence[FromClause]) -> Template:
        """With marks for those of the tables that the expression speaks of."""
        spoken_of = self.tables_of(expression)
        marked = tuple(table for table in tables if table in spoken_of)
        key = (id(expression), *map(id, marked))
        if key not in self.printed:
            self.printed[key] = (expression, print_template(expression, marked))
        return self.printed[key][1]

    def tables_of(self, expression: Any) -> frozenset[FromClause]:
        if id(expression) not in self.mentioned:
            self.mentioned[id(expression)] = (expression, frozenset(tables_in(expression)))
        return self.mentioned[id(expression)][1]

    def comparison(self, operator: Callable[[Any, Any], Any], column: Any, type_: Any) -> Any:
        """`operator(column, value)` as an expression, with a placeholder for the value."""
        key = (operator, id(column), repr(type_))
        if key not in self.compared:
            self.compared[key] = (column, operator(column, GivenValue("given", None, type_=type_)))
        return self.compared[key][1]

    def in_columns(self, query: Any) -> Any:
        """The same select with marks between its columns, so that `columns_of` its text tells them apart; None where
        its columns cannot be left out one by one."""
        if id(query) not in self.separated:
            self.separated[id(query)] = (query, separated(query))
        return self.separated[id(query)][1]

    def cast(self, type_: Any) -> str:
        """What follows a parameter of a type: `::BIGINT`."""
        name = repr(type_)
        if name not in self.casts:
            self.casts[name] = str(bindparam("x", type_=type_).compile(dialect=dialect())).removeprefix("$1")
        return self.casts[name]


def tables_in(expression: Any) -> set[FromClause]:
    found: set[FromClause] = set()
    for element in iterate(expression):
        if isinstance(element, ColumnClause) and element.table is not None:
            found.add(element.table)
        elif isinstance(element, Inlined):
            found |= tables_in(element.stands_for)
    return found


def print_template(expression: Any, tables: tuple[FromClause, ...]) -> Template:
    parameters: list[BindParameter[Any]] = []
    marked = with_marks(expression, tables, parameters)
    printed = marked.compile(dialect=dialect(), compile_kwargs={"literal_binds": True})
    type_ = getattr(expression, "type", TEXT)
    return Template(str(printed), type_, tables, tuple(parameters), is_never_null(expression))


def separated(query: Any) -> Any:
    if not isinstance(query, Select) or query._distinct or query._group_by_clauses or query._order_by_clauses:
        return None
    marked: list[Any] = [literal_column("\x00c0\x00")]
    for number, column in enumerate(query.selected_columns, 1):
        marked += [column, literal_column(f"\x00c{number}\x00")]
    return query.with_only_columns(*marked)


def names_of(rows: FromClause) -> list[str]:
    """Of their columns, as a statement calls them."""
    return [dialect().identifier_preparer.quote(column.name) for column in rows.c]


def columns_of(text: str) -> tuple[str, list[str], str]:
    """What stands before, the columns, and what stands behind them."""
    before, *columns, behind = COLUMN_END.split(text)
    return before, columns, behind


def print_condition(
    condition: Any, table: FromClause, alias: str, parameters_before: int
) -> tuple[str, list[Any]]:
    """A condition made while an operation runs, and the values of its parameters: its text is the same each time,
    so that its statement stays prepared."""
    compiled: Any = with_marks(condition, (table,), []).compile(dialect=dialect())
    text = NUMBERED.sub(
        lambda found: f"${int(found[1]) + parameters_before}", MARK.sub(alias, compiled.string)
    )
    return f"({text})", [compiled.params[name] for name in compiled.positiontup or ()]


def with_marks(expression: Any, tables: tuple[FromClause, ...], parameters: list[BindParameter[Any]]) -> Any:
    def replace(element: Any, **_: Any) -> Any:
        match element:
            case Inlined(stands_for=inner):
                return with_marks(inner, tables, parameters)
            case Argument() | ContextValue() | GivenValue():
                parameters.append(element)
                return literal_column(f"\x00a{len(parameters) - 1}\x00", element.type)
            case ColumnClause() if element.table in tables:
                name = dialect().identifier_preparer.quote(element.name)
                return literal_column(f"\x00t{tables.index(element.table)}\x00.{name}", element.type)
            case Subquery() if tables and not speaks_of(element.element, tables):
                return with_marks(element, (), parameters)
        return None

    return replacement_traverse(expression, {}, replace)


def speaks_of(query: Any, tables: tuple[FromClause, ...]) -> bool:
    """Whether a select used as rows names the parent by `.correlate(parent)`; otherwise it has such a table of its
    own. One that is written as text can speak of the parent only by `inlined` expressions."""
    if isinstance(query, TextualSelect):
        return True
    return any(table in tables for table in getattr(query, "_correlate", ()))
