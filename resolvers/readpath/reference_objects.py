"""Objects of the reference reader: an entity is an instance that holds its row."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from resolvers.readpath.failures import Failure
from resolvers.readpath.field import find_entity
from resolvers.readpath.reference_rows import Values
from resolvers.readpath.sources import Entity

Parent = tuple[Entity, Values]


def parent_of(value: Any) -> Parent | None:
    row = getattr(value, "__dict__", {}).get("row")
    entity = find_entity(type(value))
    return (entity, row) if entity is not None and row is not None else None


def instance(target: type, row: Values) -> Any:
    """An object of the entity's class that holds its row; fields are computed from it when asked."""
    made: Any = object.__new__(target)
    made.__dict__["row"] = row
    return made


def require(target: Any) -> Entity:
    found = find_entity(target)
    assert found is not None
    return found


def coded(failure: Failure) -> GraphQLError:
    return GraphQLError(failure.message, extensions={"code": failure.code.value, **failure.more})
