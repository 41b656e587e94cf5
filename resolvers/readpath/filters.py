"""Filter inputs become conditions: which keys an input has is known while compiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import get_named_type, is_list_type, is_non_null_type
from sqlalchemy import Enum, Text, and_, exists, false, literal, not_, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from resolvers.readpath.builder import Scope, StatementBuilder, by_name
from resolvers.readpath.catalogue import rule_of
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.operation import Slot
from resolvers.readpath.sources import ByColumn, Compares, Condition, Group, Match, Reached, Related


@dataclass(frozen=True, slots=True)
class Frame:
    """What a filter speaks about: the rows, the field it stands at; of nested inputs also the column that
    operators compare, or the rows whose columns are named."""

    scope: Scope
    at: int
    column: Any = None
    rows: Any = None


def filter_condition(builder: StatementBuilder, type_: Any, value: Any, frame: Frame) -> Condition | None:
    """All given members must hold; None when none is given."""
    if value is None:
        return None
    conditions = [
        rule_condition(builder, field, value[name], frame)
        for name, field in get_named_type(type_).fields.items()
        if value.get(name) is not None
    ]
    return and_(*conditions) if conditions else None


def rule_condition(builder: StatementBuilder, field: Any, value: Any, frame: Frame) -> Condition:
    rule = rule_of(field)
    match rule:
        case Match():
            return match_condition(builder, rule, (field.type, value), frame)
        case Compares(column=column):
            inner = Frame(frame.scope, frame.at, builder.place(column, frame.scope))
            return or_true(filter_condition(builder, field.type, value, inner))
        case Group(kind=kind):
            return group_condition(builder, kind, (field.type, value), frame)
        case Related():
            return related_condition(builder, rule, (field.type, value), frame)
        case Reached():
            return reached_condition(builder, rule, (field.type, value), frame)
        case ByColumn(name=name, operator=operator):
            one = Match(None, operator)
            inner = Frame(frame.scope, frame.at, frame.rows.c[name])
            return match_condition(builder, one, (field.type, value), inner)


def match_condition(
    builder: StatementBuilder, rule: Match, given: tuple[Any, Any], frame: Frame
) -> Condition:
    type_, value = given
    column = frame.column if rule.column is None else builder.place(rule.column, frame.scope)
    bound = builder.bind(
        value,
        parameter_type(column.type, type_, value),
        by_name if isinstance(column.type, Enum) else id_reader(rule.id_prefix),
        at=frame.at,
        with_context=rule.stored,
    )
    condition: Condition = rule.operator(column, bound)
    return condition


def parameter_type(column_type: Any, graphql_type: Any, value: Any) -> Any:
    if isinstance(value, bool):
        return literal(value).type
    if not is_list_type(graphql_type.of_type if is_non_null_type(graphql_type) else graphql_type):
        return column_type
    return ARRAY(Text() if isinstance(column_type, Enum) else column_type)


def id_reader(prefix: str | None) -> Any:
    if prefix is None:
        return None

    def read(value: Any) -> Any:
        return [decode_id(v, prefix) for v in value] if isinstance(value, list) else decode_id(value, prefix)

    return read


def group_condition(builder: StatementBuilder, kind: str, given: tuple[Any, Any], frame: Frame) -> Condition:
    type_, value = given
    members = [] if isinstance(value, Slot) else value if isinstance(value, list) else [value]
    conditions = [or_true(filter_condition(builder, type_, member, frame)) for member in members]
    if kind == "not":
        return not_(or_false(conditions[0]))
    if kind == "any":
        return or_(false(), *conditions)
    return and_(true(), *conditions)


def related_condition(
    builder: StatementBuilder, rule: Related, given: tuple[Any, Any], frame: Frame
) -> Condition:
    type_, value = given
    rows = rule.rows.alias(builder.alias_name())
    inner = filter_condition(builder, type_, value, Frame({rule.rows: rows}, frame.at, rows=rows))
    on = builder.place(rule.on, {**frame.scope, rule.rows: rows})
    return exists(select(1).select_from(rows).where(on, or_true(inner)).correlate_except(rows))


def reached_condition(
    builder: StatementBuilder, rule: Reached, given: tuple[Any, Any], frame: Frame
) -> Condition:
    rows = rule.rows.alias(builder.alias_name())
    inner = match_condition(builder, rule.match, given, Frame({rule.rows: rows}, frame.at))
    on = builder.place(rule.on, {**frame.scope, rule.rows: rows})
    return exists(select(1).select_from(rows).where(on, inner).correlate_except(rows))


def or_true(condition: Condition | None) -> Condition:
    return true() if condition is None else condition


def or_false(condition: Condition) -> Condition:
    """An unknown test is false, so that its complement is true (rules.md: conditions)."""
    return condition.is_(True) if condition is not true() else condition
