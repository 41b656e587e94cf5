"""The vocabulary: each field of an entity says in one typed line where its value comes from.

    @entity(t.products, id_prefix="prd", key=t.products.c.product_id, roles=EVERYBODY, scope=SHARED)
    class Product(Node):
        "A product of the assortment."
        id: ID = global_id(t.products.c.product_id)
        name: str = column(t.products.c.name, "Name on the shelf label.")
        weight: Decimal = column(t.products.c.weight, "Kilograms.")

mypy checks a declaration against the typed columns: a column that may be null under `str` is an error.
The SDL, arguments, filters, cursors, rights and the reference reader follow from these lines.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast, dataclass_transform

import strawberry
from sqlalchemy import ColumnElement, FromClause, Subquery, Table

from resolvers.readpath.computed_fields import computed as computed
from resolvers.readpath.expressions import is_descending
from resolvers.readpath.field import SourcedField, SourceOf
from resolvers.readpath.filter_inputs import by_column as by_column
from resolvers.readpath.filter_inputs import by_operator as by_operator
from resolvers.readpath.filter_inputs import compares as compares
from resolvers.readpath.filter_inputs import group as group
from resolvers.readpath.filter_inputs import matches as matches
from resolvers.readpath.filter_inputs import reached as reached
from resolvers.readpath.filter_inputs import related as related
from resolvers.readpath.published import ALL_ROWS, Published
from resolvers.readpath.published import published as published
from resolvers.readpath.sources import (
    Argument,
    Branch,
    ByGlobalId,
    Column,
    Condition,
    ContextValue,
    Embed,
    Entity,
    GraphPages,
    GraphRows,
    Inlined,
    Lookup,
    Many,
    MergedPages,
    One,
    Orders,
    Pages,
    Role,
    RowScope,
    WorkedRows,
)
from resolvers.readpath.weights import ASKED_OF_THE_GRAPH, costly

T = TypeVar("T")
Visible = Sequence[Role] | None
"""Roles that may select a field; None: the same as the entity's."""

REQUIRED: Any = strawberry.UNSET
"""Default of an argument that must be given."""


def column(expression: ColumnElement[T], about: str, *, visible_to: Visible = None) -> T:
    return cast(T, SourcedField(Column(expression), about, visible_to))


def global_id(
    expression: ColumnElement[int], about: str = "Global id, valid in `node`.", *, prefix: str | None = None
) -> strawberry.ID:
    """The id of this entity, or with `prefix` of another one."""
    return cast(strawberry.ID, SourcedField(Column(expression, True, prefix), about, None))


def embed(
    target: type[T],
    about: str,
    *,
    unless_null: ColumnElement[Any] | None = None,
    visible_to: Visible = None,
    **values: ColumnElement[Any] | str | enum.Enum | object,
) -> T:
    """A value object over the same row, by field name; or, without values, an entity over the same rows.

    A value may be another `embed(...)`. With `unless_null` the object is null where that column is.
    """
    plain = {name: v.source if isinstance(v, SourcedField) else v for name, v in values.items()}
    return cast(T, SourcedField(Embed(target, cast(Any, plain), unless_null), about, visible_to))


def one(
    about: str,
    *,
    on: Condition | None = None,
    rows: Subquery | None = None,
    given: Mapping[Argument[Any], Subquery] | None = None,
    visible_to: Visible = None,
) -> Any:
    """At most one row of the target. `given`: other rows that stand in when that argument is not null; `rows`: a
    select `.correlate(parent)` that is cheaper than what `on` says and holds the same."""
    by_name = {argument.graphql_name: stand_in for argument, stand_in in (given or {}).items()}
    return SourcedField(One(on, by_name, rows), about, visible_to)


def lookup(about: str, *, by: type, visible_to: Visible = None) -> Any:
    return SourcedField(Lookup(by), about, visible_to)


def many(
    about: str,
    *,
    on: Condition | None = None,
    order_by: Sequence[ColumnElement[Any]],
    visible_to: Visible = None,
) -> Any:
    return SourcedField(Many(on, tuple(order_by)), about, visible_to)


def connection(  # noqa: PLR0913 - one keyword a property
    about: str,
    *,
    on: Condition | None = None,
    order_by: Sequence[ColumnElement[Any]],
    where: type | None = None,
    orders: Orders | None = None,
    forward_only: bool = False,
    visible_to: Visible = None,
) -> Any:
    """`order_by` unless the client chooses one of `orders`."""
    if len({is_descending(term) for term in order_by}) != 1:
        raise TypeError("a connection is ordered in one direction, so that its cursor is one row comparison")
    return SourcedField(Pages(on, tuple(order_by), where, forward_only, orders), about, visible_to)


def merged_connection(about: str, *branches: Branch, visible_to: Visible = None) -> Any:
    return SourcedField(MergedPages(branches), about, visible_to)


def ask(  # noqa: PLR0913 - one keyword a property
    about: str,
    question: Table,
    *,
    key: ColumnElement[Any],
    only_if: Condition | None = None,
    first: int = 10,
    parameters: Sequence[Argument[Any]] = (),
    visible_to: Visible = None,
) -> Any:
    """Rows of a graph question. `only_if` drops rows the database lacks; `first` is the default length."""
    rows = GraphRows(question, key, only_if, first, tuple(parameters))
    return costly(ASKED_OF_THE_GRAPH, SourcedField(rows, about, visible_to))


def ask_connection(
    about: str,
    question: Table,
    *,
    key: ColumnElement[Any],
    only_if: Condition | None = None,
    parameters: Sequence[Argument[Any]] = (),
    visible_to: Visible = None,
) -> Any:
    """The same rows, page by page; what follows in the graph's own order is asked anew for each page."""
    pages = GraphPages(question, key, only_if, tuple(parameters))
    return costly(ASKED_OF_THE_GRAPH, SourcedField(pages, about, visible_to))


def worked(
    about: str,
    function: Callable[..., Sequence[tuple[object, ...]]],
    *columns: ColumnElement[Any],
    rows: Table,
    visible_to: Visible = None,
) -> Any:
    """All rows that `function(context, *values)` makes, as tuples of the columns of `rows`."""
    return SourcedField(WorkedRows(rows, function, columns), about, visible_to)


def by_global_id(about: str, *, visible_to: Sequence[Role]) -> Any:
    return SourcedField(ByGlobalId(many=False), about, visible_to)


def by_global_ids(about: str, *, visible_to: Sequence[Role]) -> Any:
    return SourcedField(ByGlobalId(many=True), about, visible_to)


def argument(  # noqa: PLR0913 - one keyword a property
    name: str,
    annotation: Any,
    about: str,
    *,
    sql_type: Any,
    default: Any = REQUIRED,
    check: Callable[[Any], object] | None = None,
    check_in_context: Callable[[Any, Any], object] | None = None,
    in_sql: Callable[[Any], Any] | None = None,
) -> Argument[Any]:
    made: Argument[Any] = Argument(f"argument_{name}", None, type_=sql_type)
    made.graphql_name, made.annotation, made.default = name, annotation, default
    made.about, made.check, made.check_in_context, made.in_sql = about, check, check_in_context, in_sql
    return made


def inlined(name: str, expression: ColumnElement[T]) -> Inlined[T]:
    """`:name` of a select written as text becomes an argument, a column of the parent, or any expression."""
    made: Inlined[T] = Inlined(name, None, type_=expression.type)
    made.stands_for = expression
    return made


def context_value(name: str, read: Callable[[Any], Any], *, sql_type: Any) -> ContextValue[Any]:
    """A value of the operation's context inside SQL, such as the moment everything is as of."""
    made: ContextValue[Any] = ContextValue(f"context_{name}", None, type_=sql_type)
    made.read = read
    return made


# --- entities -------------------------------------------------------------------------------------------


def visible_to(*roles: Role) -> dict[str, frozenset[Role]]:
    """`metadata=` of a mutation or subscription: who may use it."""
    return {"visible_to": frozenset(roles)}


@dataclass_transform(
    kw_only_default=True,
    field_specifiers=(
        column,
        global_id,
        embed,
        computed,
        one,
        lookup,
        many,
        connection,
        merged_connection,
        ask,
        ask_connection,
        worked,
        by_global_id,
        by_global_ids,
    ),
)
def entity(
    rows: FromClause,
    *,
    roles: Sequence[Role],
    scope: ColumnElement[Any] | RowScope,
    key: ColumnElement[Any] | None = None,
    id_prefix: str | None = None,
    published: Published = ALL_ROWS,
) -> Callable[[type[T]], type[T]]:
    """Makes the class a GraphQL object type over `rows`; its docstring is the description.

    `roles` may use the type on every road to it. `scope` is the column with the owner's customer id, or
    SHARED, or WITHIN_PARENT. Rows that are not `published` are not there for most roles, on any road.
    """

    def decorate(cls: type[T]) -> type[T]:
        made = Entity(rows, key, id_prefix, frozenset(roles), scope, published)
        cast(Any, cls).__entity__ = SourceOf(made)
        return strawberry.type(cls, description=(cls.__doc__ or "").strip())

    return decorate


@dataclass_transform(kw_only_default=True, field_specifiers=(one, lookup, many, connection, by_global_id))
def roots(cls: type[T]) -> type[T]:
    """The query type: it has no row, and each of its fields names its roles."""
    return strawberry.type(cls, description=(cls.__doc__ or "").strip())
