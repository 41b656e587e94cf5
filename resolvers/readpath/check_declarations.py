"""What a build must refuse: fields without a policy, joins that miss their target, roads around a scope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.visitors import iterate

from resolvers.readpath.catalogue import (
    Catalogue,
    find_entity_of,
    find_source,
    make_catalogue,
    roles_of,
)
from resolvers.readpath.check_filters import filter_problems
from resolvers.readpath.expressions import without_direction
from resolvers.readpath.relations import child_rows
from resolvers.readpath.rights import behind, is_root
from resolvers.readpath.sources import (
    SHARED,
    WITHIN_PARENT,
    Branch,
    Column,
    Computed,
    Embed,
    Entity,
    GraphPages,
    GraphRows,
    Lookup,
    Many,
    MergedPages,
    One,
    Pages,
    RowScope,
    Source,
    WorkedRows,
)


def check_declarations(schema: GraphQLSchema) -> list[str]:
    """One sentence for each mistake; empty: the schema may be served."""
    catalogue = make_catalogue(schema)
    objects = [type_ for type_ in schema.type_map.values() if isinstance(type_, GraphQLObjectType)]
    problems: list[str] = []
    for type_ in objects:
        if type_.name.startswith("__"):
            continue
        problems += entity_problems(type_)
        for name, field in type_.fields.items():
            problems += [f"{type_.name}.{name} {p}" for p in field_problems(catalogue, type_, field)]
    return problems


def entity_problems(type_: GraphQLObjectType) -> Iterator[str]:
    entity = find_entity_of(type_)
    if entity is None:
        return
    if not entity.roles:
        yield f"{type_.name} is for no role"
    if entity.id_prefix and entity.key is None:
        yield f"{type_.name} has an id prefix but no key"
    if entity.id_prefix and entity.scope is WITHIN_PARENT:
        yield f"{type_.name} can be reached by its id, so it needs a scope column or SHARED"
    owner = entity.scope
    if isinstance(owner, ColumnClause) and owner.table is not entity.rows:
        yield f"{type_.name}: its scope is not a column of its rows"


def field_problems(catalogue: Catalogue, type_: GraphQLObjectType, field: GraphQLField) -> Iterator[str]:
    source, parent, roles = find_source(field), find_entity_of(type_), roles_of(field)
    if is_root(catalogue, type_):
        if not roles:
            yield "is a root without roles"
    elif source is not None and parent is None:
        yield "is declared on a type that is no entity"
    if roles and parent is not None and not roles <= parent.roles:
        yield "is visible to roles that may not use its type"
    if source is not None:
        yield from source_problems(catalogue, parent, field, source)


def source_problems(
    catalogue: Catalogue, parent: Entity | None, field: GraphQLField, source: Source
) -> Iterator[str]:
    match source:
        case Embed():
            yield from embed_problems(parent, source)
        case One() | Many() | Pages() | Lookup() | GraphRows() | GraphPages() | WorkedRows():
            target = find_entity_of(behind(get_named_type(field.type)))
            if target is None:
                yield "leads to a type that is no entity"
                return
            yield from road_problems(parent, target, source)
            yield from stand_in_problems(field, target, source)
            yield from input_problems(field, target, source)
        case MergedPages(branches=branches):
            yield from merged_problems(catalogue, parent, branches)
    if isinstance(source, Pages):
        yield from order_problems(source)


def input_problems(field: GraphQLField, target: Entity, source: Source) -> Iterator[str]:
    """Of the inputs that choose among the target's rows."""
    if isinstance(source, Pages | Lookup):
        for name in {"where", "by"} & set(field.args):
            yield from filter_problems(get_named_type(field.args[name].type), target.rows, set())


def embed_problems(parent: Entity | None, source: Embed) -> Iterator[str]:
    definition: Any = source.target.__dict__.get("__strawberry_definition__")
    if not source.values:
        kept = getattr(source.target, "__entity__", None)
        if kept is None or parent is None or not has_rows_of(parent, kept.entity):
            yield "embeds a type that is no entity over the same rows, nor over columns that they have"
        return
    names = {field.python_name for field in definition.fields}
    for name in sorted(names ^ set(source.values)):
        yield f"embeds {source.target.__name__}, whose field {name} and the given values do not fit"


def has_rows_of(parent: Entity, embedded: Entity) -> bool:
    """The same rows, or such as belong to nobody and whose columns the parent's rows all have."""
    if embedded.rows is parent.rows:
        return True
    return embedded.scope is SHARED and set(embedded.rows.c.keys()) <= set(parent.rows.c.keys())


def road_problems(parent: Entity | None, target: Entity, source: Any) -> Iterator[str]:
    """The join must mention both sides, and no road may lead around a row scope."""
    on = getattr(source, "on", None)
    if target.scope is WITHIN_PARENT and (parent is None or parent.scope is SHARED):
        yield "reaches rows without a scope from rows that belong to nobody"
    if on is None:
        if parent is not None and isinstance(target.rows, Table) and isinstance(source, One | Many | Pages):
            yield "lists rows that are not joined to its own"
        return
    try:
        child_rows(on, parent, target)
    except TypeError as error:
        yield str(error)
    if parent is not None and parent.rows not in tables_mentioned(on):
        yield "has a join condition that does not mention its own rows"


def tables_mentioned(condition: Any) -> set[Any]:
    """Also by the columns of its subselects."""
    return {part.table for part in iterate(condition) if isinstance(part, ColumnClause)}


def stand_in_problems(field: GraphQLField, target: Entity, source: Any) -> Iterator[str]:
    used = columns_used(get_named_type(field.type), target)
    for rows in getattr(source, "given", {}).values():
        missing = sorted(used - set(rows.c.keys()))
        if missing:
            yield f"stands in rows that lack {', '.join(missing)}"


def columns_used(type_: Any, target: Entity) -> set[str]:
    """Keys of the target's rows that its fields read, and what says who sees them."""
    read: list[Any] = [] if isinstance(target.scope, RowScope) else [target.scope]
    read += [] if target.published.only_if is None else [target.published.only_if]
    for field in type_.fields.values():
        match find_source(field):
            case Column(expression=expression):
                read.append(expression)
            case Computed(columns=columns):
                read += columns
    found = (element for expression in read for element in iterate(expression))
    return {str(e.key) for e in found if isinstance(e, ColumnClause) and e.table is target.rows}


def merged_problems(
    catalogue: Catalogue, parent: Entity | None, branches: tuple[Branch, ...]
) -> Iterator[str]:
    for branch in branches:
        target = find_entity_of(catalogue.by_class[branch.target])
        if target is None or target.key is None:
            yield f"merges {branch.target.__name__}, which has no key"
        else:
            yield from road_problems(parent, target, branch)


def order_problems(source: Pages) -> Iterator[str]:
    chosen = [] if source.orders is None else [o.order_by for o in source.orders.by.values()]
    for term in (term for terms in (source.order_by, *chosen) for term in terms):
        key = without_direction(term)
        if isinstance(key, SqlColumn) and key.nullable:
            yield f"is ordered by {key.name}, which may be null"
