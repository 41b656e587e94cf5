"""The paging arguments of a connection: how many, from which end, and behind which entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, types

from resolvers.readpath.builder import Selected, StatementBuilder
from resolvers.readpath.cursors import decode_cursor
from resolvers.readpath.failures import BadInput
from resolvers.readpath.sql import Sql

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


def page_size(builder: StatementBuilder, selected: Selected, paging: Paging) -> Sql:
    builder.check(paging.size, within_bounds(paging.size_name), selected.at)
    return builder.bind(paging.size, Integer())


def within_bounds(name: str) -> Any:
    def check(size: int) -> int:
        if not 1 <= size <= MAXIMUM_PAGE:
            raise ValueError(f"{name} must be 1 to {MAXIMUM_PAGE}.")
        return size

    return check


@dataclass(frozen=True, slots=True)
class Order:
    """The keys of an order, all in one direction, as they are called in some rows."""

    keys: list[Sql]
    is_descending: bool

    def reading(self, *, is_backward: bool) -> list[str]:
        """The terms of ORDER BY for a page that is read from that end."""
        direction = "DESC" if self.is_descending != is_backward else "ASC"
        return [f"{key.operand} {direction}" for key in self.keys]


@dataclass(frozen=True, slots=True)
class Sides:
    """Conditions for the rows behind the start of a page, and for those on the side it came from."""

    behind: list[str]
    before: list[str] | None


def sides_of(builder: StatementBuilder, selected: Selected, paging: Paging, order: Order) -> Sides:
    """Row comparisons; the first key is named alone too, because an index can only use that."""
    if paging.start is None:
        return Sides([], None)
    types_ = [key.type for key in order.keys]
    builder.check(paging.start, lambda cursor: decode_cursor(cursor, types_), selected.at)
    binds = [builder.bind(paging.start, key.type, key_reader(i, types_)) for i, key in enumerate(order.keys)]
    forward, back = ("<", ">") if order.is_descending != paging.is_backward else (">", "<")
    first, start = order.keys[0].operand, binds[0].text
    row, given = ", ".join(key.text for key in order.keys), ", ".join(bind.text for bind in binds)
    return Sides(
        [f"{first} {forward}= {start}", f"({row}) {forward} ({given})"],
        [f"{first} {back}= {start}", f"({row}) {back}= ({given})"],
    )


def key_reader(index: int, types_: list[Any]) -> Any:
    return lambda cursor: decode_cursor(cursor, types_)[index]


def cursor_text(keys: list[Sql]) -> Sql:
    """As `cursors.encode_cursor`: the base64 of a JSON array of whole numbers and texts."""
    plain = [cursor_key(key) for key in keys]
    if all(isinstance(key.type, types.Integer) for key in plain):
        parts = ", ', ', ".join(key.text for key in plain)
        text = f"concat('[', {parts}, ']')"
    else:
        text = f"CAST(json_build_array({', '.join(key.text for key in plain)}) AS TEXT)"
    printed = f"encode(convert_to({text}, 'UTF8'), 'base64')"
    return Sql(f"translate({printed}, chr(10), '')")  # a line break every 76


def cursor_key(key: Sql) -> Sql:
    match key.type:
        case types.Integer():
            return key
        case types.DateTime():
            return Sql(f"CAST(EXTRACT(epoch FROM {key.text}) * 1000000 AS BIGINT)", types.BigInteger())
        case _:
            return Sql(f"CAST({key.text} AS TEXT)")
