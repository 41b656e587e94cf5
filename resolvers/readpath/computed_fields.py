"""Fields that a Python function computes; typed by the columns it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, TypeVar, overload

from sqlalchemy import ColumnElement

from resolvers.readpath.field import SourcedField
from resolvers.readpath.sources import Argument, Computed, Role

T = TypeVar("T")
X = TypeVar("X")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
Visible = Sequence[Role] | None


@overload
def computed(
    function: Callable[Concatenate[X, ...], T],
    /,
    *columns: ColumnElement[Any],
    about: str,
    parameters: Sequence[Argument[Any]],
    visible_to: Visible = None,
) -> T: ...
@overload
def computed(function: Callable[[X], T], /, *, about: str, visible_to: Visible = None) -> T: ...
@overload
def computed(
    function: Callable[[X, A], T], a: ColumnElement[A], /, *, about: str, visible_to: Visible = None
) -> T: ...
@overload
def computed(
    function: Callable[[X, A, B], T],
    a: ColumnElement[A],
    b: ColumnElement[B],
    /,
    *,
    about: str,
    visible_to: Visible = None,
) -> T: ...
@overload
def computed(
    function: Callable[[X, A, B, C], T],
    a: ColumnElement[A],
    b: ColumnElement[B],
    c: ColumnElement[C],
    /,
    *,
    about: str,
    visible_to: Visible = None,
) -> T: ...
@overload
def computed(
    function: Callable[[X, A, B, C, D], T],
    a: ColumnElement[A],
    b: ColumnElement[B],
    c: ColumnElement[C],
    d: ColumnElement[D],
    /,
    *,
    about: str,
    visible_to: Visible = None,
) -> T: ...
def computed(
    function: Callable[..., Any],
    /,
    *columns: ColumnElement[Any],
    about: str,
    parameters: Sequence[Argument[Any]] = (),
    visible_to: Visible = None,
) -> Any:
    """`function(context, *values, **arguments)`: a leaf, a plain strawberry object, or a list of these."""
    return SourcedField(Computed(function, columns, tuple(parameters)), about, visible_to)
