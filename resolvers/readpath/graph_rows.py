"""Graph answers as a table: stage 1 prints the parent's key, stage 2 reads the answer beside real tables."""

from __future__ import annotations

from typing import Any, cast

from graphql import GraphQLObjectType
from sqlalchemy import BigInteger, Integer, Table
from sqlalchemy.dialects.postgresql import ARRAY

from resolvers.readpath.builder import Row, Scope, Selected, StatementBuilder
from resolvers.readpath.catalogue import entity_of, node_type
from resolvers.readpath.connections import ConnectionPrinter, Page
from resolvers.readpath.cursors import DEEPEST_PLACE, NOT_A_CURSOR, decode_cursor
from resolvers.readpath.given_values import as_stored, reader
from resolvers.readpath.jsontext import Json, as_text, joined, json_array
from resolvers.readpath.operation import Slot
from resolvers.readpath.page_rows import PageRows
from resolvers.readpath.paging import Paging, cursor_text, page_size, paging_of, within_bounds
from resolvers.readpath.plan import Bind, GraphHole, Inputs
from resolvers.readpath.sources import GraphPages, GraphRows
from resolvers.readpath.sql import WHOLE, Sql, Standing, where

PARENT, POSITION, KEYS = "parent", "position", "keys"


def answer_slot(column: str) -> str:
    """Where the engine puts a column of the graph's answer (or the asked `keys`) among the inputs."""
    return f"@answer.{column}"


def answered_rows(builder: StatementBuilder, source: GraphRows | GraphPages) -> tuple[str, str]:
    return rows_of_answer(builder, source.question)


def rows_of_answer(builder: StatementBuilder, table: Table) -> tuple[str, str]:
    """The answers for all parents, each with its place from 1: what stands behind FROM, and its alias."""
    alias = builder.alias_name()
    columns = [(PARENT, BigInteger()), (POSITION, Integer()), *((c.name, c.type) for c in table.c)]
    arrays = [builder.bind(Slot((answer_slot(name),)), ARRAY(type_)).text for name, type_ in columns]
    names = ", ".join(name for name, _ in columns)
    return f"unnest({', '.join(arrays)}) AS {alias}({names})", alias


def inner_row(source: GraphRows | GraphPages, selected: object, alias: str) -> Row:
    """The graph may leave out a value that its table promises."""
    scope: Scope = {source.question: Standing(alias, is_certain=False)}
    return Row(entity_of(selected), scope, is_repeated=True)


def print_graph_rows(builder: StatementBuilder, row: Row, selected: Selected, source: GraphRows) -> Json:
    """Ids the database lacks drop out by the declared `only_if`."""
    rows, alias = answered_rows(builder, source)
    inner = inner_row(source, selected.target, alias)
    item = builder.print_object(builder, selected.target, inner, selected.nodes)
    printed = joined(json_array(item, [f"{alias}.position"])).text
    known = [] if source.only_if is None else [builder.place(source.only_if, inner.scope).operand]
    query = f"SELECT {alias}.parent, {printed} FROM {rows}{where(known)} GROUP BY {alias}.parent"
    first = selected.arguments["first"]
    builder.check(first, within_bounds("first"), selected.at)
    return ask(builder, (row, selected, source), reader(first, as_stored), query)


def ask(
    builder: StatementBuilder,
    asked: tuple[Row, Selected, GraphRows | GraphPages],
    first: Bind,
    query: str,
) -> Json:
    row, selected, source = asked
    hole = GraphHole(
        question=source.question,
        first=first,
        parameters=builder.parameters(source.parameters, selected),
        statement=builder.statement(query),
    )
    return builder.hole(hole, [as_text(builder.place(source.key, row.scope))])


# --- pages ----------------------------------------------------------------------------------------------


def print_graph_pages(builder: StatementBuilder, row: Row, selected: Selected, source: GraphPages) -> Json:
    """One answer for all parents, cut into the page of each; a parent without answers has an empty page."""
    target = cast(GraphQLObjectType, node_type(selected.field))
    paging = paging_of(selected)
    size = page_size(builder, selected, paging)
    start = builder.bind(paging.start, Integer(), place_of, at=selected.at).text
    rows, alias = placed_answers(builder, source, start)
    shown = inner_row(source, target, alias)
    page = Page(
        rows=PageRows(rows, alias, [f"{alias}.position"], f"{alias}.position <= {size.text}"),
        size=size,
        is_backward=False,
        cursor=cursor_text([Sql(f"{alias}.place", WHOLE)]),
        has_more_behind_start=f"coalesce(bool_or({alias}.place <= {start}), false)",
        total=None,
        print_item=lambda nodes: builder.print_object(builder, target, shown, nodes),
    )
    body = joined(ConnectionPrinter(builder, selected.target, page).whole(selected.nodes)).text
    query = f"SELECT {alias}.parent, {body} FROM {rows} GROUP BY {alias}.parent"
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


def placed_answers(builder: StatementBuilder, source: GraphPages, start: str) -> tuple[str, str]:
    """`place` in the whole answer; `position` and `available` count from the start of the page, per parent."""
    answers, answer = answered_rows(builder, source)
    parent, kept, alias = builder.alias_name(), builder.alias_name(), builder.alias_name()
    keys = builder.bind(Slot((answer_slot(KEYS),)), ARRAY(BigInteger())).text
    on = [f"{answer}.parent = {parent}.parent"]
    if source.only_if is not None:
        on.append(builder.place(source.only_if, {source.question: Standing(answer)}).operand)
    columns = ", ".join(
        [
            f"{parent}.parent",
            f"{answer}.position AS place",
            *(f"{answer}.{c.name}" for c in source.question.c),
        ]
    )
    known = (
        f"SELECT {columns} FROM unnest({keys}) AS {parent}(parent) LEFT JOIN {answers} ON {' AND '.join(on)}"
    )
    behind = f"{kept}.place > {start}"
    position = f"row_number() OVER (PARTITION BY {kept}.parent, {behind} ORDER BY {kept}.place)"
    numbers = (
        f"CASE WHEN {behind} THEN {position} END AS position, "
        f"count(*) FILTER (WHERE {behind}) OVER (PARTITION BY {kept}.parent) AS available"
    )
    return f"(SELECT {kept}.*, {numbers} FROM ({known}) AS {kept}) AS {alias}", alias
