"""The declarations of a schema, found from GraphQL types and fields. Built once when the engine is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from resolvers.readpath.field import SourcedField, find_entity
from resolvers.readpath.sources import Entity, Roles, Rule, Source
from resolvers.readpath.sql import Templates

DEFINITION = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Types by the class they were declared with, entities by the prefix of their global ids, and the text of what
    they declare."""

    schema: GraphQLSchema
    by_class: dict[type, GraphQLObjectType]
    by_prefix: dict[str, GraphQLObjectType]
    templates: Templates = field(default_factory=Templates)

    @property
    def prefixes(self) -> frozenset[str]:
        return frozenset(self.by_prefix)


def make_catalogue(schema: GraphQLSchema) -> Catalogue:
    objects = [type_ for type_ in schema.type_map.values() if isinstance(type_, GraphQLObjectType)]
    by_class = {cls: type_ for type_ in objects if (cls := class_of(type_)) is not None}
    by_prefix: dict[str, GraphQLObjectType] = {}
    for type_ in by_class.values():
        entity = find_entity_of(type_)
        if entity is None or entity.id_prefix is None:
            continue
        if entity.id_prefix in by_prefix:
            raise ValueError(f"two entities have the id prefix {entity.id_prefix}")
        by_prefix[entity.id_prefix] = type_
    return Catalogue(schema, by_class, by_prefix)


def class_of(type_: Any) -> Any:
    definition = type_.extensions.get(DEFINITION)
    return None if getattr(definition, "type_var_map", None) else getattr(definition, "origin", None)


def find_entity_of(type_: Any) -> Entity | None:
    return find_entity(class_of(type_))


def entity_of(type_: Any) -> Entity:
    found = find_entity_of(type_)
    if found is None:
        raise TypeError(f"{type_.name} is not an entity: it has no declared rows")
    return found


def declared(field: GraphQLField) -> Any:
    """The strawberry field behind a GraphQL field; None for what graphql-core adds."""
    return field.extensions.get(DEFINITION)


def find_source(field: GraphQLField) -> Source | None:
    made = declared(field)
    return made.source if isinstance(made, SourcedField) else None


def python_name(field: GraphQLField) -> str:
    return str(declared(field).python_name)


def roles_of(field: GraphQLField) -> Roles | None:
    """Roles named at the field itself; None: it follows its type."""
    made = declared(field)
    if isinstance(made, SourcedField):
        return made.visible_to
    return getattr(made, "metadata", {}).get("visible_to")


def rule_of(input_field: Any) -> Rule:
    return cast(Rule, declared(input_field).metadata["rule"])


def target_of(field: GraphQLField) -> GraphQLObjectType:
    """The object type a field answers; of a connection, the connection type itself."""
    return cast(GraphQLObjectType, get_named_type(field.type))


def node_type(field: GraphQLField) -> GraphQLObjectType | GraphQLInterfaceType:
    """The type of a connection's entries."""
    return cast(GraphQLObjectType, get_named_type(target_of(field).fields["nodes"].type))
