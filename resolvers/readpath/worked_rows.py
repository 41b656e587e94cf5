"""Rows that a Python function works out, as a table: stage 1 prints what it needs, stage 2 reads them beside others."""

from __future__ import annotations

from resolvers.readpath.builder import Row, Selected, StatementBuilder
from resolvers.readpath.catalogue import entity_of
from resolvers.readpath.columns import read_columns
from resolvers.readpath.graph_rows import rows_of_answer
from resolvers.readpath.jsontext import Json, joined, json_array
from resolvers.readpath.plan import RowsHole
from resolvers.readpath.sources import WorkedRows
from resolvers.readpath.sql import Standing


def print_worked_rows(builder: StatementBuilder, row: Row, selected: Selected, source: WorkedRows) -> Json:
    """One statement for the rows of all parents."""
    rows, alias = rows_of_answer(builder, source.table)
    inner = Row(entity_of(selected.target), {source.table: Standing(alias, is_certain=False)})
    item = builder.print_object(builder, selected.target, inner, selected.nodes)
    printed = joined(json_array(item, [f"{alias}.position"])).text
    query = f"SELECT {alias}.parent, {printed} FROM {rows} GROUP BY {alias}.parent"
    readers, values = read_columns(builder, row, source.columns)
    hole = RowsHole(source.table, source.function, readers, builder.statement(query))
    return builder.hole(hole, values)
