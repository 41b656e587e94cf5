"""What several fields of one row are worked out from is worked out once an operation."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TypeAlias, TypeVar

from resolvers.context import Context

T = TypeVar("T")
Facts: TypeAlias = Mapping[str, int | None]
OfFacts: TypeAlias = Callable[[Context, int, Facts], T]


def once_an_operation(function: OfFacts[T]) -> OfFacts[T]:
    """Facts are known by identity: the fields of one row are given the same object, and nobody changes it."""

    @wraps(function)
    def remembered(context: Context, version_id: int, facts: Facts) -> T:
        key = (function, version_id, id(facts))
        if key not in context.remembered:
            context.remembered[key] = (facts, function(context, version_id, facts))
        found: T = context.remembered[key][1]
        return found

    return remembered
