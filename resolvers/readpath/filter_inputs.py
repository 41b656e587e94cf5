"""The vocabulary of filter inputs: how each of their fields becomes a condition.

@strawberry.input(description="Which orders.")
class OrderFilter:
    status: list[OrderStatus] | None = matches(t.orders.c.status, is_in, "One of these states.")
    placed_at: DateTimeFilter | None = compares(t.orders.c.placed_at, "When it was placed.")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, FromClause

from resolvers.readpath.sources import ByColumn, Compares, Condition, Group, Match, Reached, Related, Rule


def matches(
    target: ColumnElement[Any],
    operator: Callable[[Any, Any], Any],
    about: str,
    *,
    id_prefix: str | None = None,
    stored: Callable[[Any, Any], Any] | None = None,
    name: str | None = None,
) -> Any:
    """`operator(column, value)`. `stored(context, value)` makes what the column holds, as a keyed hash."""
    return _rule(Match(target, operator, id_prefix, stored), about, name)


def compares(target: ColumnElement[Any], about: str) -> Any:
    """A nested input of operators (`by_operator`) for one column."""
    return _rule(Compares(target), about)


def by_operator(operator: Callable[[Any, Any], Any], about: str, *, name: str | None = None) -> Any:
    return _rule(Match(None, operator), about, name)


def group(kind: str, about: str, *, name: str | None = None) -> Any:
    """`all`, `any` (lists of the same input) or `not`."""
    return _rule(Group(kind), about, name or kind)


def related(rows: FromClause, on: Condition, about: str) -> Any:
    """A nested input about other rows, of which one must match."""
    return _rule(Related(rows, on), about)


def by_column(name: str, operator: Callable[[Any, Any], Any], about: str) -> Any:
    """`operator(column, value)` on that column of the rows that `related` above names: one input for many."""
    return _rule(ByColumn(name, operator), about)


def reached(
    rows: FromClause,
    on: Condition,
    target: ColumnElement[Any],
    operator: Callable[[Any, Any], Any],
    about: str,
    *,
    stored: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """`operator(column, value)` about other rows, of which one must match."""
    return _rule(Reached(rows, on, Match(target, operator, None, stored)), about)


def _rule(rule: Rule, about: str, name: str | None = None) -> Any:
    return strawberry.field(name=name, default=strawberry.UNSET, description=about, metadata={"rule": rule})
