"""What several fields of one row are worked out from is worked out once an operation."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from resolvers.context import Context

P = ParamSpec("P")
T = TypeVar("T")


def once_an_operation(function: Callable[Concatenate[Context, P], T]) -> Callable[Concatenate[Context, P], T]:
    """The last value is known by identity: the fields of one row are given the same object, and nobody changes it."""

    @wraps(function)
    def remembered(context: Context, /, *values: P.args, **none: P.kwargs) -> T:
        key = (function, *values[:-1], id(values[-1]))
        if key not in context.remembered:
            context.remembered[key] = (values[-1], function(context, *values, **none))
        return cast(T, context.remembered[key][1])

    return remembered
