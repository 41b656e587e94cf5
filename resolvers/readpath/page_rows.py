"""The rows of one page, numbered only where what is asked of the page needs it.

Numbers come from windows, which keep every row once more; a page of which only the entries are asked is as long as
its LIMIT and printed in the order it is read in. Whether more rows follow is asked by itself where counting them once
more costs less than a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, get_named_type

from resolvers.readpath.builder import Selected, StatementBuilder
from resolvers.readpath.paging import Order
from resolvers.readpath.sql import Sql


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about the page itself, by the names of `pageInfo`."""

    names: frozenset[str]
    is_backward: bool

    @property
    def needs_numbers(self) -> bool:
        """Whether something stands before its start does not follow from its rows."""
        return bool(self.names - {"hasNextPage" if self.is_backward else "hasPreviousPage"})

    @property
    def needs_only_whether_more_follow(self) -> bool:
        return self.needs_numbers and not self.names & {"startCursor", "endCursor"}

    @property
    def needs_count(self) -> bool:
        return ("startCursor" if self.is_backward else "endCursor") in self.names


def asked_of_page(builder: StatementBuilder, selected: Selected, *, is_backward: bool) -> Asked:
    def members(type_: Any, nodes: list[FieldNode]) -> list[list[FieldNode]]:
        sets = [node.selection_set for node in nodes]
        return list(builder.operation.merged(type_, sets, builder.variables).values())

    info: Any = get_named_type(selected.target.fields["pageInfo"].type)
    infos = [nodes for nodes in members(selected.target, selected.nodes) if name_of(nodes) == "pageInfo"]
    names = frozenset(name_of(nodes) for one in infos for nodes in members(info, one))
    return Asked(names - {"__typename"}, is_backward)


def name_of(nodes: list[FieldNode]) -> str:
    return nodes[0].name.value


@dataclass(frozen=True, slots=True)
class Unpaged:
    """All rows behind the start: what follows FROM, and how each of their columns is called there.

    `order` as it is called there, and as it is called under another alias. `is_cheap`: they may be read once more.
    """

    text: str
    columns: Mapping[str, str]
    order: Order
    order_as: Callable[[str], Order]
    is_cheap: bool = False


@dataclass(frozen=True, slots=True)
class PageRows:
    """What stands behind FROM, and its alias; the terms in whose order entries are printed, and which rows are entries.

    With numbers there are at most size + 1 rows with their `position` (in reading order) and, where it is needed, how
    many are `available`. `more_follow` says it without them.
    """

    source: str
    alias: str
    order: list[str]
    shown: str | None
    more_follow: str | None = None


def page_rows(builder: StatementBuilder, rows: Unpaged, size: Sql, asked: Asked) -> PageRows:
    reading = ", ".join(rows.order.reading(is_backward=asked.is_backward))
    kept = builder.alias_name()
    columns = builder.used.listed_as(kept, rows.columns)
    limited = f"(SELECT {columns} FROM {rows.text} ORDER BY {reading} LIMIT {size.text}"
    counts_again = rows.is_cheap and asked.needs_only_whether_more_follow
    if counts_again or not asked.needs_numbers:
        more = f"EXISTS (SELECT 1 FROM {rows.text} OFFSET {size.text} LIMIT 1)" if counts_again else None
        return PageRows(f"{limited}) AS {kept}", kept, printed_order(rows, kept), None, more)
    source, alias = numbered(builder, (f"{limited} + 1) AS {kept}", kept), rows, asked)
    return PageRows(source, alias, printed_order(rows, alias), f"{alias}.position <= {size.text}")


def printed_order(rows: Unpaged, alias: str) -> list[str]:
    return rows.order_as(alias).reading(is_backward=False)


def numbered(
    builder: StatementBuilder, limited: tuple[str, str], rows: Unpaged, asked: Asked
) -> tuple[str, str]:
    """Windows outside of the LIMIT: inside, PostgreSQL would run them over every row that matches."""
    (source, kept), alias = limited, builder.alias_name()
    reading = ", ".join(rows.order_as(kept).reading(is_backward=asked.is_backward))
    columns = builder.used.listed_as(alias, {name: f"{kept}.{name}" for name in rows.columns})
    numbers = f"row_number() OVER (ORDER BY {reading}) AS position"
    if asked.needs_count:
        numbers += ", count(*) OVER () AS available"
    return f"(SELECT {columns}, {numbers} FROM {source}) AS {alias}", alias
