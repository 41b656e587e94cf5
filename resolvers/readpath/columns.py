"""Fields that print something of the row at hand: columns, embedded objects, computed values."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, is_non_null_type
from sqlalchemy import ColumnElement, LargeBinary, types

from resolvers.readpath.builder import Row, Selected, StatementBuilder
from resolvers.readpath.catalogue import find_entity_of, python_name
from resolvers.readpath.jsontext import (
    VIOLATION,
    Json,
    as_text,
    case_when,
    json_object,
    or_else,
    scalar,
)
from resolvers.readpath.plan import PythonHole
from resolvers.readpath.projection import projection
from resolvers.readpath.sources import Column, Computed, Embed, EmbeddedValue, Entity
from resolvers.readpath.sql import Sql, quoted

READERS: dict[type, Callable[[Any], Any]] = {
    types.LargeBinary: bytes.fromhex,
    types.DateTime: datetime.fromisoformat,
    types.Date: lambda text: datetime.fromisoformat(text).date(),
}


def print_column(builder: StatementBuilder, row: Row, selected: Selected, source: Column) -> Json:
    builder.reads.note(source.expression, row.entity)
    expression = builder.place(source.expression, row.scope, selected)
    missing = if_missing(selected.field)
    if not source.is_id:
        return scalar(expression, if_null=missing)
    prefix = source.id_prefix or (row.entity.id_prefix if row.entity else None)
    printed: Json = [f'"{prefix}_', as_text(expression), '"']
    return printed if expression.is_not_null else or_else(printed, missing)


def if_missing(field: GraphQLField) -> str:
    return VIOLATION if is_non_null_type(field.type) else "null"


def print_embed(builder: StatementBuilder, row: Row, selected: Selected, source: Embed) -> Json:
    body = embedded(builder, row, source, (selected.target, selected.nodes))
    if source.unless_null is None:
        return body
    tested = builder.place(source.unless_null, row.scope)
    missing = quoted(if_missing(selected.field))
    return [case_when(f"{tested.operand} IS NULL", missing, row.joined(body))]


Part = tuple[GraphQLObjectType, list[Any]]
"""An object type and the nodes that select from it."""


def embedded(builder: StatementBuilder, row: Row, source: Embed, part: Part) -> Json:
    target, nodes = part
    if not source.values:
        return builder.print_object(builder, target, standing_in(row, find_entity_of(target)), nodes)
    merged = builder.operation.merged(target, [node.selection_set for node in nodes], builder.variables)
    fields: dict[str, Json] = {}
    for key, parts in merged.items():
        name = parts[0].name.value
        if name == "__typename":
            fields[key] = [f'"{target.name}"']
        else:
            value = source.values[python_name(target.fields[name])]
            fields[key] = embedded_value(builder, row, value, (target.fields[name], parts))
    return json_object(fields)


def standing_in(row: Row, entity: Entity | None) -> Row:
    """The same row as one of another entity, whose columns it has under their names."""
    assert row.entity is not None
    assert entity is not None
    scope = {**row.scope, entity.rows: row.scope[row.entity.rows]}
    return Row(entity, scope, is_repeated=row.is_repeated)


def embedded_value(
    builder: StatementBuilder, row: Row, value: EmbeddedValue, field: tuple[GraphQLField, list[Any]]
) -> Json:
    match value:
        case Embed():
            return print_embed(builder, row, Selected(field[0], field[1], {}), value)
        case enum.Enum():
            return [f'"{value.name}"']
        case str():
            return [f'"{value}"']
        case _:
            builder.reads.note(value, row.entity)
            return scalar(builder.place(value, row.scope), if_null=if_missing(field[0]))


def print_computed(builder: StatementBuilder, row: Row, selected: Selected, source: Computed) -> Json:
    readers, values = read_columns(builder, row, source.columns)
    write = projection(builder, selected.field.type, [node.selection_set for node in selected.nodes])
    arguments = builder.parameters(source.parameters, selected)
    return builder.hole(PythonHole(source.function, readers, write, arguments), values)


Readers = tuple[Callable[[Any], Any] | None, ...]


def read_columns(
    builder: StatementBuilder, row: Row, columns: Sequence[ColumnElement[Any]]
) -> tuple[Readers, Json]:
    """What a function is given of the row: how each value is read, and all of them as a JSON array."""
    builder.reads.viewer |= not columns
    for column in columns:
        builder.reads.note(column, row.entity)
    placed = [builder.place(column, row.scope) for column in columns]
    values: Json = []
    for value in placed:
        values += [",", *transported(value)]
    return tuple(reader_of(column) for column in placed), ["[", *values[1:], "]"]


def transported(column: Sql) -> Json:
    """How a value travels into a hole: bytes as digits, exact numbers as text, the rest as JSON has it."""
    if not isinstance(column.type, LargeBinary):
        return scalar(column, if_null="null")
    digits = Sql(f"encode({column.text}, 'hex')", is_not_null=column.is_not_null)
    printed: Json = ['"', digits, '"']
    return printed if column.is_not_null else or_else(printed, "null")


def reader_of(column: Sql) -> Callable[[Any], Any] | None:
    type_ = column.type
    if isinstance(type_, types.Enum) and type_.enum_class is not None:
        members = type_.enum_class
        return lambda name: members[name]
    if isinstance(type_, types.Numeric) and not isinstance(type_, types.Float):
        return Decimal
    return next((read for kind, read in READERS.items() if isinstance(type_, kind)), None)
