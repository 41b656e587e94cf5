"""Variables of an operation: the plain ones (a leaf, or a list of leaves) are read without a walk over types.

graphql-core works out the type of each variable and describes it for errors, at each request. Where every
variable is plain, given and right, only the leaves' own functions run; all else is graphql-core's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    type_from_ast,
)

from resolvers.readpath.catalogue import declared


@dataclass(frozen=True, slots=True)
class PlainVariable:
    """`read` raises, or gives Undefined, where a value is wrong."""

    name: str
    read: Callable[[Any], Any]
    is_list: bool


def plain_variables(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode] | None
) -> tuple[PlainVariable, ...] | None:
    """None where one of them is more than that."""
    found = [plain_variable(schema, definition) for definition in definitions or ()]
    plain = tuple(variable for variable in found if variable is not None)
    return plain if len(plain) == len(found) else None


def plain_variable(schema: GraphQLSchema, definition: VariableDefinitionNode) -> PlainVariable | None:
    declared: Any = type_from_ast(schema, definition.type)
    type_: Any = get_nullable_type(declared)
    is_list = is_list_type(type_)
    leaf: Any = get_nullable_type(type_.of_type) if is_list else type_
    if not is_leaf_type(leaf):
        return None
    return PlainVariable(definition.variable.name.value, leaf.coerce_input_value, is_list)


def whole_variables(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode] | None
) -> frozenset[str]:
    """Lists of input objects that are no filters: nothing in them changes what is read."""
    return frozenset(
        definition.variable.name.value for definition in definitions or () if is_whole(schema, definition)
    )


def is_whole(schema: GraphQLSchema, definition: VariableDefinitionNode) -> bool:
    type_: Any = type_from_ast(schema, definition.type)
    item: Any = get_named_type(type_)
    if not is_list_type(get_nullable_type(type_)) or not is_input_object_type(item):
        return False
    return all("rule" not in getattr(declared(field), "metadata", {}) for field in item.fields.values())


def read_plain(variables: Sequence[PlainVariable], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """None where a value is missing, null or wrong: graphql-core knows the default, or what to say."""
    read: dict[str, Any] = {}
    for variable in variables:
        value = given.get(variable.name)
        if value is None or isinstance(value, list) != variable.is_list:
            return None
        try:
            read[variable.name] = read_list(variable, value) if variable.is_list else variable.read(value)
        except Exception:  # noqa: BLE001 - as graphql-core itself does: a scalar may raise anything
            return None
    wrong = any(is_wrong(value) for value in read.values())
    return None if wrong else read


def read_list(variable: PlainVariable, values: list[Any]) -> list[Any]:
    return [Undefined if value is None else variable.read(value) for value in values]


def is_wrong(value: Any) -> bool:
    return any(item is Undefined for item in value) if type(value) is list else value is Undefined
