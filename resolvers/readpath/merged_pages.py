"""A connection over several entities merged by time, such as a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from graphql import FieldNode

from resolvers.readpath.builder import Row, Selected, StatementBuilder
from resolvers.readpath.catalogue import entity_of
from resolvers.readpath.connections import Page, any_row, print_connection
from resolvers.readpath.dependencies import Join
from resolvers.readpath.jsontext import Json, joined
from resolvers.readpath.page_rows import Unpaged, asked_of_page, page_rows
from resolvers.readpath.paging import Order, Paging, cursor_text, page_size, paging_of, sides_of
from resolvers.readpath.relations import node_json, related
from resolvers.readpath.sources import Branch, MergedPages
from resolvers.readpath.sql import WHOLE, Sql, where


@dataclass(frozen=True, slots=True)
class ReadBranch:
    """The rows of one branch behind the start of the page, and whether any stand before it."""

    text: str
    before: str
    moment: Sql
    key: Sql


def print_merged_pages(builder: StatementBuilder, row: Row, selected: Selected, source: MergedPages) -> Json:
    """Each branch is cut to a page before they are merged; kinds keep their numbers whatever the role."""
    paging = paging_of(selected)
    size = page_size(builder, selected, paging)
    branches = [(kind, b) for kind, b in enumerate(source.branches) if may_read(builder, b)]
    if not branches:
        raise TypeError("this role may use none of the entities that are merged")
    read = [read_branch(builder, row, (selected, paging, size), branch) for branch in branches]
    united = builder.alias_name()
    order_as = partial(merged_order, read[0])
    text = " UNION ALL ".join(f"({branch.text})" for branch in read)
    asked = asked_of_page(builder, selected, is_backward=paging.is_backward)
    columns = {name: f"{united}.{name}" for name in ("at", "kind", "id")}
    behind = Unpaged(f"({text}) AS {united}", columns, order_as(united), order_as)
    rows = page_rows(builder, behind, size, asked)
    page = Page(
        rows=rows,
        size=size,
        is_backward=paging.is_backward,
        cursor=cursor_text(order_as(rows.alias).keys),
        has_more_behind_start=" OR ".join(branch.before for branch in read),
        total=None,
        print_item=lambda nodes: print_entry(builder, rows.alias, branches, nodes),
    )
    return print_connection(builder, selected, page)


def may_read(builder: StatementBuilder, branch: Branch) -> bool:
    return builder.role in entity_of(builder.catalogue.by_class[branch.target]).roles


def merged_order(branch: ReadBranch, alias: str) -> Order:
    """Newest first; entries of one moment by kind, then by key."""
    keys = [
        Sql(f"{alias}.at", branch.moment.type),
        Sql(f"{alias}.kind", WHOLE),
        Sql(f"{alias}.id", branch.key.type),
    ]
    return Order(keys, is_descending=True)


def read_branch(
    builder: StatementBuilder,
    row: Row,
    page: tuple[Selected, Paging, Sql],
    kind_and_branch: tuple[int, Branch],
) -> ReadBranch:
    (selected, paging, size), (kind, branch) = page, kind_and_branch
    target = builder.catalogue.by_class[branch.target]
    opened = builder.open_rows(target, row, joined_by=Join(branch.on))
    belongs = [*opened.conditions, related(builder, branch.on, row, opened)]
    at = builder.place(branch.at, opened.row.scope)
    key = builder.place(entity_of(target).key, opened.row.scope)
    order = Order([at, Sql(str(kind), WHOLE), key], is_descending=True)
    sides = sides_of(builder, selected, paging, order)
    reading = ", ".join(Order([at, key], is_descending=True).reading(is_backward=paging.is_backward))
    columns = f"{at.text} AS at, {kind} AS kind, {key.text} AS id"
    rows = f"SELECT {columns} FROM {opened.source}{where([*belongs, *sides.behind])}"
    before = "false" if sides.before is None else any_row(opened, [*belongs, *sides.before])
    return ReadBranch(f"{rows} ORDER BY {reading} LIMIT {size.text} + 1", before, at, key)


def print_entry(
    builder: StatementBuilder, alias: str, branches: list[tuple[int, Branch]], nodes: list[FieldNode]
) -> Json:
    """Each entry prints the object of its kind."""
    whens = ""
    for kind, branch in branches:
        target = builder.catalogue.by_class[branch.target]
        printed = joined(node_json(builder, target, f"{alias}.id", nodes)).text
        whens += f" WHEN {alias}.kind = {kind} THEN {printed}"
    return [Sql(f"CASE{whens} END")]
