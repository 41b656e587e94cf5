"""How a value that was given in an operation is read when it runs: a variable is looked up, a literal is there."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from resolvers.readpath.expressions import stored
from resolvers.readpath.failures import BadInput
from resolvers.readpath.operation import Slot
from resolvers.readpath.plan import CONTEXT, Bind, Inputs


def holds_variable(value: Any) -> bool:
    return isinstance(value, Slot) or (
        isinstance(value, list) and any(isinstance(item, Slot) for item in value)
    )


def reader(value: Any, change: Callable[[Any], Any]) -> Bind:
    """How a compiled-in value is got at request time: variables are looked up, literals are just there."""
    if isinstance(value, Slot):
        return lambda inputs: change(value.read(inputs))
    if holds_variable(value):
        return lambda inputs: change([i.read(inputs) if isinstance(i, Slot) else i for i in value])
    return lambda _: change(value)


def guarded(convert: Callable[[Any], Any], at: int) -> Callable[[Any], Any]:
    """Says which field an argument spoiled."""

    def converted(value: Any) -> Any:
        try:
            return convert(value)
        except ValueError as error:
            raise BadInput(at, str(error)) from error

    return converted


def in_context(test: Callable[[Any, Any], object], read: Bind, at: int) -> Bind:
    return lambda inputs: guarded(lambda value: test(inputs[CONTEXT], value), at)(read(inputs))


def unchanged(value: Any) -> Any:
    return value


def through(change: Callable[[Any, Any], Any], read: Bind) -> Bind:
    """A value that needs the context to become what a column holds, such as a keyed hash."""

    def converted(inputs: Inputs) -> Any:
        return change(inputs[CONTEXT], read(inputs))

    return converted


def element_type(type_: Any) -> Any:
    return getattr(type_, "item_type", type_)


def as_stored(value: Any) -> Any:
    """Enum members travel as what their column holds; lists item by item."""
    if isinstance(value, enum.Enum):
        return stored(value)
    return [as_stored(item) for item in value] if isinstance(value, list) else value


def by_name(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name
    return [by_name(item) for item in value] if isinstance(value, list) else value
