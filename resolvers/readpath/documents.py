"""Documents seen before, each with the plans of its shapes: bounded by number and by bytes of text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, validate

from resolvers.readpath.catalogue import Catalogue
from resolvers.readpath.failures import Code, Failure, Refused
from resolvers.readpath.limits import Limits, parse_within
from resolvers.readpath.operation import Operation, Unplannable, find_operation
from resolvers.readpath.plan import Plan

DOCUMENTS = 1_000
DOCUMENT_BYTES = 16_000_000
PLANS_A_DOCUMENT = 50
VALIDATION_ERRORS = 10


@dataclass(slots=True)
class Prepared:
    """A document's chosen operation, or why it cannot run; `rights` remembers each role's answer."""

    operation: Operation | None
    errors: list[dict[str, Any]]
    plans: OrderedDict[Hashable, Plan | Unplannable] = field(default_factory=OrderedDict)
    rights: dict[Any, Refused | None] = field(default_factory=dict)

    def keep(self, key: Hashable, plan: Plan | Unplannable) -> None:
        self.plans[key] = plan
        if len(self.plans) > PLANS_A_DOCUMENT:
            self.plans.popitem(last=False)


@dataclass(slots=True)
class Documents:
    catalogue: Catalogue
    limits: Limits
    kept: OrderedDict[tuple[str, str | None], Prepared] = field(default_factory=OrderedDict)
    size: int = 0

    def prepare(self, text: str, name: str | None) -> Prepared:
        known = self.kept.get((text, name))
        if known is not None:
            self.kept.move_to_end((text, name))
            return known
        made = self.read(text, name)
        self.kept[text, name] = made
        self.size += len(text)
        while len(self.kept) > DOCUMENTS or self.size > DOCUMENT_BYTES:
            (old, _), _ = self.kept.popitem(last=False)
            self.size -= len(old)
        return made

    def read(self, text: str, name: str | None) -> Prepared:
        schema = self.catalogue.schema
        try:
            document = parse_within(text, self.limits)
        except GraphQLError as error:
            return Prepared(None, [located(error)])
        except Refused as refused:
            return Prepared(None, [refused.failure.printed()])
        errors = validate(schema, document, max_errors=VALIDATION_ERRORS, hide_suggestions=True)
        if errors:
            return Prepared(None, [located(error) for error in errors])
        operation = find_operation(schema, document, name)
        if operation is None:
            message = "Name one operation of the document in operationName."
            return Prepared(None, [Failure(Code.BAD_USER_INPUT, message).printed()])
        return Prepared(operation, [])


def located(error: GraphQLError) -> dict[str, Any]:
    """A mistake in the document or its variables, with where it stands."""
    made = Failure(Code.BAD_USER_INPUT, error.message).printed()
    if error.locations:
        made["locations"] = [location.formatted for location in error.locations]
    return made
