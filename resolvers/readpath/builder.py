"""The state of one compilation: parameters, holes, checks and names, shared by all that print fields.

Three things are easy to get wrong and live only here: declared rows are replaced by aliases (`place`), every
set of rows carries the viewer's row scope (`open_rows`), and every value that a client sent is checked before
anything runs (`bind`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType
from graphql.execution.values import VariableValues
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Enum,
    FromClause,
    Integer,
    SmallInteger,
    Subquery,
    Table,
)

from resolvers.readpath.catalogue import Catalogue, entity_of, target_of
from resolvers.readpath.cursors import storable
from resolvers.readpath.dependencies import APART, Join, Reads
from resolvers.readpath.failures import Failure
from resolvers.readpath.given_values import (
    as_stored,
    by_name,
    element_type,
    given_to,
    guarded,
    holds_variable,
    in_context,
    once,
    reader,
    through,
    unchanged,
)
from resolvers.readpath.jsontext import CUSTOMER, END, HOLE, Json, as_text, chained, joined
from resolvers.readpath.nullness import keeps_promises
from resolvers.readpath.operation import Operation, Slot, position
from resolvers.readpath.parameters import numbered, parameter_mark
from resolvers.readpath.plan import CONTEXT, CUSTOMER_ID, Bind, FailedHole, Hole, Plan, Statement
from resolvers.readpath.sources import Argument, ContextValue, Entity, Role, RowScope
from resolvers.readpath.sql import Sql, Standing, columns_of, dialect, names_of, speaks_of
from resolvers.readpath.used_columns import UsedColumns

Scope = dict[FromClause, Standing]
"""Rows of a declaration -> the alias that stands for them in this statement."""


@dataclass(frozen=True, slots=True)
class Row:
    """The row whose fields are printed: its entity (None at the root) and where its columns are.

    `is_marked`: its owner is marked in the text, since an answer depends on them for the first time.
    `is_repeated`: it is one of many.
    """

    entity: Entity | None
    scope: Scope
    is_marked: bool = False
    is_repeated: bool = False

    def joined(self, json: Json) -> str:
        """The text of what is printed of it."""
        return (chained(json) if self.is_repeated else joined(json)).text


ROOT = Row(None, {})


@dataclass(frozen=True, slots=True)
class Selected:
    """One response key: its field, the nodes that merge into it, and their arguments."""

    field: GraphQLField
    nodes: list[FieldNode]
    arguments: dict[str, Any]

    @property
    def at(self) -> int:
        return position(self.nodes[0])

    @property
    def target(self) -> GraphQLObjectType:
        return target_of(self.field)


@dataclass(frozen=True, slots=True)
class Opened:
    """Rows of an entity in this statement: what stands behind FROM, their alias, and the conditions that always
    hold for this viewer. `is_table`: not a select."""

    source: str
    alias: str
    row: Row
    conditions: list[str]
    is_table: bool


PrintObject = Callable[["StatementBuilder", GraphQLObjectType, Row, Sequence[Any]], Json]


@dataclass(slots=True)
class StatementBuilder:
    """`is_scoped`: the viewer reaches only rows of one customer, whose id comes with the inputs. `own`: casts of the
    parameters that are one value of each request's own."""

    operation: Operation
    catalogue: Catalogue
    variables: VariableValues
    role: Role
    is_scoped: bool
    print_object: PrintObject
    failed: Mapping[int, str] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)
    checks: list[Bind] = field(default_factory=list)
    binds: list[Bind] = field(default_factory=list)
    known: dict[Any, int] = field(default_factory=dict)
    aliases: int = 0
    reads: Reads = field(default_factory=Reads)
    named: list[Bind] = field(default_factory=list)
    used: UsedColumns = field(default_factory=UsedColumns)
    own: dict[int, str] = field(default_factory=dict)

    def alias_name(self) -> str:
        self.aliases += 1
        return f"r{self.aliases}"

    # --- rows -------------------------------------------------------------------------------------------

    def open_rows(
        self,
        target: Any,
        parent: Row,
        selected: Selected | None = None,
        *,
        declared: FromClause | None = None,
        joined_by: Join = APART,
    ) -> Opened:
        """A fresh alias of the target's rows; `declared` are other rows of the same columns."""
        entity, alias = entity_of(target), self.alias_name()
        source = entity.rows if declared is None else declared
        parents_are = all(one.is_certain for one in parent.scope.values())
        is_certain = declared is None or (parents_are and keeps_promises(declared, entity.rows))
        is_marked = self.reads.account_for(entity, parent.entity, joined_by)
        row = Row(entity, {entity.rows: Standing(alias, is_certain)}, is_marked, parent.is_repeated)
        opened = self.rows_as(source, alias, (parent, selected))
        return Opened(opened, alias, row, self.own_rows(row), is_table=isinstance(source, Table))

    def rows_as(self, rows: FromClause, alias: str, of: tuple[Row, Selected | None]) -> str:
        """What stands behind FROM. A select speaks of its parent only where it says so by `.correlate(...)`."""
        if isinstance(rows, Subquery):
            return f"({self.select_as(rows, alias, of)}) AS {alias}"
        return f"{dialect().identifier_preparer.format_table(getattr(rows, 'element', rows))} AS {alias}"

    def select_as(self, rows: Subquery, alias: str, of: tuple[Row, Selected | None]) -> str:
        parent, selected = of
        scope = parent.scope if speaks_of(rows.element, tuple(parent.scope)) else {}
        marked = self.catalogue.templates.in_columns(rows.element)
        if marked is None:
            return self.place(rows.element, scope, selected).text
        before, columns, behind = columns_of(self.place(marked, scope, selected).text)
        listed = self.used.listed_as(alias, dict(zip(names_of(rows), columns, strict=True)))
        return f"{before}{listed}{behind}"

    def name_customers(self, value: Any, read: Callable[[Any], list[int | None]]) -> None:
        """Customers that the client names: the answer depends on them even if there are none."""
        self.named.append(reader(value, read))

    def mark_owner(self, row: Row) -> Json:
        """Says in the text that the answer depends on the customer whose row this is."""
        if not row.is_marked or row.entity is None or self.reads.any_customer:
            return []
        return [CUSTOMER, as_text(self.place(row.entity.scope, row.scope)), END]

    def own_rows(self, row: Row) -> list[str]:
        """What this viewer may see of these rows, for every WHERE over them: what is published, and the row scope."""
        assert row.entity is not None
        owner, limit = row.entity.scope, row.entity.published.limit_for(self.role)
        conditions = [] if limit is None else [self.place(limit, row.scope).operand]
        if not self.is_scoped or isinstance(owner, RowScope):
            return conditions
        own = self.bind(Slot((CUSTOMER_ID,)), BigInteger())
        return [*conditions, f"{self.place(owner, row.scope).operand} = {own.text}"]

    def place(
        self,
        expression: Any,
        scope: Scope,
        selected: Selected | None = None,
        *,
        compared_with: Sql | None = None,
    ) -> Sql:
        """The text of a declared expression, with aliases for rows of the scope and parameters for arguments."""
        template = self.catalogue.templates.template(expression, list(scope))

        def parameter(declared: BindParameter[Any]) -> str:
            match declared:
                case ContextValue(read=read, type=type_):
                    return self.bind(Slot((CONTEXT,)), type_, read).text
                case Argument():
                    return self.argument(declared, selected).text
            assert compared_with is not None
            return compared_with.text

        return template.filled([scope[table] for table in template.tables], parameter)

    # --- parameters -------------------------------------------------------------------------------------

    def argument(self, argument: Argument[Any], selected: Selected | None) -> Sql:
        if selected is None:
            raise TypeError(f"the argument {argument.graphql_name} stands where no field can have it")
        value = selected.arguments.get(argument.graphql_name)
        self.check_argument(argument, value, selected.at)
        return self.bind(value, argument.type, given_to(argument.in_sql), at=selected.at)

    def parameters(self, declared: Sequence[Argument[Any]], selected: Selected) -> dict[str, Bind]:
        """Arguments that a function or a graph question takes, by name."""
        return {argument.graphql_name: self.parameter(argument, selected) for argument in declared}

    def parameter(self, argument: Argument[Any], selected: Selected) -> Bind:
        value = selected.arguments.get(argument.graphql_name)
        self.check_argument(argument, value, selected.at)
        read = reader(value, guarded(lambda v: storable(as_stored(v)), selected.at))
        self.checks.append(read)
        return read

    def check_argument(self, argument: Argument[Any], value: Any, at: int) -> None:
        if value is None:
            return
        if argument.check is not None:
            self.check(value, argument.check, at)
        if argument.check_in_context is not None:
            self.checks.append(in_context(argument.check_in_context, reader(value, unchanged), at))

    def check(self, value: Any, test: Callable[[Any], object], at: int) -> None:
        """Tries an argument before anything runs: a literal here and once, a variable in each run."""
        tested = guarded(test, at)
        if holds_variable(value):
            self.checks.append(reader(value, tested))
        else:
            tested(value)

    def bind(
        self,
        value: Any,
        type_: Any,
        convert: Callable[[Any], Any] | None = None,
        *,
        at: int | None = None,
        with_context: Callable[[Any, Any], Any] | None = None,
    ) -> Sql:
        """A parameter; the same value used twice is one parameter. `at`: the field whose argument it is."""
        type_ = Integer() if isinstance(type_, SmallInteger) else type_  # a value may be too large for it
        identity = (repr(value), repr(type_), convert, with_context)
        if identity not in self.known:
            self.known[identity] = len(self.binds)
            change = convert or (by_name if isinstance(element_type(type_), Enum) else as_stored)
            made = reader(value, guarded(lambda v: storable(change(v)), at) if at is not None else change)
            if at is not None:
                made = once(made)
                self.checks.append(made)
            self.binds.append(through(with_context, made) if with_context else made)
        number, cast = self.known[identity], self.catalogue.templates.cast(type_)
        if isinstance(value, Slot) and value.path[0] != CONTEXT and not isinstance(type_, ARRAY):
            self.own[number] = cast
        return Sql(f"{parameter_mark(number)}{cast}", type_)

    # --- holes and the result ---------------------------------------------------------------------------

    def hole(self, hole: Hole, payload: Json) -> Json:
        self.holes.append(hole)
        return [f"{HOLE}{len(self.holes) - 1}:", *payload, END]

    def failure(self, failure: Failure) -> Json:
        return self.hole(FailedHole(failure), [])

    def statement(self, text: str) -> Statement:
        """Parameters are numbered anew: a graph field has a statement of its own."""
        sql, used = numbered(self.used.written(text))
        own = tuple((place, self.own[number]) for place, number in enumerate(used, 1) if number in self.own)
        return Statement(sql, tuple(self.binds[number] for number in used), own)

    def plan(self, statement: Statement) -> Plan:
        found = tuple(self.holes), tuple(self.checks), tuple(self.named)
        of_customers, of_viewer = self.reads.any_customer, self.reads.viewer
        return Plan(statement, *found, reads_any_customer=of_customers, reads_viewer=of_viewer)
