"""Validation whose cost is bounded: comparing fields of the same name in the answer is quadratic by nature."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    specified_rules,
    validate,
)
from graphql.validation.validate import ValidationAbortedError

from resolvers.readpath.limits import Limits, refuse

VALIDATION_ERRORS = 10


def find_mistakes(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> Sequence[GraphQLError]:
    """At most VALIDATION_ERRORS and one more; raises Refused when there is too much to compare."""

    class BoundedRule(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = 2 * limits.comparisons  # two units each

    rules = [BoundedRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules]
    errors = validate(schema, document, rules, max_errors=VALIDATION_ERRORS, hide_suggestions=True)
    if (
        any(isinstance(error, ValidationAbortedError) for error in errors)
        and len(errors) <= VALIDATION_ERRORS
    ):
        raise refuse("comparisons", None, limits.comparisons)
    return errors
