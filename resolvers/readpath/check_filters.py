"""What a build must refuse of filter inputs: rules that compare columns of rows nobody joined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import get_named_type
from sqlalchemy import FromClause

from resolvers.readpath.catalogue import declared
from resolvers.readpath.sources import ByColumn, Compares, Group, Match, Reached, Related


def filter_problems(type_: Any, rows: FromClause, seen: set[tuple[int, int]]) -> Iterator[str]:
    """`rows` are what the fields of this input speak about."""
    if (id(type_), id(rows)) in seen:
        return
    seen.add((id(type_), id(rows)))
    for name, field in type_.fields.items():
        rule = declared(field).metadata.get("rule")
        yield from (f"filters by {type_.name}.{name}, {p}" for p in rule_problems(rule, field, rows, seen))


def rule_problems(rule: Any, field: Any, rows: FromClause, seen: set[tuple[int, int]]) -> Iterator[str]:
    match rule:
        case Match(column=column) | Compares(column=column) if column is not None:
            if is_foreign(column, rows):
                yield "a column of other rows: reach them by `reached` or `related`"
        case Reached(rows=reached, match=Match(column=column)) if is_foreign(column, reached):
            yield "a column that is not of the rows it reaches"
        case Group():
            yield from filter_problems(get_named_type(field.type), rows, seen)
        case Related(rows=other):
            yield from filter_problems(get_named_type(field.type), other, seen)
        case ByColumn(name=name) if name not in rows.c:
            yield f"but the rows have no column {name}"


def is_foreign(column: Any, rows: FromClause) -> bool:
    return any(other is not rows for other in column._from_objects)
