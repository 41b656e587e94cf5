"""An operation as a tree of its fields, each with where its value comes from: what the plan was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLField, get_named_type, is_abstract_type, is_leaf_type
from graphql.execution.values import VariableValues

from resolvers.readpath.catalogue import Catalogue, find_entity_of, find_source, node_type, target_of
from resolvers.readpath.operation import Merged, Operation
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
    Source,
    WorkedRows,
)

Tree = dict[str, Any]


def field_tree(operation: Operation, catalogue: Catalogue, variables: Mapping[str, Any]) -> list[Tree]:
    """The root fields. `variables` as for compiling: what `@skip` and `@include` need."""
    described = Description(operation, catalogue, VariableValues({}, dict(variables)))
    return described.below(catalogue.schema.query_type, [operation.definition])


@dataclass(frozen=True, slots=True)
class Description:
    operation: Operation
    catalogue: Catalogue
    variables: VariableValues

    def below(self, type_: Any, nodes: Sequence[Any]) -> list[Tree]:
        """What is read from the row itself in one entry, then every other field in one of its own."""
        sets = [node.selection_set for node in nodes]
        found: list[Tree] = []
        columns: list[str] = []
        for runtime_type in self.runtime_types(type_):
            merged: Merged = self.operation.merged(runtime_type, sets, self.variables)
            for key, parts in merged.items():
                field = runtime_type.fields.get(parts[0].name.value)
                if field is None or self.is_plain(field):
                    columns.append(key)
                else:
                    found.append(self.field(key, field, parts))
        own: list[Tree] = [{"columns": list(dict.fromkeys(columns))}] if columns else []
        return own + found

    def runtime_types(self, type_: Any) -> Sequence[Any]:
        return self.catalogue.schema.get_possible_types(type_) if is_abstract_type(type_) else [type_]

    def is_plain(self, field: GraphQLField) -> bool:
        source = find_source(field)
        if source is None:
            return is_leaf_type(get_named_type(field.type))
        return isinstance(source, Column)

    def field(self, key: str, field: GraphQLField, nodes: list[FieldNode]) -> Tree:
        source = find_source(field)
        tree: Tree = {"field": key}
        if source is not None:
            tree["from"] = words_of(source, field, self.catalogue)
        if isinstance(source, GraphRows | GraphPages):
            tree["question"] = source.question.name
        if nodes[0].selection_set is not None and not isinstance(source, Computed):
            tree["fields"] = self.below(get_named_type(field.type), nodes)
        return tree


def words_of(source: Source, field: GraphQLField, catalogue: Catalogue) -> str:
    match source:
        case WorkedRows(function=function, columns=columns):
            found = f"rows of Python: {function.__name__} of {count(len(columns), 'column')}"
            return f"{found}, then rows of PostgreSQL"
        case Computed(function=function, columns=columns):
            return f"Python: {function.__name__} of {count(len(columns), 'column')}"
        case Pages():
            return f"a page of {rows_of(node_type(field))}"
        case MergedPages(branches=branches):
            targets = [catalogue.by_class[branch.target] for branch in branches]
            return f"a page of {' and '.join(rows_of(target) for target in targets)}, merged by time"
        case GraphRows(question=question) | GraphPages(question=question):
            return f"the graph: {question.name}, then rows of PostgreSQL"
        case One() | Lookup() | Many():
            return f"{WORDS[type(source)]} {rows_of(target_of(field))}"
        case _:
            return WORDS[type(source)]


WORDS: Mapping[type, str] = {
    Column: "the same row",
    Embed: "the same row",
    One: "one row of",
    Lookup: "look-up of one row of",
    Many: "all its rows of",
    ByGlobalId: "look-up by the type in each id",
}


def rows_of(type_: Any) -> str:
    """The table, or where the rows are a select, its name."""
    entity = find_entity_of(type_)
    name = getattr(entity.rows, "name", None) if entity is not None else None
    return str(name or type_.name)


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
