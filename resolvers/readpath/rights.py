"""Who may select what: one walk over an operation, before anything runs.

A field belongs to the roles named at it, else to those of its type; leading to an entity needs a right to
that entity too, whatever the road. A field under @skip or @include counts as selected: rights do not
depend on variables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode, get_named_type

from resolvers.readpath.catalogue import Catalogue, entity_of, find_entity_of, find_source, roles_of
from resolvers.readpath.failures import Code, Failure, Refused
from resolvers.readpath.operation import Operation
from resolvers.readpath.sources import MergedPages, Role

ROOTS = ("query_type", "mutation_type", "subscription_type")


def refuse_forbidden(operation: Operation, catalogue: Catalogue, role: Role) -> None:
    """Raises Refused with FORBIDDEN for the first field that the role may not select."""
    schema = catalogue.schema
    root = getattr(schema, f"{operation.definition.operation.value}_type")
    walk = Walk(operation, catalogue, role)
    forbidden = walk.find_forbidden(root, operation.definition.selection_set)
    if forbidden is not None:
        message = f"The role {role.name} may not use {forbidden}; leave it out."
        raise Refused(Failure(Code.FORBIDDEN, message, {"field": forbidden}))


@dataclass(frozen=True, slots=True)
class Walk:
    operation: Operation
    catalogue: Catalogue
    role: Role
    seen: set[tuple[str, str]] = field(default_factory=set)

    def find_forbidden(self, type_: Any, selections: SelectionSetNode) -> str | None:
        for node in selections.selections:
            found = self.below(type_, node)
            if found is not None:
                return found
        return None

    def below(self, type_: Any, node: Any) -> str | None:
        match node:
            case FieldNode():
                return self.field(type_, node)
            case FragmentSpreadNode(name=name):
                if (type_.name, name.value) in self.seen:
                    return None
                self.seen.add((type_.name, name.value))
                return self.inside(type_, self.operation.fragments[name.value])
            case _:
                return self.inside(type_, node)

    def inside(self, type_: Any, fragment: Any) -> str | None:
        condition = fragment.type_condition
        chosen = self.catalogue.schema.type_map[condition.name.value] if condition else type_
        return self.find_forbidden(chosen, fragment.selection_set)

    def field(self, type_: Any, node: FieldNode) -> str | None:
        name = node.name.value
        if name.startswith("__"):
            return None
        definition = type_.fields[name]
        if not self.may_select(type_, definition):
            return f"{type_.name}.{name}"
        if node.selection_set is None:
            return None
        return self.find_forbidden(get_named_type(definition.type), node.selection_set)

    def may_select(self, type_: Any, definition: Any) -> bool:
        roles = roles_of(definition)
        if roles is None and is_root(self.catalogue, type_):
            return False  # nobody declared who may: nobody may
        entity = find_entity_of(type_)
        if entity is not None and self.role not in entity.roles:
            return False
        return (roles is None or self.role in roles) and self.may_reach(definition)

    def may_reach(self, definition: Any) -> bool:
        source = find_source(definition)
        if isinstance(source, MergedPages):
            targets = [entity_of(self.catalogue.by_class[branch.target]) for branch in source.branches]
            return any(self.role in target.roles for target in targets)
        target = find_entity_of(behind(get_named_type(definition.type)))
        return target is None or self.role in target.roles


def is_root(catalogue: Catalogue, type_: Any) -> bool:
    return any(getattr(catalogue.schema, root) is type_ for root in ROOTS)


def behind(type_: Any) -> Any:
    """Of a connection the type of its entries: a count alone tells of them too."""
    nodes = getattr(type_, "fields", {}).get("nodes")
    return get_named_type(nodes.type) if nodes is not None and type_.name.endswith("Connection") else type_
