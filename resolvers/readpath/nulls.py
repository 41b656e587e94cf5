"""Where something failed, and only there, the answer is parsed: for each error's path, and to spread nulls.

A failed value is printed as an object with the key U+0000, which no GraphQL answer and no JSON of PostgreSQL
can contain. Which fields promise a value needs no runtime types: in a valid operation all fields behind one
response path have the same nullability (rule "fields can merge" of the specification).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from resolvers.readpath.failures import Failure
from resolvers.readpath.operation import Operation, response_key

write_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Made once: `json.dumps` makes an encoder for each call with options."""
FAILED = "\0"
Selections = list[tuple[Any, SelectionSetNode]]
"""Selection sets, each with the type it selects from."""
Path = list[str | int]


def failed_value(number: int) -> str:
    """The text of a null that remembers its failure by number."""
    return json.dumps({FAILED: number})


class Spread(Exception):
    """A null where a value is promised: the nearest ancestor that may be null becomes null."""


def completed(text: str, operation: Operation, root: Any, failures: list[Failure]) -> bytes:
    """The answer with `errors`; `root` is the type the operation selects from."""
    completion = Completion(operation, failures)
    selections: Selections = [(root, operation.definition.selection_set)]
    try:
        answer: Any = completion.object(json.loads(text)["data"], selections, [])
    except Spread:
        answer = None
    return printed({"data": answer, "errors": completion.errors})


def printed(answer: Any) -> bytes:
    return write_json(answer).encode()


def extended(body: bytes, extensions: Mapping[str, Any]) -> bytes:
    """An answer that has none yet, with `extensions` put at its end: its text is not parsed."""
    return b'%s,"extensions":%s}' % (body[:-1], printed(dict(extensions)))


@dataclass(frozen=True, slots=True)
class Completion:
    operation: Operation
    failures: list[Failure]
    errors: list[dict[str, Any]] = field(default_factory=list)

    def object(self, value: dict[str, Any], selections: Selections, path: Path) -> dict[str, Any]:
        fields = self.fields(selections)
        return {
            key: self.value(part, *fields[key], [*path, key]) if key in fields else part
            for key, part in value.items()
        }

    def value(self, value: Any, type_: Any, selections: Selections, path: Path) -> Any:
        if is_non_null_type(type_):
            made = self.value(value, type_.of_type, selections, path)
            if made is None:
                raise Spread
            return made
        if isinstance(value, dict) and FAILED in value:
            self.errors.append(self.failures[value[FAILED]].printed(path))
            return None
        if is_leaf_type(get_named_type(type_)):
            return value
        try:
            return self.composite(value, type_, selections, path)
        except Spread:
            return None

    def composite(self, value: Any, type_: Any, selections: Selections, path: Path) -> Any:
        if isinstance(value, list) and is_list_type(type_):
            return [self.value(v, type_.of_type, selections, [*path, i]) for i, v in enumerate(value)]
        return self.object(value, selections, path) if isinstance(value, dict) else value

    def fields(self, selections: Selections) -> dict[str, tuple[Any, Selections]]:
        """Response key -> its type and what is selected below, for all types that may stand here."""
        found: dict[str, tuple[Any, Selections]] = {}
        for type_, selected in selections:
            for node in selected.selections:
                if isinstance(node, FieldNode):
                    self.add_field(found, type_, node)
                else:
                    for key, (field_type, below) in self.fields([self.inside(node, type_)]).items():
                        found.setdefault(key, (field_type, []))[1].extend(below)
        return found

    def add_field(self, found: dict[str, tuple[Any, Selections]], type_: Any, node: FieldNode) -> None:
        definition = getattr(type_, "fields", {}).get(node.name.value)
        if definition is None:
            return
        _, below = found.setdefault(response_key(node), (definition.type, []))
        if node.selection_set:
            below.append((get_named_type(definition.type), node.selection_set))

    def inside(self, node: Any, type_: Any) -> tuple[Any, SelectionSetNode]:
        spread = isinstance(node, FragmentSpreadNode)
        fragment: Any = self.operation.fragments[node.name.value] if spread else node
        condition = fragment.type_condition
        chosen = self.operation.schema.type_map[condition.name.value] if condition else type_
        return chosen, fragment.selection_set
