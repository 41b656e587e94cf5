"""One operation of a document: its merged selections, and its variables in symbolic form."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues

from resolvers.readpath.variables import PlainVariable, plain_variables, whole_variables

Merged = dict[str, list[FieldNode]]


class Unplannable(Exception):
    """The planner cannot do this operation: the reference runs it, and a metric counts it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for the value of a variable (or a part of it) while an operation is compiled.

    `id_prefixes` are the known types that the ids in it name.
    """

    path: tuple[str | int, ...]
    id_prefixes: frozenset[str] = frozenset()

    def read(self, inputs: Mapping[str, Any]) -> Any:
        value: Any = inputs
        for step in self.path:
            value = value[step]
        return value


def symbolic(value: Any, path: tuple[str | int, ...], prefixes: frozenset[str]) -> Any:
    """What changes the plan stays: null, booleans, enum members, keys of inputs; the rest becomes a Slot."""
    match value:
        case None | bool() | enum.Enum():
            return value
        case dict():
            return {key: symbolic(part, (*path, key), prefixes) for key, part in value.items()}
        case list() if any(isinstance(item, dict) for item in value):
            return [symbolic(item, (*path, i), prefixes) for i, item in enumerate(value)]
        case _:
            return Slot(path, named_prefixes(value, prefixes))


def shape(value: Any, prefixes: frozenset[str]) -> Hashable:
    """The part of a plan's key that a variable's value contributes: equal shapes have equal plans."""
    match value:
        case None | bool() | enum.Enum():
            return (type(value), value)
        case dict():
            return tuple((key, shape(part, prefixes)) for key, part in value.items())
        case list() if any(isinstance(item, dict) for item in value):
            return ("list", *(shape(item, prefixes) for item in value))
        case _:
            return named_prefixes(value, prefixes)


def named_prefixes(value: Any, prefixes: frozenset[str]) -> frozenset[str]:
    texts = value if isinstance(value, list) else [value]
    return frozenset(prefix for text in texts if (prefix := id_prefix(text)) in prefixes)


def id_prefix(value: Any) -> str:
    return value.rpartition("_")[0] if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Operation:
    schema: GraphQLSchema
    definition: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    plain_variables: tuple[PlainVariable, ...] | None = None
    """None: only graphql-core reads its variables."""
    whole: frozenset[str] = frozenset()
    """Variables that are lists of plain input objects: a plan reads them as one value, whatever is in them."""

    def symbolic(self, inputs: Mapping[str, Any], prefixes: frozenset[str]) -> dict[str, Any]:
        """What a plan is compiled with."""
        return {
            name: Slot((name,)) if self.is_whole(name, value) else symbolic(value, (name,), prefixes)
            for name, value in inputs.items()
        }

    def shapes(self, inputs: Mapping[str, Any], prefixes: frozenset[str]) -> Hashable:
        """The part of a plan's key that the variables contribute."""
        return tuple(
            (name, "whole" if self.is_whole(name, value) else shape(value, prefixes))
            for name, value in inputs.items()
        )

    def is_whole(self, name: str, value: Any) -> bool:
        return name in self.whole and value is not None

    def merged(
        self,
        runtime_type: GraphQLObjectType,
        sets: Iterable[SelectionSetNode | None],
        variables: VariableValues,
    ) -> Merged:
        """CollectFields of the specification: response key -> nodes to merge, in order of appearance."""
        collection = Collection(self, runtime_type, variables, {}, set())
        for selections in sets:
            if selections is not None:
                collection.add(selections)
        return collection.found


@dataclass(frozen=True, slots=True)
class Collection:
    """Fields collected so far for one object."""

    operation: Operation
    runtime_type: GraphQLObjectType
    variables: VariableValues
    found: Merged
    seen: set[str]

    def add(self, selections: SelectionSetNode) -> None:
        for node in selections.selections:
            if self.is_included(node):
                self.add_node(node)

    def add_node(self, node: SelectionNode) -> None:
        match node:
            case FieldNode():
                self.found.setdefault(response_key(node), []).append(node)
            case InlineFragmentNode(type_condition=condition, selection_set=inner):
                if condition is None or self.applies(condition.name.value):
                    self.add(inner)
            case FragmentSpreadNode(name=name) if name.value not in self.seen:
                self.seen.add(name.value)
                fragment = self.operation.fragments[name.value]
                if self.applies(fragment.type_condition.name.value):
                    self.add(fragment.selection_set)

    def is_included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def applies(self, condition: str) -> bool:
        schema, type_ = self.operation.schema, self.operation.schema.type_map[condition]
        if type_ is self.runtime_type:
            return True
        return is_abstract_type(type_) and schema.is_sub_type(type_, self.runtime_type)


def find_operation(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Operation | None:
    """The operation of that name, or the only one; None when there is no such thing."""
    definitions = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    chosen = [d for d in definitions if name in (None, d.name and d.name.value)]
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    if len(chosen) != 1:
        return None
    variables = chosen[0].variable_definitions
    return Operation(
        schema, chosen[0], fragments, plain_variables(schema, variables), whole_variables(schema, variables)
    )


def response_key(node: FieldNode) -> str:
    return (node.alias or node.name).value


def position(node: FieldNode) -> int:
    """Where a field stands in its document: names it in checks."""
    return node.loc.start if node.loc else id(node)
