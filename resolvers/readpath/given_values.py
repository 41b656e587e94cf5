"""How a value that was given in an operation is read when it runs: a variable is looked up, a literal is there."""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import cache
from typing import Any

from resolvers.readpath.expressions import stored
from resolvers.readpath.failures import BadInput
from resolvers.readpath.operation import Slot
from resolvers.readpath.plan import CONTEXT, READ, Bind, Inputs


def holds_variable(value: Any) -> bool:
    match value:
        case Slot():
            return True
        case list():
            return any(map(holds_variable, value))
        case dict():
            return any(map(holds_variable, value.values()))
    return False


def looked_up(value: Any, inputs: Inputs) -> Any:
    """With what the variables in it hold."""
    match value:
        case Slot():
            return value.read(inputs)
        case list():
            return [looked_up(item, inputs) for item in value]
        case dict():
            return {key: looked_up(part, inputs) for key, part in value.items()}
    return value


def reader(value: Any, change: Callable[[Any], Any]) -> Bind:
    """How a compiled-in value is got at request time: variables are looked up, literals are just there."""
    if isinstance(value, Slot):
        return lambda inputs: change(value.read(inputs))
    if holds_variable(value):
        return lambda inputs: change(looked_up(value, inputs))
    return lambda _: change(value)


def once(read: Bind) -> Bind:
    """For a value that is checked before the statement runs and then given to it."""

    def remembered(inputs: Inputs) -> Any:
        known = inputs[READ]
        if read not in known:
            known[read] = read(inputs)
        return known[read]

    return remembered


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


@cache
def given_to(change: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """A null stays one. The same function each time: a parameter is known by it."""
    return change and (lambda value: None if value is None else change(value))


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
