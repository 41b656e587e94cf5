"""On whose data an answer depends: found while an operation is compiled, told to whoever keeps answers.

An answer depends on customers by name (each is marked in its text, also one that was asked for and not found), or
on any customer at all. The second is what holds unless the first can be shown: rows are accounted for when they
belong to nobody, or when the join ties their owner to the owner of the row above, or when it names one customer.
The rows of an entity with a scope must therefore be made of that customer's rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, ColumnClause
from sqlalchemy.sql.selectable import Alias
from sqlalchemy.sql.visitors import iterate

from resolvers.readpath.sources import Condition, Entity, RowScope

OWNER = "customer_id"


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a whole answer depends on, besides what everybody's answers do.

    `asked_of`: customers about whom the graph was asked, which follows later than the rows do.
    """

    customers: frozenset[int]
    any_customer: bool
    asked_of: frozenset[int]


@dataclass(frozen=True, slots=True)
class Join:
    """How rows come to stand in an answer."""

    on: Condition | None = None
    to_one: bool = False
    is_named: bool = False
    """Chosen by the key of a customer that the client gave."""


APART = Join()


@dataclass(slots=True)
class Reads:
    """What one answer depends on, so far. `viewer`: on who asks, beyond their rights."""

    any_customer: bool = False
    viewer: bool = False

    def account_for(self, entity: Entity, parent: Entity | None, join: Join) -> bool:
        """Notes on whose data these rows depend; whether their owner must be marked in the text."""
        self.note(join.on, parent)
        if join.is_named or belongs_to_nobody(entity) or is_of_parents_owner(join.on, entity, parent):
            return False
        is_one = join.to_one and is_one_customer(join.on, entity, parent)
        self.any_customer |= not is_one
        return is_one

    def note(self, expression: Any, parent: Entity | None) -> None:
        """An expression over the parent's row; it may look at other customers as well."""
        if expression is None or self.any_customer or isinstance(expression, ColumnClause):
            return
        self.any_customer = reads_others(expression, parent)


def is_of_parents_owner(on: Condition | None, target: Entity, parent: Entity | None) -> bool:
    """Whether the join says that the rows belong to whom the parent row belongs to."""
    if on is None or parent is None:
        return False
    if target.scope is RowScope.WITHIN_PARENT:
        return True
    owners = (target.scope, parent.scope)
    return any(is_pair(equal, owners) for equal in equalities(on))


def is_one_customer(on: Condition | None, target: Entity, parent: Entity | None) -> bool:
    """Whether the join names the one customer whose row it is, by what the row above knows."""
    if on is None or target.key is None or target.scope is not target.key:
        return False
    return any(
        is_told(other, parent)
        for equal in equalities(on)
        for own, other in ((equal.left, equal.right), (equal.right, equal.left))
        if getattr(own, "name", None) == getattr(target.key, "name", "")
    )


def is_told(expression: Any, parent: Entity | None) -> bool:
    """Whether a value follows from the parent's row and what belongs to its owner."""
    return parent is not None and not reads_others(expression, parent)


def reads_others(expression: Any, parent: Entity | None) -> bool:
    """Whether an expression looks into rows of customers other than the parent's owner."""
    selects = [element for element in iterate(expression) if isinstance(element, Select)]
    owned = [rows for select in selects for rows in owned_rows(select, parent)]
    if parent is not None:
        owned.append(parent.rows)
    return any(all(rows is not one for one in owned) for rows in tables_of_customers(expression))


def owned_rows(select: Select[Any], parent: Entity | None) -> Iterator[FromClause]:
    """Rows in a select whose owner its WHERE ties to the parent's."""
    if select.whereclause is None or parent is None:
        return
    for equal in equalities(select.whereclause):
        for own, other in ((equal.left, equal.right), (equal.right, equal.left)):
            if other is parent.scope and getattr(own, "name", None) == OWNER:
                yield getattr(own, "table", None)  # type: ignore[misc]


def belongs_to_nobody(entity: Entity) -> bool:
    """Declared so, and made of nothing that belongs to customers."""
    return entity.scope is RowScope.SHARED and next(tables_of_customers(entity.rows), None) is None


def tables_of_customers(expression: Any) -> Iterator[FromClause]:
    for element in iterate(expression):
        if isinstance(element, Table | Alias) and OWNER in element.c:
            yield element


def equalities(condition: Condition | ColumnElement[Any]) -> Iterator[BinaryExpression[Any]]:
    """The equations that all must hold."""
    match condition:
        case BinaryExpression(operator=operators.eq):
            yield condition
        case BooleanClauseList(operator=operators.and_):
            for clause in condition.clauses:
                yield from equalities(clause)


def is_pair(equal: BinaryExpression[Any], pair: tuple[Any, Any]) -> bool:
    left, right = equal.left, equal.right
    return (left is pair[0] and right is pair[1]) or (left is pair[1] and right is pair[0])
