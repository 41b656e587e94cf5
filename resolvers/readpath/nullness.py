"""Which declared expressions can never be null, whatever the rows hold.

What is known not to be null needs no test in the statement and may stand in a chain of `||`, where a null would take
the whole object along: so only what follows from tables, constants and joins counts as known.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Cast,
    FromClause,
    Function,
    Join,
    Label,
    Select,
    Subquery,
    Table,
    TypeCoerce,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ColumnClause, Grouping
from sqlalchemy.sql.selectable import Alias

from resolvers.readpath.sources import Argument, ContextValue, Inlined

ARITHMETIC = {operators.add, operators.sub, operators.mul}


def is_never_null(expression: Any, among: frozenset[FromClause] | None = None) -> bool:
    """`among`: the rows of the select in which it stands that an outer join cannot make null; None: rows of a
    declaration, which are there."""
    match expression:
        case ColumnClause():
            return is_column_never_null(expression, among)
        case BindParameter():
            return is_value_never_null(expression)
        case Function(name="coalesce"):
            return any(is_never_null(clause, among) for clause in expression.clauses)
    parts = parts_of(expression)
    return bool(parts) and all(is_never_null(part, among) for part in parts)


def parts_of(expression: Any) -> tuple[Any, ...]:
    """Of an expression that is null only where one of these is; none: nothing is known of it."""
    match expression:
        case Label() | Grouping():
            return (expression.element,)
        case Cast() | TypeCoerce():
            return (expression.clause,)
        case BinaryExpression() if expression.operator in ARITHMETIC:
            return expression.left, expression.right
    return ()


def is_value_never_null(parameter: BindParameter[Any]) -> bool:
    if isinstance(parameter, Argument | Inlined):
        return False
    return isinstance(parameter, ContextValue) or parameter.value is not None


def is_column_never_null(column: ColumnClause[Any], among: frozenset[FromClause] | None) -> bool:
    if column.is_literal:
        return column.name.upper() != "NULL"
    return (among is None or column.table in among) and is_certain(column)


def is_certain(column: Any) -> bool:
    """Of a table, or of a select that cannot make it null."""
    rows = column.table
    match rows:
        case Table():
            return not column.nullable
        case Alias() if isinstance(rows.element, Table):
            return not column.nullable
        case Subquery() if isinstance(rows.element, Select):
            listed = rows.element.selected_columns.get(column.key)
            return listed is not None and is_never_null(listed, always_there(rows.element))
    return False


@cache
def keeps_promises(rows: FromClause, promised: FromClause) -> bool:
    """Whether rows that stand in for others have no column null that those never have. What they have of a parent is
    as certain as the parent's row."""
    if isinstance(rows, Table):
        return True
    query = getattr(rows, "element", None)
    if not isinstance(query, Select):
        return False
    among, listed = always_there(query).union(query._correlate), query.selected_columns
    return all(is_never_null(listed.get(c.key), among) for c in promised.c if is_never_null(c))


def always_there(query: Select[Any]) -> frozenset[FromClause]:
    """The rows of a select that no outer join leaves out; not those of a parent, of which it knows nothing."""
    found: set[FromClause] = set()
    for rows in query.get_final_froms():
        found |= kept_by_joins(rows)
    return frozenset(found.difference(query._correlate))


def kept_by_joins(rows: FromClause) -> set[FromClause]:
    if not isinstance(rows, Join):
        return {rows}
    if rows.full:
        return set()
    return kept_by_joins(rows.left) | (set() if rows.isouter else kept_by_joins(rows.right))
