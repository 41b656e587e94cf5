"""SQL expressions that declarations use: money in cents, coded enums, operators of filters, orderings."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Any, TypeVar, overload

from sqlalchemy import ColumnElement, Enum, Numeric, Text, any_, case, func, literal_column, type_coerce
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression

E = TypeVar("E", bound=enum.Enum)


@overload
def cents(column: ColumnElement[int]) -> ColumnElement[Decimal]: ...
@overload
def cents(column: ColumnElement[int | None]) -> ColumnElement[Decimal | None]: ...
def cents(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Whole cents as an exact amount with two digits: 12345 is 123.45, 100 is 1.00."""
    return type_coerce(column * literal_column("0.01", Numeric), Numeric(20, 2))


@overload
def coded(column: ColumnElement[str], names: type[E]) -> ColumnElement[E]: ...
@overload
def coded(column: ColumnElement[int], names: type[E]) -> ColumnElement[E]: ...
@overload
def coded(column: ColumnElement[str | None], names: type[E]) -> ColumnElement[E | None]: ...
@overload
def coded(column: ColumnElement[int | None], names: type[E]) -> ColumnElement[E | None]: ...
def coded(column: ColumnElement[Any], names: type[E]) -> ColumnElement[Any]:
    """A column of codes read as an enum. A code that no member has is null."""
    type_ = Enum(names, native_enum=False, create_constraint=False)
    if all(stored(member) == member.name for member in names):
        return type_coerce(column, type_)
    named: dict[Any, Any] = {stored(member): literal_column(f"'{member.name}'") for member in names}
    return type_coerce(case(named, value=column), type_)


def stored(member: enum.Enum) -> Any:
    """What a column holds for a member: its `code` where the enum has one, else its value."""
    return getattr(member, "code", member.value)


def is_in(column: ColumnElement[Any], values: Any) -> ColumnElement[bool]:
    """`column = ANY(values)`: one array parameter, so one statement for any number of values."""
    return column == any_(values)


def is_null(column: ColumnElement[Any], wanted: Any) -> ColumnElement[bool]:
    """True: only rows without a value; false: only rows with one."""
    made: ColumnElement[bool] = column.is_(None) == wanted
    return made


def is_descending(term: ColumnElement[Any]) -> bool:
    return isinstance(term, UnaryExpression) and term.modifier is operators.desc_op


def without_direction(term: ColumnElement[Any]) -> ColumnElement[Any]:
    return term.element if isinstance(term, UnaryExpression) else term


def reversed_order(term: ColumnElement[Any]) -> ColumnElement[Any]:
    return without_direction(term).asc() if is_descending(term) else without_direction(term).desc()


def event_cursor(event_id: ColumnElement[int]) -> ColumnElement[str]:
    """As `encode_cursor` of the id alone: the same text in lists, streams and payloads."""
    return func.encode(func.convert_to(func.concat("[", event_id, "]"), "UTF8"), "base64", type_=Text())
