"""A connection over several entities merged by time, such as a timeline."""

from __future__ import annotations

from typing import Any, cast

from graphql import FieldNode
from sqlalchemy import Integer, Subquery, case, exists, literal_column, or_, select, union_all

from resolvers.readpath.builder import Row, Selected, StatementBuilder
from resolvers.readpath.catalogue import entity_of
from resolvers.readpath.connections import FALSE, Page, number_rows, print_connection
from resolvers.readpath.jsontext import Json, joined
from resolvers.readpath.paging import Paging, cursor_text, page_size, paging_of, sides_of
from resolvers.readpath.relations import node_json, related
from resolvers.readpath.sources import Branch, MergedPages

Reader = tuple[Subquery, Any]
"""The rows of one branch behind the start of the page, and whether any stand before it."""


def print_merged_pages(builder: StatementBuilder, row: Row, selected: Selected, source: MergedPages) -> Json:
    """Each branch is cut to a page before they are merged; kinds keep their numbers whatever the role."""
    paging = paging_of(selected)
    size = page_size(builder, selected, paging)
    branches = [(kind, b) for kind, b in enumerate(source.branches) if may_read(builder, b)]
    if not branches:
        raise TypeError("this role may use none of the entities that are merged")
    read = [read_branch(builder, row, (selected, paging, size), branch) for branch in branches]
    united = union_all(*(select(*rows.c) for rows, _ in read)).subquery(builder.alias_name())
    limited = select(*united.c).order_by(*newest_first(united)).limit(size + 1).subquery(builder.alias_name())
    numbered = number_rows(builder, limited, newest_first(limited))
    page = Page(
        rows=numbered,
        size=size,
        is_backward=False,
        cursor=cursor_text([numbered.c.at, numbered.c.kind, numbered.c.id]),
        has_more_behind_start=or_(FALSE, *(before for _, before in read)),
        total=None,
        print_item=lambda nodes: print_entry(builder, numbered, branches, nodes),
    )
    return print_connection(builder, selected, page)


def may_read(builder: StatementBuilder, branch: Branch) -> bool:
    return builder.may_use(entity_of(builder.catalogue.by_class[branch.target]))


def newest_first(rows: Subquery) -> list[Any]:
    return [rows.c.at.desc(), rows.c.kind.desc(), rows.c.id.desc()]


def read_branch(
    builder: StatementBuilder, row: Row, page: tuple[Selected, Paging, Any], numbered: tuple[int, Branch]
) -> Reader:
    (selected, paging, size), (kind, branch) = page, numbered
    target = builder.catalogue.by_class[branch.target]
    opened = builder.open_rows(target, row)
    belongs = [*opened.conditions, related(builder, branch.on, row, opened)]
    at = builder.place(branch.at, opened.row.scope)
    key = builder.place(entity_of(target).key, opened.row.scope)
    number = literal_column(str(kind), Integer())
    sides = sides_of(builder, selected, paging, [at.desc(), number.desc(), key.desc()])
    rows = select(at.label("at"), number.label("kind"), key.label("id")).select_from(opened.rows)
    cut = rows.where(*belongs, *sides.behind).order_by(at.desc(), key.desc()).limit(size + 1)
    before = FALSE if sides.before is None else earlier(opened.rows, [*belongs, *sides.before])
    return cut.correlate_except(opened.rows).subquery(builder.alias_name()), before


def earlier(rows: Any, conditions: list[Any]) -> Any:
    return exists(select(1).select_from(rows).where(*conditions).correlate_except(rows))


def print_entry(
    builder: StatementBuilder, page: Subquery, branches: list[tuple[int, Branch]], nodes: list[FieldNode]
) -> Json:
    """Each entry prints the object of its kind."""
    cases = [
        (
            cast(Any, page.c.kind == literal_column(str(kind))),
            joined(node_json(builder, builder.catalogue.by_class[branch.target], page.c.id, nodes)),
        )
        for kind, branch in branches
    ]
    return [case(*cases)]
