"""Relay connections over one entity, and the shape that every connection has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from graphql import FieldNode, GraphQLObjectType, get_named_type

from resolvers.readpath.builder import Opened, Row, Selected, StatementBuilder
from resolvers.readpath.catalogue import entity_of, node_type
from resolvers.readpath.dependencies import Join
from resolvers.readpath.expressions import is_descending, reversed_order, without_direction
from resolvers.readpath.filters import Frame, filter_condition
from resolvers.readpath.jsontext import (
    NULL,
    Json,
    as_text,
    case_when,
    joined,
    json_array,
    json_object,
    or_else,
)
from resolvers.readpath.page_rows import PageRows, Unpaged, asked_of_page, page_rows
from resolvers.readpath.paging import Order, cursor_text, page_size, paging_of, sides_of
from resolvers.readpath.relations import related
from resolvers.readpath.relay import COUNT_CAP, SortDirection
from resolvers.readpath.sources import Ordered, Pages
from resolvers.readpath.sql import Sql, Standing, names_of, quoted, where


@dataclass(frozen=True, slots=True)
class Page:
    """What a connection is printed from; `total` None: it has no count."""

    rows: PageRows
    size: Sql
    is_backward: bool
    cursor: Sql
    has_more_behind_start: str
    total: str | None
    print_item: Callable[[list[FieldNode]], Json]

    @property
    def position(self) -> str:
        return f"{self.rows.alias}.position"


def print_pages(builder: StatementBuilder, row: Row, selected: Selected, source: Pages) -> Json:
    target = cast(GraphQLObjectType, node_type(selected.field))
    paging, ordered = paging_of(selected), chosen_order(selected, source)
    opened = builder.open_rows(target, row, selected, declared=ordered.rows, joined_by=Join(source.on))
    belongs = [*opened.conditions, *conditions_of(builder, row, selected, (source, opened))]
    size = page_size(builder, selected, paging)
    order_as = partial(order_in, builder, ordered, opened.row)
    order = order_as(opened.alias)
    sides = sides_of(builder, selected, paging, order)
    behind = f"{opened.source}{where([*belongs, *sides.behind])}"
    names = names_of(entity_of(target).rows if ordered.rows is None else ordered.rows)
    columns = {name: f"{opened.alias}.{name}" for name in names}
    asked = asked_of_page(builder, selected, is_backward=paging.is_backward)
    is_cheap = opened.is_table and selected.arguments.get("where") is None
    rows = page_rows(builder, Unpaged(behind, columns, order, order_as, is_cheap), size, asked)
    shown = standing_as(opened.row, rows.alias)
    page = Page(
        rows=rows,
        size=size,
        is_backward=paging.is_backward,
        cursor=cursor_text(order_as(rows.alias).keys),
        has_more_behind_start="false" if sides.before is None else any_row(opened, [*belongs, *sides.before]),
        total=capped_count(builder, opened, belongs),
        print_item=lambda nodes: builder.print_object(builder, target, shown, nodes),
    )
    return print_connection(builder, selected, page)


def order_in(builder: StatementBuilder, ordered: Ordered, row: Row, alias: str) -> Order:
    """The keys of an order as they are called in some rows; the order may name rows of its own."""
    names = dict.fromkeys([*row.scope, *([] if ordered.rows is None else [ordered.rows])], Standing(alias))
    keys = [builder.place(without_direction(term), names) for term in ordered.order_by]
    return Order(keys, is_descending(ordered.order_by[0]))


def standing_as(row: Row, alias: str) -> Row:
    scope = {rows: replace(standing, name=alias) for rows, standing in row.scope.items()}
    return Row(row.entity, scope, is_repeated=True)


def chosen_order(selected: Selected, source: Pages) -> Ordered:
    """Part of the plan's shape: each order has a plan of its own."""
    wanted = selected.arguments.get("orderBy")
    if source.orders is None or wanted is None:
        return Ordered(source.order_by)
    found = source.orders.by[wanted["by"]]
    if wanted["direction"] is SortDirection.ASC:
        return found
    return Ordered(tuple(reversed_order(term) for term in found.order_by), found.rows)


def conditions_of(
    builder: StatementBuilder, row: Row, selected: Selected, rows: tuple[Pages, Opened]
) -> list[str]:
    """How the entries belong to the parent, and what the client filters by."""
    source, opened = rows
    found: list[str] = []
    if source.on is not None:
        found.append(related(builder, source.on, row, opened, selected))
    if source.where is not None:
        given, type_ = selected.arguments.get("where"), selected.field.args["where"].type
        condition = filter_condition(builder, type_, given, Frame(opened.row.scope, selected.at))
        found += [] if condition is None else [condition]
    return found


def any_row(opened: Opened, conditions: list[str]) -> str:
    return f"EXISTS (SELECT 1 FROM {opened.source}{where(conditions)})"


def capped_count(builder: StatementBuilder, opened: Opened, belongs: list[str]) -> str:
    """Counts no further than one beyond the cap."""
    some = f"SELECT 1 FROM {opened.source}{where(belongs)} LIMIT {COUNT_CAP + 1}"
    return f"(SELECT count(*) FROM ({some}) AS {builder.alias_name()})"


# --- the shape of a connection --------------------------------------------------------------------------


def print_connection(builder: StatementBuilder, selected: Selected, page: Page) -> Json:
    """Reads the page only where the selection needs it: a total alone does not."""
    printer = ConnectionPrinter(builder, selected.target, page)
    body = printer.whole(selected.nodes)
    if not printer.reads_page:
        return body
    return [Sql(f"(SELECT {joined(body).text} FROM {page.rows.source})")]


@dataclass(slots=True)
class ConnectionPrinter:
    builder: StatementBuilder
    type_: GraphQLObjectType
    page: Page
    reads_page: bool = False

    def whole(self, nodes: list[FieldNode]) -> Json:
        return self.parts(self.type_, nodes, self.member)

    def parts(self, type_: Any, nodes: list[FieldNode], make: Callable[[str, list[FieldNode]], Json]) -> Json:
        sets = [node.selection_set for node in nodes]
        merged = self.builder.operation.merged(type_, sets, self.builder.variables)
        named = {key: (parts[0].name.value, parts) for key, parts in merged.items()}
        return json_object(
            {
                key: [f'"{type_.name}"'] if name == "__typename" else make(name, parts)
                for key, (name, parts) in named.items()
            }
        )

    def member(self, name: str, nodes: list[FieldNode]) -> Json:
        type_ = get_named_type(self.type_.fields[name].type)
        match name:
            case "nodes":
                self.reads_page = True
                return json_array(self.page.print_item(nodes), self.page.rows.order, self.page.rows.shown)
            case "edges":
                self.reads_page = True
                return json_array(
                    self.parts(type_, nodes, self.edge), self.page.rows.order, self.page.rows.shown
                )
            case "pageInfo":
                return self.parts(type_, nodes, self.page_info)
            case _:
                return NULL if self.page.total is None else self.parts(type_, nodes, self.count)

    def edge(self, name: str, nodes: list[FieldNode]) -> Json:
        return ['"', self.page.cursor, '"'] if name == "cursor" else self.page.print_item(nodes)

    def count(self, name: str, _: list[FieldNode]) -> Json:
        total = cast(str, self.page.total)
        if name == "value":
            return [as_text(Sql(f"least({total}, {COUNT_CAP})", is_not_null=True))]
        return [case_when(f"{total} > {COUNT_CAP}", quoted('"AT_LEAST"'), quoted('"EXACT"'))]

    def page_info(self, name: str, _: list[FieldNode]) -> Json:
        page, backward = self.page, self.page.is_backward
        if name == ("hasPreviousPage" if backward else "hasNextPage"):
            if page.rows.more_follow is not None:
                return [printed_truth(page.rows.more_follow)]
            self.reads_page = True
            return [printed_truth(f"coalesce(max({page.position}) > {page.size.text}, false)")]
        if name in ("hasPreviousPage", "hasNextPage"):
            return [printed_truth(page.has_more_behind_start)]
        self.reads_page = True
        is_first_read = (name == "startCursor") != backward
        position = "1" if is_first_read else f"least({page.size.text}, {page.rows.alias}.available)"
        found = f"max({page.cursor.text}) FILTER (WHERE {page.position} = {position})"
        return or_else(['"', Sql(found), '"'], "null")


def printed_truth(condition: str) -> Sql:
    return case_when(condition, "'true'", "'false'")
