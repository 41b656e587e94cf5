"""Random valid operations over any schema: aliases, merged fields, fragments, variables, directives.

Values come from a `Values` that the caller fills with what exists in the data; cursors are fed back from
earlier answers, because only the cursor of a real row finds an off-by-one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)

MAXIMUM_DEPTH = 5
BAD_CURSORS = ["bm9wZQ==", "%%%", "WzFd", ""]


@dataclass(frozen=True, slots=True)
class Values:
    """Texts to choose from: by name of argument or input field, else by name of scalar. `favoured`: fields that
    chance alone would hardly reach."""

    by_name: Mapping[str, Sequence[Any]]
    by_scalar: Mapping[str, Sequence[Any]]
    favoured: Sequence[str] = ()


@dataclass(slots=True)
class RandomOperation:
    schema: GraphQLSchema
    chooser: random.Random
    values: Values
    cursors: Sequence[str] = ()
    roots: Sequence[str] | None = None
    kind: str = "query"
    definitions: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)

    def make(self) -> tuple[str, dict[str, Any]]:
        body = self.selection(getattr(self.schema, f"{self.kind}_type"), 0)
        head = (
            f"{self.kind} Random({', '.join(self.definitions)}) "
            if self.definitions
            else f"{self.kind} Random "
        )
        return head + body + "".join(self.fragments), self.variables

    def chance(self, percent: int) -> bool:
        return self.chooser.randrange(100) < percent

    # --- selections -------------------------------------------------------------------------------------

    def selection(self, type_: Any, depth: int) -> str:
        wanted = self.chooser.randint(1, 5 if depth else 2)
        parts = [part for _ in range(wanted) if (part := self.piece(type_, depth))] or ["__typename"]
        if self.chance(10) and not any("@" in part for part in parts):
            parts.append(self.chooser.choice(parts))
        return "{ " + " ".join(parts) + " }"

    def piece(self, type_: Any, depth: int) -> str:
        if self.chance(8) and 0 < depth < MAXIMUM_DEPTH:
            return self.fragment(type_, depth)
        if is_abstract_type(type_):
            if self.chance(70):
                target = self.chooser.choice(self.schema.get_possible_types(type_))
                return f"... on {target.name} {self.directive()} {self.selection(target, depth)}"
            if not hasattr(type_, "fields"):
                return "__typename"
        if self.chance(6):
            return self.alias() + "__typename"
        return self.some_field(type_, depth)

    def some_field(self, type_: Any, depth: int) -> str:
        names = list(self.roots) if self.roots and depth == 0 else list(type_.fields)
        favoured = [name for name in names if name in self.values.favoured]
        name = self.chooser.choice(favoured if favoured and self.chance(20) else names)
        chosen = type_.fields[name]
        inner = get_named_type(chosen.type)
        if not is_leaf_type(inner) and depth >= MAXIMUM_DEPTH:
            return ""
        arguments = self.arguments(chosen.args)
        key = f"a{self.chooser.randrange(10**6)}: " if arguments else self.alias()
        nested = "" if is_leaf_type(inner) else " " + self.selection(inner, depth + 1)
        return f"{key}{name}{arguments}{self.directive()}{nested}"

    def fragment(self, type_: Any, depth: int) -> str:
        condition = self.chooser.choice([type_, *(type_.interfaces if is_object_type(type_) else [])])
        if self.chance(50):
            named = f"on {condition.name} " if self.chance(80) else ""
            target = condition if named else type_
            return f"... {named}{self.directive()} {self.selection(target, depth)}"
        name = f"F{len(self.fragments)}_{self.chooser.randrange(10**6)}"
        self.fragments.append("")
        at = len(self.fragments) - 1
        self.fragments[at] = f" fragment {name} on {condition.name} {self.selection(condition, depth)}"
        return f"...{name} {self.directive()}"

    def alias(self) -> str:
        return f"{self.chooser.choice('bcde')}{self.chooser.randrange(10**6)}: " if self.chance(15) else ""

    def directive(self) -> str:
        if not self.chance(8):
            return ""
        variable = self.chance(60)
        value = (
            self.variable("Boolean!", self.chance(50)) if variable else self.chooser.choice(["true", "false"])
        )
        return f" @{self.chooser.choice(['skip', 'include'])}(if: {value})"

    # --- arguments --------------------------------------------------------------------------------------

    def arguments(self, declared: Mapping[str, GraphQLArgument]) -> str:
        chosen = self.paging(declared)
        made = []
        for name, argument in declared.items():
            if name in ("first", "last", "after", "before") and "after" in declared:
                if name in chosen:
                    made.append(f"{name}: {self.written(argument.type, chosen[name])}")
            elif is_required(argument) or self.chance(60):
                value = self.value(name, argument.type)
                if value is not None or not isinstance(argument.type, GraphQLNonNull):
                    made.append(f"{name}: {self.written(argument.type, value)}")
        return f"({', '.join(made)})" if made else ""

    def paging(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """Mostly one end and its cursor; sometimes nonsense."""
        if self.chance(4):
            return {name: self.value(name, declared[name].type) for name in declared if self.chance(40)}
        backward = "last" in declared and self.chance(40)
        size, start = ("last", "before") if backward else ("first", "after")
        chosen: dict[str, Any] = {size: 0 if self.chance(2) else self.chooser.randint(1, 5)}
        if self.chance(50):
            chosen[start] = None if self.chance(5) else self.cursor()
        return chosen

    def cursor(self) -> str:
        if self.cursors and not self.chance(4):
            return self.chooser.choice(self.cursors)
        return self.chooser.choice(BAD_CURSORS)

    def written(self, type_: Any, value: Any) -> str:
        """As a literal or as a variable, which may have a default and may be left out."""
        if self.chance(45):
            return self.variable(str(type_), value)
        named = get_named_type(type_)
        if isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
            members = (f"{key}: {self.member(named, key, part)}" for key, part in value.items())
            return "{" + ", ".join(members) + "}"
        return literal(type_, value)

    def member(self, type_: GraphQLInputObjectType, key: str, value: Any) -> str:
        inner = type_.fields[key].type
        if not self.chance(30):
            return literal(inner, value)
        return self.variable(str(inner) + ("!" if is_one_of(type_) else ""), value)

    def variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.definitions)}"
        has_default = value is not None and self.chance(25) and not isinstance(value, dict | list | str)
        default = f" = {json.dumps(value)}" if has_default else ""
        self.definitions.append(f"${name}: {type_}{default}")
        if not (default and self.chance(50)) and not (value is None and self.chance(50)):
            self.variables[name] = value
        return f"${name}"

    def value(self, name: str, type_: Any, depth: int = 0) -> Any:
        if isinstance(type_, GraphQLNonNull):
            inner = type_.of_type
            made = None
            while made is None:
                made = self.value(name, inner, depth)
            return made
        if self.chance(5):
            return None
        if isinstance(type_, GraphQLList):
            count = self.chooser.randint(0, 3 if depth < 2 else 0)
            return [self.value(name, GraphQLNonNull(get_named_type(type_)), depth + 1) for _ in range(count)]
        if isinstance(type_, GraphQLEnumType):
            return self.chooser.choice(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            return self.input_object(type_, depth)
        if name in ("after", "before"):
            return self.cursor()
        found = self.values.by_name.get(name) or self.values.by_scalar.get(type_.name) or ["x"]
        return self.chooser.choice(found)

    def input_object(self, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        if is_one_of(type_):
            key = self.chooser.choice(list(type_.fields))
            return {key: self.value(key, GraphQLNonNull(type_.fields[key].type), depth + 1)}
        keys = [
            key
            for key, member in type_.fields.items()
            if isinstance(member.type, GraphQLNonNull) or self.chance(35 if depth < 2 else 10)
        ]
        return {key: self.value(key, type_.fields[key].type, depth + 1) for key in keys}


def is_required(argument: GraphQLArgument) -> bool:
    return isinstance(argument.type, GraphQLNonNull) and "default_value" not in defaults(argument)


def defaults(argument: GraphQLArgument) -> dict[str, Any]:
    from graphql import Undefined

    return {} if argument.default_value is Undefined else {"default_value": argument.default_value}


def is_one_of(type_: Any) -> bool:
    """strawberry prints @oneOf as a directive of its own, so graphql-core may not know of it."""
    definition = type_.extensions.get("strawberry-definition")
    return bool(getattr(type_, "is_one_of", False) or getattr(definition, "is_one_of", False))


def literal(type_: Any, value: Any) -> str:
    named: Any = get_named_type(type_)
    if isinstance(value, list):
        return "[" + ", ".join(literal(type_, item) for item in value) + "]"
    if isinstance(value, dict):
        members = (f"{key}: {literal(named.fields[key].type, part)}" for key, part in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(named, GraphQLEnumType) and value is not None:
        return str(value)
    return json.dumps(value, ensure_ascii=False)
