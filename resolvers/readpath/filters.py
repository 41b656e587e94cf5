"""Filter inputs become conditions: which keys an input has is known while compiling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import get_named_type, is_list_type, is_non_null_type
from sqlalchemy import Enum, Text, literal
from sqlalchemy.dialects.postgresql import ARRAY

from resolvers.readpath.builder import ROOT, Scope, StatementBuilder
from resolvers.readpath.catalogue import rule_of
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.given_values import by_name
from resolvers.readpath.operation import Slot
from resolvers.readpath.sources import ByColumn, Compares, Group, Match, Reached, Related
from resolvers.readpath.sql import Standing


@dataclass(frozen=True, slots=True)
class Frame:
    """What a filter speaks about: the rows, the field it stands at; of nested inputs also the column that
    operators compare, or the rows whose columns are named. Columns and rows as they are declared."""

    scope: Scope
    at: int
    column: Any = None
    rows: Any = None


def filter_condition(builder: StatementBuilder, type_: Any, value: Any, frame: Frame) -> str | None:
    """All given members must hold; None when none is given."""
    if value is None:
        return None
    conditions = [
        rule_condition(builder, field, value[name], frame)
        for name, field in get_named_type(type_).fields.items()
        if value.get(name) is not None
    ]
    return every(conditions) if conditions else None


def rule_condition(builder: StatementBuilder, field: Any, value: Any, frame: Frame) -> str:
    rule = rule_of(field)
    match rule:
        case Match():
            return match_condition(builder, rule, (field.type, value), frame)
        case Compares(column=column):
            return or_true(filter_condition(builder, field.type, value, Frame(frame.scope, frame.at, column)))
        case Group(kind=kind):
            return group_condition(builder, kind, (field.type, value), frame)
        case Related():
            return related_condition(builder, rule, (field.type, value), frame)
        case Reached():
            return reached_condition(builder, rule, (field.type, value), frame)
        case ByColumn(name=name, operator=operator):
            inner = Frame(frame.scope, frame.at, frame.rows.c[name])
            return match_condition(builder, Match(None, operator), (field.type, value), inner)


def match_condition(builder: StatementBuilder, rule: Match, given: tuple[Any, Any], frame: Frame) -> str:
    type_, value = given
    column = frame.column if rule.column is None else rule.column
    wanted = parameter_type(column.type, type_, value)
    bound = builder.bind(
        value,
        wanted,
        by_name if isinstance(column.type, Enum) else id_reader(rule.id_prefix),
        at=frame.at,
        with_context=rule.stored,
    )
    test = builder.catalogue.templates.comparison(rule.operator, column, wanted)
    return builder.place(test, frame.scope, compared_with=bound).operand


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


def group_condition(builder: StatementBuilder, kind: str, given: tuple[Any, Any], frame: Frame) -> str:
    type_, value = given
    members = [] if isinstance(value, Slot) else value if isinstance(value, list) else [value]
    conditions = [or_true(filter_condition(builder, type_, member, frame)) for member in members]
    if kind == "not":
        return f"(({conditions[0]}) IS NOT TRUE)"  # an unknown test is false, so that its complement is true
    if kind == "any":
        return f"({' OR '.join(conditions)})" if conditions else "false"
    return every(conditions)


def related_condition(builder: StatementBuilder, rule: Related, given: tuple[Any, Any], frame: Frame) -> str:
    type_, value = given
    return some_row(
        builder, rule, frame, lambda inner: or_true(filter_condition(builder, type_, value, inner))
    )


def reached_condition(builder: StatementBuilder, rule: Reached, given: tuple[Any, Any], frame: Frame) -> str:
    return some_row(builder, rule, frame, lambda inner: match_condition(builder, rule.match, given, inner))


def some_row(
    builder: StatementBuilder, rule: Related | Reached, frame: Frame, condition: Callable[[Frame], str]
) -> str:
    builder.reads.any_customer = True
    alias = builder.alias_name()
    scope = {rule.rows: Standing(alias)}
    source = builder.rows_as(rule.rows, alias, (ROOT, None))
    on = builder.place(rule.on, {**frame.scope, **scope}).operand
    return (
        f"EXISTS (SELECT 1 FROM {source} WHERE {on} AND {condition(Frame(scope, frame.at, rows=rule.rows))})"
    )


def every(conditions: list[str]) -> str:
    return f"({' AND '.join(conditions)})" if conditions else "true"


def or_true(condition: str | None) -> str:
    return "true" if condition is None else condition
