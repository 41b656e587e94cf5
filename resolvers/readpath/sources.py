"""What a declared field can be. The compiler and the reference both match on these; nothing here runs."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, FromClause, Subquery, Table

from resolvers.readpath.published import ALL_ROWS, Published

T = TypeVar("T")
Condition = ColumnElement[bool]
Role = enum.Enum
Roles = frozenset[Role]


class RowScope(enum.Enum):
    """What a viewer who may see only their own records reaches of an entity that names no customer column."""

    SHARED = "rows that belong to nobody, such as products"
    WITHIN_PARENT = "rows reached only through a scoped parent, such as the lines of an order"


SHARED, WITHIN_PARENT = RowScope.SHARED, RowScope.WITHIN_PARENT


@dataclass(frozen=True, eq=False, slots=True)
class Entity:
    """The rows behind a GraphQL object type. `scope` is the column that holds the owning customer's id."""

    rows: FromClause
    key: ColumnElement[Any] | None
    id_prefix: str | None
    roles: Roles
    scope: ColumnElement[Any] | RowScope
    published: Published = ALL_ROWS


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """One SQL expression over the entity's row; with `id_prefix` it prints a global id of that type."""

    expression: ColumnElement[Any]
    is_id: bool = False
    id_prefix: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Embed:
    """An object made of the same row. Without `values` the target is itself an entity over these rows.

    The value of a field is an SQL expression, a constant (text or enum member), or another Embed.
    The object is null where `unless_null` is null.
    """

    target: type
    values: Mapping[str, EmbeddedValue]
    unless_null: ColumnElement[Any] | None = None


EmbeddedValue = ColumnElement[Any] | str | enum.Enum | Embed


@dataclass(frozen=True, eq=False, slots=True)
class Computed:
    """A Python function of the operation's context and named columns: masking, decryption, explanations.

    The declared arguments come by their names.
    """

    function: Callable[..., object]
    columns: tuple[ColumnElement[Any], ...]
    parameters: tuple[Argument[Any], ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class One:
    """At most one row of another entity. `given` names other rows of the same columns that stand in when that
    argument is not null; `rows` are the one that `on` would find, tied to the parent, where they are cheaper to read.
    """

    on: Condition | None
    given: Mapping[str, Subquery]
    rows: Subquery | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Lookup:
    """One row chosen by the single given field of an input type; two matching rows are AMBIGUOUS."""

    by: type


@dataclass(frozen=True, eq=False, slots=True)
class Many:
    """All rows of another entity that belong to this one: only for lists that are bounded by their nature."""

    on: Condition | None
    order_by: tuple[ColumnElement[Any], ...]


Ordering = tuple[ColumnElement[Any], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Ordered:
    """An order that a client may ask for, smallest first; `rows` hold the entity's columns and the keys."""

    order_by: Ordering
    rows: FromClause | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Orders:
    """`input` has the members `by` (an enum) and `direction` (SortDirection)."""

    input: type
    by: Mapping[enum.Enum, Ordered]


@dataclass(frozen=True, eq=False, slots=True)
class Pages:
    """A Relay connection over one entity. An ordering ends in a unique column and has one direction."""

    on: Condition | None
    order_by: Ordering
    where: type | None
    forward_only: bool
    orders: Orders | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Branch:
    """One kind of entry of a merged connection: which rows, and the moment they are merged by."""

    target: type
    on: Condition
    at: ColumnElement[Any]


@dataclass(frozen=True, eq=False, slots=True)
class MergedPages:
    """A Relay connection over several entities merged by time, newest first; read from either end."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, eq=False, slots=True)
class GraphRows:
    """Rows that a graph question answers for a parent key, handed to SQL as if they were a table."""

    question: Table
    key: ColumnElement[Any]
    only_if: Condition | None
    first: int
    parameters: tuple[Argument[Any], ...]


@dataclass(frozen=True, eq=False, slots=True)
class GraphPages:
    """A Relay connection over the rows of a graph question, read forward only; a cursor is a place in the answer."""

    question: Table
    key: ColumnElement[Any]
    only_if: Condition | None
    parameters: tuple[Argument[Any], ...]


@dataclass(frozen=True, eq=False, slots=True)
class WorkedRows:
    """Rows that a Python function makes of the operation's context and named columns, handed to SQL as if they were
    this table, in their order."""

    table: Table
    function: Callable[..., Sequence[tuple[object, ...]]]
    columns: tuple[ColumnElement[Any], ...]


@dataclass(frozen=True, eq=False, slots=True)
class ByGlobalId:
    """Any entity by its global id: Relay's `node`, or `nodes` for a list of ids."""

    many: bool


Source = (
    Column
    | Embed
    | Computed
    | One
    | Lookup
    | Many
    | Pages
    | MergedPages
    | GraphRows
    | GraphPages
    | WorkedRows
    | ByGlobalId
)


@dataclass(frozen=True, eq=False, slots=True)
class Match:
    """A field of a filter input that becomes `operator(column, value)`.

    Without a column it is one operator of a nested input, for the column of the field above (Compares).
    """

    column: ColumnElement[Any] | None
    operator: Callable[[Any, Any], Any]
    id_prefix: str | None = None
    stored: Callable[[Any, Any], Any] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Compares:
    """A field of a filter input whose nested input holds operators for one column."""

    column: ColumnElement[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """A field of a filter input that holds filters of the same kind: `all`, `any` (lists) or `not`."""

    kind: str


@dataclass(frozen=True, eq=False, slots=True)
class Related:
    """A field of a filter input whose nested input speaks of other rows: one of them must match."""

    rows: FromClause
    on: Condition


@dataclass(frozen=True, eq=False, slots=True)
class ByColumn:
    """A field of a nested input that compares the column of that name, whatever rows the field above names."""

    name: str
    operator: Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False, slots=True)
class Reached:
    """A field of a filter input that becomes "some of these other rows satisfies the match"."""

    rows: FromClause
    on: Condition
    match: Match


Rule = Match | Compares | Group | Related | Reached | ByColumn


class Argument(BindParameter[T]):
    """A GraphQL argument used inside a declared SQL expression.

    `check(value)` and `check_in_context(context, value)` raise ValueError before anything runs: SQL must never
    fail on a value, for that would take the whole answer along. `in_sql(value)` is what stands for the value in a
    statement; input objects come as dicts.
    """

    inherit_cache = True
    graphql_name: str
    annotation: Any
    default: Any
    about: str
    check: Callable[[Any], object] | None
    check_in_context: Callable[[Any, Any], object] | None
    in_sql: Callable[[Any], Any] | None


class Inlined(BindParameter[T]):
    """A parameter of a select written as text, in whose place an expression is printed."""

    inherit_cache = True
    stands_for: ColumnElement[T]


class ContextValue(BindParameter[T]):
    """A value of the operation's context (such as `as_of`) used inside a declared SQL expression."""

    inherit_cache = True
    read: Callable[[Any], Any]
