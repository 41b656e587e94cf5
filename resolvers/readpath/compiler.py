"""Operation -> Plan: walks the merged selections and lets each kind of source print its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLObjectType
from graphql.execution.values import VariableValues, get_argument_values
from sqlalchemy import BigInteger

from resolvers.readpath.builder import ROOT, Row, Selected, StatementBuilder
from resolvers.readpath.catalogue import Catalogue, entity_of, find_source, target_of
from resolvers.readpath.columns import print_column, print_computed, print_embed
from resolvers.readpath.connections import print_pages
from resolvers.readpath.cost import Cost, Pricing
from resolvers.readpath.failures import BadInput, Code, Failure
from resolvers.readpath.graph_rows import print_graph_pages, print_graph_rows
from resolvers.readpath.jsontext import Json, joined, json_object
from resolvers.readpath.merged_pages import print_merged_pages
from resolvers.readpath.operation import Operation, Slot, Unplannable, position, response_key
from resolvers.readpath.plan import Plan
from resolvers.readpath.relations import (
    print_by_global_id,
    print_by_global_ids,
    print_lookup,
    print_many,
    print_one,
)
from resolvers.readpath.sources import (
    ByGlobalId,
    Column,
    Computed,
    Embed,
    GraphPages,
    GraphRows,
    Lookup,
    Many,
    MergedPages,
    One,
    Pages,
    Role,
    Source,
    WorkedRows,
)
from resolvers.readpath.sql import where
from resolvers.readpath.together import for_many
from resolvers.readpath.worked_rows import print_worked_rows

EVENT_KEY = "@event"


@dataclass(frozen=True, slots=True)
class Task:
    """What one plan is compiled for. `failed`: fields whose arguments were found to make no sense."""

    operation: Operation
    catalogue: Catalogue
    variables: Mapping[str, Any]
    role: Role
    is_scoped: bool
    failed: Mapping[int, str] = field(default_factory=dict)


def new_builder(task: Task) -> StatementBuilder:
    variables = VariableValues({}, dict(task.variables))
    return StatementBuilder(
        task.operation, task.catalogue, variables, task.role, task.is_scoped, print_object, task.failed
    )


def cost_of(task: Task) -> Cost:
    variables = VariableValues({}, dict(task.variables))
    return Pricing(task.operation, task.catalogue, variables).whole()


def compile_query(task: Task) -> Plan:
    builder, root = new_builder(task), task.operation.schema.query_type
    assert root is not None
    body = print_object(builder, root, ROOT, [task.operation.definition])
    text = joined(['{"data":', *body, "}"]).text
    statement = builder.statement(f"SELECT {text}")
    return builder.plan(replace(statement, together=for_many(statement)))


def compile_event(task: Task, root_field: GraphQLField, node: FieldNode) -> Plan:
    """The same for one root field of an entity type whose row's key comes with the event (EVENT_KEY)."""
    builder, target = new_builder(task), target_of(root_field)
    opened = builder.open_rows(target, ROOT)
    body = print_object(builder, target, opened.row, [node])
    key = builder.place(entity_of(target).key, opened.row.scope)
    text = joined([f'{{"data":{{"{response_key(node)}":', *body, "}}"]).text
    wanted = f"{key.operand} = {builder.bind(Slot((EVENT_KEY,)), BigInteger()).text}"
    conditions = where([wanted, *opened.conditions])
    return builder.plan(builder.statement(f"SELECT {text} FROM {opened.source}{conditions} LIMIT 1"))


def print_object(builder: StatementBuilder, type_: GraphQLObjectType, row: Row, nodes: Sequence[Any]) -> Json:
    sets = [node.selection_set for node in nodes]
    merged = builder.operation.merged(type_, sets, builder.variables)
    fields = {key: print_field(builder, type_, row, parts) for key, parts in merged.items()}
    return [*builder.mark_owner(row), *json_object(fields)]


def print_field(
    builder: StatementBuilder, type_: GraphQLObjectType, row: Row, nodes: list[FieldNode]
) -> Json:
    name = nodes[0].name.value
    if name == "__typename":
        return [f'"{type_.name}"']
    found = type_.fields.get(name)
    source = find_source(found) if found else None
    if found is None or source is None:
        raise Unplannable("introspection" if name.startswith("__") else f"{type_.name}.{name}")
    at = position(nodes[0])
    if at in builder.failed:
        return builder.failure(bad_user_input(builder.failed[at]))
    try:
        arguments = get_argument_values(found, nodes[0], builder.variables)
        return print_source(builder, row, Selected(found, nodes, arguments), source)
    except BadInput as bad:
        if bad.field != at:
            raise
        return builder.failure(bad_user_input(bad.message))
    except GraphQLError as error:  # a literal that the argument's type refuses
        return builder.failure(bad_user_input(error.message))


def bad_user_input(message: str) -> Failure:
    return Failure(Code.BAD_USER_INPUT, message)


def print_source(builder: StatementBuilder, row: Row, selected: Selected, source: Source) -> Json:
    match source:
        case ByGlobalId(many=many):
            return print_by_global_ids(builder, selected) if many else print_by_global_id(builder, selected)
        case _:
            return cast(Json, PRINTERS[type(source)](builder, row, selected, source))


PRINTERS: dict[type, Any] = {
    Column: print_column,
    Embed: print_embed,
    Computed: print_computed,
    One: print_one,
    Lookup: print_lookup,
    Many: print_many,
    Pages: print_pages,
    MergedPages: print_merged_pages,
    GraphRows: print_graph_rows,
    GraphPages: print_graph_pages,
    WorkedRows: print_worked_rows,
}
