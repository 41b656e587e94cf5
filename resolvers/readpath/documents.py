"""Documents seen before, and the plans of their shapes: both bounded by number and by size, least used out first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from resolvers.readpath.catalogue import Catalogue
from resolvers.readpath.cost import Cost
from resolvers.readpath.failures import Code, Failure, Refused
from resolvers.readpath.limits import Limits, parse_within
from resolvers.readpath.operation import Operation, Unplannable, find_operation
from resolvers.readpath.plan import Compiled
from resolvers.readpath.validation import find_mistakes

DOCUMENTS = 1_000
DOCUMENT_BYTES = 16_000_000
PLANS = 1_000
PLAN_CHARACTERS = 8_000_000
"""Of SQL text, of which a plan weighs about twice as much here, and each connection of PostgreSQL that has it
prepared a hundred times as much."""
SHAPES_A_DOCUMENT = 50
"""One document may not push out the plans of all others by sending ever new shapes of its variables."""
REFUSED_DOCUMENTS = 50
"""Kept apart: whoever sends nonsense must not drive out what others use."""
MESSAGE_CHARACTERS = 300


@dataclass(slots=True, eq=False)
class Prepared:
    """A document's chosen operation, or why it cannot run; `rights` remembers each role's answer."""

    operation: Operation | None
    errors: list[dict[str, Any]]
    rights: dict[Any, Refused | None] = field(default_factory=dict)
    costs: OrderedDict[Hashable, Cost] = field(default_factory=OrderedDict)
    shapes: OrderedDict[Hashable, None] = field(default_factory=OrderedDict)

    def keep_cost(self, shape: Hashable, cost: Cost) -> Cost:
        self.costs[shape] = cost
        if len(self.costs) > SHAPES_A_DOCUMENT:
            self.costs.popitem(last=False)
        return cost


@dataclass(slots=True)
class Plans:
    """Compiled plans of all documents, and why some shapes have none."""

    most: int = PLANS
    most_characters: int = PLAN_CHARACTERS
    kept: OrderedDict[tuple[Prepared, Hashable], Compiled | Unplannable] = field(default_factory=OrderedDict)
    characters: int = 0

    def find(self, prepared: Prepared, shape: Hashable) -> Compiled | Unplannable | None:
        found = self.kept.get((prepared, shape))
        if found is not None:
            self.kept.move_to_end((prepared, shape))
        return found

    def keep(self, prepared: Prepared, shape: Hashable, plan: Compiled | Unplannable) -> None:
        self.drop((prepared, shape))
        self.kept[prepared, shape] = plan
        self.characters += size_of(plan)
        prepared.shapes[shape] = None
        if len(prepared.shapes) > SHAPES_A_DOCUMENT:
            self.drop((prepared, next(iter(prepared.shapes))))
        while len(self.kept) > self.most or self.characters > self.most_characters:
            self.drop(next(iter(self.kept)))

    def drop(self, key: tuple[Prepared, Hashable]) -> None:
        old = self.kept.pop(key, None)
        key[0].shapes.pop(key[1], None)
        if old is not None:
            self.characters -= size_of(old)


def size_of(plan: Compiled | Unplannable) -> int:
    return 0 if isinstance(plan, Unplannable) else plan.size


@dataclass(slots=True)
class Documents:
    catalogue: Catalogue
    limits: Limits
    kept: OrderedDict[tuple[str, str | None], Prepared] = field(default_factory=OrderedDict)
    refused: OrderedDict[tuple[str, str | None], Prepared] = field(default_factory=OrderedDict)
    size: int = 0
    plans: Plans = field(default_factory=Plans)

    def prepare(self, text: str, name: str | None) -> Prepared:
        known = self.kept.get((text, name))
        if known is not None:
            self.kept.move_to_end((text, name))
            return known
        if (text, name) in self.refused:
            return self.refused[text, name]
        made = self.read(text, name)
        if made.operation is None:
            return self.keep_refused((text, name), made)
        self.kept[text, name] = made
        self.size += len(text)
        while len(self.kept) > DOCUMENTS or self.size > DOCUMENT_BYTES:
            (old, _), _ = self.kept.popitem(last=False)
            self.size -= len(old)
        return made

    def keep_refused(self, key: tuple[str, str | None], made: Prepared) -> Prepared:
        self.refused[key] = made
        if len(self.refused) > REFUSED_DOCUMENTS:
            self.refused.popitem(last=False)
        return made

    def read(self, text: str, name: str | None) -> Prepared:
        schema = self.catalogue.schema
        try:
            document = parse_within(text, self.limits)
            errors = find_mistakes(schema, document, self.limits)
        except GraphQLError as error:
            return Prepared(None, [located(error)])
        except Refused as refused:
            return Prepared(None, [refused.failure.printed()])
        if errors:
            return Prepared(None, [located(error) for error in errors])
        operation = find_operation(schema, document, name)
        if operation is None:
            message = "Name one operation of the document in operationName."
            return Prepared(None, [Failure(Code.BAD_USER_INPUT, message).printed()])
        return Prepared(operation, [])


def located(error: GraphQLError) -> dict[str, Any]:
    """A mistake in the document or its variables, with where it stands."""
    message = error.message
    if len(message) > MESSAGE_CHARACTERS:  # it quotes what was sent
        message = message[:MESSAGE_CHARACTERS] + " …"
    made = Failure(Code.BAD_USER_INPUT, message).printed()
    if error.locations:
        made["locations"] = [location.formatted for location in error.locations]
    return made
