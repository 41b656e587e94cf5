"""Printing what a computed field's function made: a leaf, a plain strawberry object, or a list of these.

A writer is built once while the operation is compiled: it takes the Python value and gives plain JSON values.
Only attributes are read: a field of a plain object with arguments or a resolver of its own is unplannable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    GraphQLObjectType,
    SelectionSetNode,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from resolvers.readpath.builder import StatementBuilder
from resolvers.readpath.catalogue import declared, find_entity_of, python_name
from resolvers.readpath.failures import MISSING_VALUE
from resolvers.readpath.operation import Unplannable

Writer = Callable[[Any], Any]


Selections = Sequence[SelectionSetNode | None]
RowWriter = Callable[[GraphQLObjectType, Selections, bool], Writer]
"""Makes the writer of an entity in a payload; the last: whether the schema promises it."""


def projection(
    builder: StatementBuilder, type_: Any, selections: Selections, row_writer: RowWriter | None = None
) -> Writer:
    inner, is_promised = (type_.of_type, True) if is_non_null_type(type_) else (type_, False)
    write = writer_of(builder, inner, selections, (row_writer, is_promised))
    return promised(write) if is_promised else nullable(write)


def writer_of(
    builder: StatementBuilder,
    inner: Any,
    selections: Selections,
    rows: tuple[RowWriter | None, bool],
) -> Writer:
    row_writer, is_promised = rows
    if is_list_type(inner):
        return list_writer(projection(builder, inner.of_type, selections, row_writer))
    if is_leaf_type(inner):
        return leaf_writer(inner)
    if not is_object_type(inner):
        raise Unplannable(f"a computed {inner}")
    if row_writer is not None and find_entity_of(inner) is not None:
        return row_writer(inner, selections, is_promised)
    return object_writer(builder, inner, selections, row_writer)


def leaf_writer(type_: Any) -> Writer:
    serialize: Writer = type_.serialize
    return serialize


def promised(write: Writer) -> Writer:
    """A null below a computed value fails the whole computed field: its function broke its word."""

    def written(value: Any) -> Any:
        if value is None:
            raise ValueError(MISSING_VALUE)
        return write(value)

    return written


def nullable(write: Writer) -> Writer:
    return lambda value: None if value is None else write(value)


def list_writer(write: Writer) -> Writer:
    return lambda values: [write(value) for value in values]


def object_writer(
    builder: StatementBuilder,
    type_: GraphQLObjectType,
    selections: Selections,
    row_writer: RowWriter | None = None,
) -> Writer:
    merged = builder.operation.merged(type_, selections, builder.variables)
    writers: dict[str, Writer] = {}
    for key, nodes in merged.items():
        name = nodes[0].name.value
        if name == "__typename":
            writers[key] = constant_writer(type_.name)
            continue
        field = type_.fields[name]
        if field.args or declared(field) is None or not declared(field).is_basic_field:
            raise Unplannable(f"{type_.name}.{name} inside a computed value")
        inner = projection(builder, field.type, [node.selection_set for node in nodes], row_writer)
        writers[key] = attribute_writer(python_name(field), inner)
    return lambda value: {key: write(value) for key, write in writers.items()}


def constant_writer(text: str) -> Writer:
    return lambda _: text


def attribute_writer(name: str, write: Writer) -> Writer:
    return lambda value: write(getattr(value, name))
