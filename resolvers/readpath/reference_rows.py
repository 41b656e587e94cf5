"""The reference reader's way to rows: one small statement at a time, the parent's values filled in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    Enum,
    FromClause,
    Select,
    Subquery,
    Text,
    TextualSelect,
    and_,
    false,
    literal,
    or_,
    select,
    types,
)
from sqlalchemy import exists as sql_exists
from sqlalchemy import not_ as sql_not
from sqlalchemy import true as sql_true
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.visitors import replacement_traverse
from strawberry import UNSET

from resolvers.readpath.cursors import decode_id, storable
from resolvers.readpath.expressions import stored
from resolvers.readpath.sources import (
    Argument,
    ByColumn,
    Compares,
    ContextValue,
    Entity,
    Group,
    Inlined,
    Match,
    Reached,
    Related,
    RowScope,
)
from resolvers.readpath.viewer import OperationContext, ReadConnections

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Reads rows as dicts. `own_customer_id`: the only customer whose rows this viewer reaches."""

    reads: ReadConnections
    operation: OperationContext
    own_customer_id: int | None

    async def fetch(self, query: Select[Any]) -> list[Values]:
        dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
        compiled: Any = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        arguments = [plain(compiled.params[name]) for name in compiled.positiontup or []]
        return [dict(row) for row in await self.reads.fetch(compiled.string, arguments)]

    async def value(
        self, expression: Any, entity: Entity, row: Values, arguments: Values | None = None
    ) -> Any:
        """What an expression over the row is worth, as a Python value."""
        if isinstance(expression, ColumnClause) and expression.table is entity.rows:
            return from_driver(row[str(expression.key)], expression.type)
        filled = self.filled(expression, (entity, row), arguments or {})
        found = await self.fetch(select(filled.label("value")))
        return from_driver(found[0]["value"], expression.type)

    async def holds(self, condition: Any, entity: Entity, row: Values) -> bool:
        """Whether a row meets a condition; without one it does."""
        return condition is None or bool(await self.value(condition, entity, row))

    def filled(self, expression: Any, parent: tuple[Entity, Values] | None, arguments: Values) -> Any:
        """The expression with the parent's columns, the arguments and the context as literal values."""

        def replace(element: Any, **_: Any) -> Any:
            if isinstance(element, Argument):
                return literal(self.argument(element, arguments), widened(element.type))
            if isinstance(element, Inlined):
                return self.filled(element.stands_for, parent, arguments)
            if isinstance(element, ContextValue):
                return literal(element.read(self.operation), element.type)
            if parent and isinstance(element, Subquery) and not names_parent(element.element, parent):
                return self.filled(element, None, arguments)
            if parent and isinstance(element, ColumnClause) and element.table is parent[0].rows:
                name = str(element.key)  # kept as a label: a select may list the parent's column
                return literal(parent[1][name], widened(element.type)).label(name)
            return None

        return replacement_traverse(expression, {}, replace)

    def argument(self, element: Argument[Any], arguments: Values) -> Any:
        value = as_dicts(given(arguments, element.graphql_name))
        return value if value is None or element.in_sql is None else element.in_sql(value)

    async def of(  # noqa: PLR0913 - one keyword a property
        self,
        target: Entity,
        parent: tuple[Entity, Values] | None,
        on: Any,
        arguments: Values,
        *,
        order: Any = (),
        instead: Subquery | None = None,
        among: FromClause | None = None,
    ) -> list[Values]:
        """All rows of the target that meet the condition; `instead` are other rows of the same columns, tied to
        the parent themselves; `among` are the target's rows with more columns."""
        other = instead if instead is not None else among
        source = other if other is not None else child_rows(on, target, parent)
        rows = self.standing_rows(source, parent, arguments)
        swap = {source: rows, target.rows: rows}
        query = select(*rows.c).select_from(rows).order_by(*(placed(term, swap) for term in order))
        if on is not None and instead is None:
            own = {source: rows} if among is None else swap
            query = query.where(self.filled(placed(on, own), parent, arguments))
        limit = target.published.limit_for(self.operation.viewer.role)
        if limit is not None:
            query = query.where(placed(limit, swap))
        if self.own_customer_id is not None and not isinstance(target.scope, RowScope):
            query = query.where(placed(target.scope, swap) == self.own_customer_id)
        return await self.fetch(query)

    def standing_rows(
        self, source: Any, parent: tuple[Entity, Values] | None, arguments: Values
    ) -> FromClause:
        if not isinstance(source, Subquery):
            rows: FromClause = source
            return rows
        open_to = parent if parent and names_parent(source.element, parent) else None
        body = self.filled(source.element, open_to, arguments)
        made: FromClause = body.correlate(None).subquery(source.name)
        return made

    def matching(self, where: Any, value: Any, column: Any = None) -> Any:
        """The condition of a filter input; None when it names nothing. `column`: what nested operators compare,
        or the rows whose columns are named."""
        if value is None or value is UNSET:
            return None
        conditions = []
        for field in where.__strawberry_definition__.fields:
            member = getattr(value, field.python_name)
            if member is not None and member is not UNSET:
                conditions.append(self.rule(field.metadata["rule"], member, column))
        return and_(*conditions) if conditions else None

    def rule(self, rule: Any, value: Any, column: Any) -> Any:
        match rule:
            case Match():
                return self.match(rule, value, column)
            case Compares(column=compared):
                found = self.matching(type(value), value, compared)
                return sql_true() if found is None else found
            case Group(kind=kind):
                members = value if isinstance(value, list) else [value]
                found = [self.matching(type(member), member) for member in members]
                return grouped(kind, [sql_true() if c is None else c for c in found])
            case Related(rows=rows, on=on):
                found = self.matching(type(value), value, rows)
                inner = select(1).select_from(rows).where(on, sql_true() if found is None else found)
                return sql_exists(inner.correlate_except(rows))
            case ByColumn(name=name, operator=operator):
                return self.match(Match(None, operator), value, column.c[name])
            case Reached(rows=rows, on=on, match=inner_match):
                reaching = select(1).select_from(rows).where(on, self.match(inner_match, value, None))
                return sql_exists(reaching.correlate_except(rows))
        raise TypeError(f"not a rule: {rule}")

    def match(self, rule: Match, value: Any, column: Any) -> Any:
        column = column if rule.column is None else rule.column
        many = isinstance(value, list)
        read = [self.stored(rule, column, v) for v in (value if many else [value])]
        if isinstance(value, bool):
            return rule.operator(column, literal(value))
        type_ = widened(column.type)
        bound: Any = literal(read, ARRAY(type_)) if many else literal(read[0], type_)
        return rule.operator(column, bound)

    def stored(self, rule: Match, column: Any, value: Any) -> Any:
        if rule.id_prefix is not None:
            return decode_id(value, rule.id_prefix)
        if rule.stored is not None:
            return rule.stored(self.operation, storable(value))
        if isinstance(column.type, Enum):
            return value.name
        return storable(plain(value))


def condition_of(where: Any, operation: OperationContext) -> Any:
    """A filter input as a condition over the rows of its entity; None when it names nothing.

    *Errors*: ValueError, in words for the client."""
    nothing_is_read: Any = None
    rows = Rows(nothing_is_read, operation, None)
    found = rows.matching(type(where), where)
    return None if found is None else rows.filled(found, None, {})


def names_parent(query: Any, parent: tuple[Entity, Values]) -> bool:
    """Whether a select used as rows speaks of the parent (`.correlate(parent)`), or has such a table of its own;
    one that is written as text can speak of it only by `inlined` expressions."""
    return isinstance(query, TextualSelect) or parent[0].rows in query._correlate


def grouped(kind: str, conditions: list[Any]) -> Any:
    if kind == "not":
        return sql_not(and_(*conditions).is_(True))
    return or_(false(), *conditions) if kind == "any" else and_(sql_true(), *conditions)


def given(arguments: Values, name: str) -> Any:
    value = arguments.get(name)
    return None if value is UNSET else value


def as_dicts(value: Any) -> Any:
    """Input objects as the planner knows them."""
    if isinstance(value, list):
        return [as_dicts(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    return stored(value) if hasattr(type(value), "__members__") else value


def widened(type_: Any) -> Any:
    """A type whose parameters take any value a client can send."""
    if isinstance(type_, types.SmallInteger):
        return types.Integer()
    return Text() if isinstance(type_, Enum) else type_


def from_driver(value: Any, type_: Any) -> Any:
    if value is None:
        return None
    if isinstance(type_, types.JSON):
        return json.loads(value)
    if isinstance(type_, Enum) and type_.enum_class is not None:
        return type_.enum_class[value]
    return value


def placed(expression: Any, swap: dict[FromClause, FromClause]) -> Any:
    def replace(element: Any, **_: Any) -> Any:
        if isinstance(element, ColumnClause) and element.table in swap:
            return swap[element.table].c[str(element.key)]
        return None

    return replacement_traverse(expression, {}, replace)


def child_rows(on: Any, target: Entity, parent: tuple[Entity, Values] | None) -> Any:
    """The rows a condition speaks about: an alias where an entity refers to itself."""
    if on is None or parent is None or parent[0].rows is not target.rows:
        return target.rows
    return next(rows for rows in on._from_objects if getattr(rows, "element", None) is target.rows)
