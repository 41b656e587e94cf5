"""Graph answers as a table: stage 1 prints the parent's key, stage 2 reads the answer beside real tables."""

from __future__ import annotations

from typing import Any, cast

from graphql import GraphQLObjectType
from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Select, Subquery, case, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from resolvers.readpath.builder import Row, Selected, StatementBuilder, as_stored, reader
from resolvers.readpath.catalogue import entity_of, node_type
from resolvers.readpath.connections import FALSE, ConnectionPrinter, Page
from resolvers.readpath.cursors import DEEPEST_PLACE, NOT_A_CURSOR, decode_cursor
from resolvers.readpath.jsontext import Json, joined, json_array
from resolvers.readpath.operation import Slot
from resolvers.readpath.paging import Paging, cursor_text, page_size, paging_of, within_bounds
from resolvers.readpath.plan import Bind, GraphHole, Inputs
from resolvers.readpath.sources import GraphPages, GraphRows

PARENT, POSITION, KEYS = "parent", "position", "keys"


def answer_slot(column: str) -> str:
    """Where the engine puts a column of the graph's answer (or the asked `keys`) among the inputs."""
    return f"@answer.{column}"


def answered_rows(builder: StatementBuilder, source: GraphRows | GraphPages) -> Any:
    """The answers for all parents, each with its place from 1."""
    answered = [Column(PARENT, BigInteger()), Column(POSITION, Integer())]
    answered += [Column(column.name, column.type) for column in source.question.c]
    arrays = [builder.bind(Slot((answer_slot(c.name),)), ARRAY(c.type)) for c in answered]
    return func.unnest(*arrays).table_valued(*answered).render_derived(name=builder.alias_name())


def print_graph_rows(builder: StatementBuilder, row: Row, selected: Selected, source: GraphRows) -> Json:
    """Ids the database lacks drop out by the declared `only_if`."""
    rows = answered_rows(builder, source)
    inner = Row(entity_of(selected.target), {source.question: rows})
    item = builder.print_object(builder, selected.target, inner, selected.nodes)
    query = select(rows.c.parent, joined(json_array(item, [rows.c.position]))).select_from(rows)
    if source.only_if is not None:
        query = query.where(builder.place(source.only_if, inner.scope))
    first = selected.arguments["first"]
    builder.check(first, within_bounds("first"), selected.at)
    return ask(builder, (row, selected, source), reader(first, as_stored), query.group_by(rows.c.parent))


def ask(
    builder: StatementBuilder,
    asked: tuple[Row, Selected, GraphRows | GraphPages],
    first: Bind,
    query: Select[Any],
) -> Json:
    row, selected, source = asked
    hole = GraphHole(
        question=source.question,
        first=first,
        parameters=builder.parameters(source.parameters, selected),
        statement=builder.statement(query),
    )
    return builder.hole(hole, [builder.place(source.key, row.scope)])


# --- pages ----------------------------------------------------------------------------------------------


def print_graph_pages(builder: StatementBuilder, row: Row, selected: Selected, source: GraphPages) -> Json:
    """One answer for all parents, cut into the page of each; a parent without answers has an empty page."""
    target = cast(GraphQLObjectType, node_type(selected.field))
    paging = paging_of(selected)
    size = page_size(builder, selected, paging)
    start = builder.bind(paging.start, Integer(), place_of, at=selected.at)
    rows = placed_answers(builder, source, start)
    shown = Row(entity_of(target), {source.question: rows})
    page = Page(
        rows=rows,
        size=size,
        is_backward=False,
        cursor=cursor_text([rows.c.place]),
        has_more_behind_start=func.coalesce(func.bool_or(rows.c.place <= start), FALSE),
        total=None,
        print_item=lambda nodes: builder.print_object(builder, target, shown, nodes),
    )
    body = ConnectionPrinter(builder, selected.target, page).whole(selected.nodes)
    query = select(rows.c.parent, joined(body)).select_from(rows).group_by(rows.c.parent)
    return ask(builder, (row, selected, source), places_to_ask(paging), query)


def place_of(cursor: Any) -> int:
    """0 is before the first answer."""
    if cursor is None:
        return 0
    place = int(decode_cursor(cursor, [Integer()])[0])
    if not 1 <= place <= DEEPEST_PLACE:
        raise ValueError(NOT_A_CURSOR)
    return place


def places_to_ask(paging: Paging) -> Bind:
    """As many as there are up to the end of the page, and one more to know whether it is the last."""
    size, start = reader(paging.size, int), reader(paging.start, place_of)

    def read(inputs: Inputs) -> int:
        asked: int = start(inputs) + size(inputs) + 1
        return asked

    return read


def placed_answers(builder: StatementBuilder, source: GraphPages, start: ColumnElement[int]) -> Subquery:
    """`place` in the whole answer; `position` and `available` count from the start of the page, per parent."""
    answers = answered_rows(builder, source)
    keys = builder.bind(Slot((answer_slot(KEYS),)), ARRAY(BigInteger()))
    asked = func.unnest(keys).table_valued(Column(PARENT, BigInteger()))
    parents = asked.render_derived(name=builder.alias_name())
    known: Any = (
        true() if source.only_if is None else builder.place(source.only_if, {source.question: answers})
    )
    kept = (
        select(
            parents.c.parent,
            answers.c.position.label("place"),
            *(answers.c[c.name] for c in source.question.c),
        )
        .select_from(parents.outerjoin(answers, (answers.c.parent == parents.c.parent) & known))
        .subquery(builder.alias_name())
    )
    is_behind = kept.c.place > start
    number = func.row_number().over(partition_by=(kept.c.parent, is_behind), order_by=kept.c.place)
    available = func.count().filter(is_behind).over(partition_by=kept.c.parent)
    numbered = select(*kept.c, case((is_behind, number)).label("position"), available.label("available"))
    return numbered.subquery(builder.alias_name())
