"""The paging arguments of a connection: how many, from which end, and behind which entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, extract, func, tuple_, types
from sqlalchemy import cast as sql_cast

from resolvers.readpath.builder import Selected, StatementBuilder
from resolvers.readpath.cursors import decode_cursor
from resolvers.readpath.expressions import is_descending, without_direction
from resolvers.readpath.failures import BadInput
from resolvers.readpath.jsontext import constant
from resolvers.readpath.sources import Condition

ONE_END = "Give exactly one of first and last."
ONE_WAY = "after goes with first, before goes with last."
MAXIMUM_PAGE = 100


@dataclass(frozen=True, slots=True)
class Paging:
    """`after` goes with first; with last (`is_backward`) it is `before`, read from the other end."""

    size: Any
    start: Any
    is_backward: bool
    size_name: str


def paging_of(selected: Selected) -> Paging:
    given = selected.arguments
    first, last = given.get("first"), given.get("last")
    if (first is None) == (last is None):
        raise BadInput(selected.at, ONE_END)
    if (given.get("before") if last is None else given.get("after")) is not None:
        raise BadInput(selected.at, ONE_WAY)
    if last is None:
        return Paging(first, given.get("after"), False, "first")
    return Paging(last, given.get("before"), True, "last")


def page_size(builder: StatementBuilder, selected: Selected, paging: Paging) -> ColumnElement[int]:
    builder.check(paging.size, within_bounds(paging.size_name), selected.at)
    return builder.bind(paging.size, Integer())


def within_bounds(name: str) -> Any:
    def check(size: int) -> int:
        if not 1 <= size <= MAXIMUM_PAGE:
            raise ValueError(f"{name} must be 1 to {MAXIMUM_PAGE}.")
        return size

    return check


@dataclass(frozen=True, slots=True)
class Sides:
    """Conditions for the rows behind the start of a page, and for those on the side it came from."""

    behind: list[Condition]
    before: list[Condition] | None


def sides_of(
    builder: StatementBuilder, selected: Selected, paging: Paging, order: list[ColumnElement[Any]]
) -> Sides:
    """Row comparisons; the first key is named alone too, because an index can only use that."""
    if paging.start is None:
        return Sides([], None)
    keys = [without_direction(term) for term in order]
    types_ = [key.type for key in keys]
    builder.check(paging.start, lambda cursor: decode_cursor(cursor, types_), selected.at)
    binds = [builder.bind(paging.start, key.type, key_reader(i, types_)) for i, key in enumerate(keys)]
    row, given = tuple_(*keys), tuple_(*binds)
    if is_descending(order[0]) != paging.is_backward:
        return Sides([keys[0] <= binds[0], row < given], [keys[0] >= binds[0], row >= given])
    return Sides([keys[0] >= binds[0], row > given], [keys[0] <= binds[0], row <= given])


def key_reader(index: int, types_: list[Any]) -> Any:
    return lambda cursor: decode_cursor(cursor, types_)[index]


def cursor_text(keys: list[ColumnElement[Any]]) -> ColumnElement[str]:
    """As `cursors.encode_cursor`: the base64 of a JSON array of whole numbers and texts."""
    plain = [cursor_key(key) for key in keys]
    if all(isinstance(key.type, types.Integer) for key in plain):
        parts: list[Any] = [constant("["), plain[0]]
        for key in plain[1:]:
            parts += [constant(", "), key]
        text: ColumnElement[str] = func.concat(*parts, constant("]"), type_=Text)
    else:
        text = sql_cast(func.json_build_array(*plain), Text)
    printed = func.encode(func.convert_to(text, constant("UTF8")), constant("base64"), type_=types.Text)
    return func.translate(printed, func.chr(10), constant(""), type_=types.Text)  # a line break every 76


def cursor_key(key: ColumnElement[Any]) -> ColumnElement[Any]:
    match key.type:
        case types.Integer():
            return key
        case types.DateTime():
            return sql_cast(extract("epoch", key) * 1_000_000, BigInteger)
        case _:
            return sql_cast(key, Text)
