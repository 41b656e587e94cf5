"""Relay connections over one entity, and the shape that every connection has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from graphql import FieldNode, GraphQLObjectType, get_named_type
from sqlalchemy import ColumnElement, Integer, Subquery, case, exists, func, literal_column, select, types

from resolvers.readpath.builder import Opened, Row, Scope, Selected, StatementBuilder
from resolvers.readpath.catalogue import node_type
from resolvers.readpath.expressions import reversed_order, without_direction
from resolvers.readpath.filters import Frame, filter_condition
from resolvers.readpath.jsontext import NULL, Json, constant, joined, json_array, json_object
from resolvers.readpath.paging import cursor_text, page_size, paging_of, sides_of
from resolvers.readpath.relations import related
from resolvers.readpath.relay import COUNT_CAP, SortDirection
from resolvers.readpath.sources import Condition, Ordered, Pages

FALSE = literal_column("false", types.Boolean)


@dataclass(frozen=True, slots=True)
class Page:
    """At most size + 1 rows with their `position` (in reading order) and how many are `available`."""

    rows: Subquery
    size: ColumnElement[int]
    is_backward: bool
    cursor: ColumnElement[str]
    has_more_behind_start: ColumnElement[bool]
    total: ColumnElement[int] | None
    print_item: Callable[[list[FieldNode]], Json]

    @property
    def shown(self) -> ColumnElement[bool]:
        return self.rows.c.position <= self.size

    @property
    def order(self) -> list[ColumnElement[Any]]:
        position = self.rows.c.position
        return [position.desc() if self.is_backward else position.asc()]


def print_pages(builder: StatementBuilder, row: Row, selected: Selected, source: Pages) -> Json:
    target = cast(GraphQLObjectType, node_type(selected.field))
    paging, ordered = paging_of(selected), chosen_order(selected, source)
    opened = builder.open_rows(target, row, selected, declared=ordered.rows)
    belongs = [*opened.conditions, *conditions_of(builder, row, selected, (source, opened))]
    standing_for = [cast(Any, opened.row.entity).rows, *([] if ordered.rows is None else [ordered.rows])]
    order = [builder.place(term, dict.fromkeys(standing_for, opened.rows)) for term in ordered.order_by]
    size = page_size(builder, selected, paging)
    sides = sides_of(builder, selected, paging, order)
    reading = [reversed_order(term) for term in order] if paging.is_backward else order

    rows = opened.rows
    limited = (
        select(*rows.c).select_from(rows).where(*belongs, *sides.behind).order_by(*reading).limit(size + 1)
    )
    kept = limited.correlate_except(rows).subquery(builder.alias_name())
    kept_scope: Scope = dict.fromkeys(standing_for, kept)
    declared = [reversed_order(term) if paging.is_backward else term for term in ordered.order_by]
    numbered = number_rows(builder, kept, [builder.place(term, kept_scope) for term in declared])
    shown = Row(opened.row.entity, dict.fromkeys(standing_for, numbered))
    page = Page(
        rows=numbered,
        size=size,
        is_backward=paging.is_backward,
        cursor=cursor_text([builder.place(without_direction(t), shown.scope) for t in ordered.order_by]),
        has_more_behind_start=FALSE if sides.before is None else any_row(rows, [*belongs, *sides.before]),
        total=capped_count(builder, rows, belongs),
        print_item=lambda nodes: builder.print_object(builder, target, shown, nodes),
    )
    return print_connection(builder, selected, page)


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
) -> list[Condition]:
    """How the entries belong to the parent, and what the client filters by."""
    source, opened = rows
    found: list[Condition] = []
    if source.on is not None:
        found.append(related(builder, source.on, row, opened, selected))
    if source.where is not None:
        where, type_ = selected.arguments.get("where"), selected.field.args["where"].type
        condition = filter_condition(builder, type_, where, Frame(opened.row.scope, selected.at))
        found += [] if condition is None else [condition]
    return found


def any_row(rows: Any, conditions: list[Condition]) -> ColumnElement[bool]:
    return exists(select(1).select_from(rows).where(*conditions).correlate_except(rows))


def capped_count(builder: StatementBuilder, rows: Any, belongs: list[Condition]) -> ColumnElement[int]:
    """Counts no further than one beyond the cap."""
    one = literal_column("1", Integer).label("one")
    some = select(one).select_from(rows).where(*belongs).limit(COUNT_CAP + 1)
    counted = some.correlate_except(rows).subquery(builder.alias_name())
    return select(func.count()).select_from(counted).scalar_subquery()


def number_rows(builder: StatementBuilder, limited: Subquery, order: list[ColumnElement[Any]]) -> Subquery:
    """Windows outside of the LIMIT: inside, PostgreSQL would run them over every row that matches."""
    position = func.row_number().over(order_by=order).label("position")
    available = func.count().over().label("available")
    query = select(*limited.c, position, available).select_from(limited)
    return query.correlate_except(limited).subquery(builder.alias_name())


# --- the shape of a connection --------------------------------------------------------------------------


def print_connection(builder: StatementBuilder, selected: Selected, page: Page) -> Json:
    """Reads the page only where the selection needs it: a total alone does not."""
    printer = ConnectionPrinter(builder, selected.target, page)
    body = printer.whole(selected.nodes)
    if not printer.reads_page:
        return body
    return [select(joined(body)).select_from(page.rows).correlate_except(page.rows).scalar_subquery()]


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
                return json_array(self.page.print_item(nodes), self.page.order, self.page.shown)
            case "edges":
                self.reads_page = True
                return json_array(self.parts(type_, nodes, self.edge), self.page.order, self.page.shown)
            case "pageInfo":
                return self.parts(type_, nodes, self.page_info)
            case _:
                return NULL if self.page.total is None else self.parts(type_, nodes, self.count)

    def edge(self, name: str, nodes: list[FieldNode]) -> Json:
        return ['"', self.page.cursor, '"'] if name == "cursor" else self.page.print_item(nodes)

    def count(self, name: str, _: list[FieldNode]) -> Json:
        total = cast(ColumnElement[int], self.page.total)
        if name == "value":
            return [func.least(total, COUNT_CAP)]
        return [case((total > COUNT_CAP, constant('"AT_LEAST"')), else_=constant('"EXACT"'))]

    def page_info(self, name: str, _: list[FieldNode]) -> Json:
        page, backward = self.page, self.page.is_backward
        if name == ("hasPreviousPage" if backward else "hasNextPage"):
            self.reads_page = True
            return [printed_truth(func.coalesce(func.max(page.rows.c.available) > page.size, FALSE))]
        if name in ("hasPreviousPage", "hasNextPage"):
            return [printed_truth(page.has_more_behind_start)]
        self.reads_page = True
        is_first_read = (name == "startCursor") != backward
        position = literal_column("1") if is_first_read else func.least(page.size, page.rows.c.available)
        found = func.max(page.cursor).filter(page.rows.c.position == position)
        return [func.coalesce(func.to_json(found).cast(types.Text), constant("null"))]


def printed_truth(condition: ColumnElement[bool]) -> ColumnElement[str]:
    return case((condition, constant("true")), else_=constant("false"))
