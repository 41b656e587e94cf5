"""Fields that lead to other rows: to one, to a short list, by a key from outside, by global ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType, get_named_type, is_non_null_type
from sqlalchemy import ARRAY, BigInteger, FromClause, Subquery, Text

from resolvers.readpath.builder import ROOT, Opened, Row, Selected, StatementBuilder
from resolvers.readpath.catalogue import entity_of, rule_of
from resolvers.readpath.columns import if_missing
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.dependencies import Join
from resolvers.readpath.failures import AMBIGUOUS, BadInput
from resolvers.readpath.filters import Frame, filter_condition
from resolvers.readpath.jsontext import NULL, VIOLATION, Json, case_when, joined, json_array
from resolvers.readpath.operation import Slot, id_prefix
from resolvers.readpath.sources import Condition, Entity, Lookup, Many, Match, One
from resolvers.readpath.sql import Sql, quoted, where

MAXIMUM_IDS = 100
TOO_MANY_IDS = "At most 100 ids at once."


def print_one(builder: StatementBuilder, row: Row, selected: Selected, source: One) -> Json:
    stand_in = given_rows(source, selected)
    join = Join(source.on, to_one=stand_in is None)
    tied = source.rows if stand_in is None else stand_in
    opened = builder.open_rows(selected.target, row, selected, declared=tied, joined_by=join)
    if source.on is not None and tied is None:
        opened.conditions.append(related(builder, source.on, row, opened, selected))
    return print_single(builder, opened, selected.target, selected.nodes, if_missing(selected.field))


def given_rows(source: One, selected: Selected) -> Subquery | None:
    """The rows that stand in because their argument is given; they are tied to the parent themselves."""
    return next((r for name, r in source.given.items() if selected.arguments.get(name) is not None), None)


def related(
    builder: StatementBuilder, on: Condition, row: Row, opened: Opened, selected: Selected | None = None
) -> str:
    """The join condition; where an entity refers to itself the declaration names an alias of its rows."""
    entity = cast(Entity, opened.row.entity)
    child = child_rows(on, row.entity, entity)
    standing = opened.row.scope[entity.rows]
    return builder.place(on, {**row.scope, child: standing}, selected).operand


def child_rows(on: Condition, parent: Entity | None, target: Entity) -> FromClause:
    mentioned: list[FromClause] = list(cast(Any, on)._from_objects)
    for rows in mentioned:
        if rows is target.rows and not (parent is not None and parent.rows is rows):
            return rows
        if getattr(rows, "element", None) is target.rows:
            return rows
    raise TypeError("the join condition does not mention the rows of the target")


def print_single(
    builder: StatementBuilder,
    opened: Opened,
    target: GraphQLObjectType,
    nodes: Sequence[FieldNode],
    missing: str,
) -> Json:
    """LIMIT 1: a second row would make PostgreSQL refuse the whole statement."""
    body = opened.row.joined(builder.print_object(builder, target, opened.row, nodes))
    query = f"SELECT {body} FROM {opened.source}{where(opened.conditions)} LIMIT 1"
    return [Sql(f"coalesce(({query}), {quoted(missing)})", is_not_null=True)]


def print_many(builder: StatementBuilder, row: Row, selected: Selected, source: Many) -> Json:
    opened = builder.open_rows(selected.target, row, selected, joined_by=Join(source.on))
    if source.on is not None:
        opened.conditions.append(related(builder, source.on, row, opened, selected))
    one_of_many = replace(opened.row, is_repeated=True)
    item = builder.print_object(builder, selected.target, one_of_many, selected.nodes)
    order = [builder.place(term, opened.row.scope).text for term in source.order_by]
    body = joined(json_array(item, order)).text
    return [Sql(f"(SELECT {body} FROM {opened.source}{where(opened.conditions)})")]


def print_lookup(builder: StatementBuilder, row: Row, selected: Selected, source: Lookup) -> Json:  # noqa: ARG001
    by, by_type = selected.arguments["by"], selected.field.args["by"].type
    given = [name for name, value in by.items() if value is not None]
    if len(given) != 1:
        raise BadInput(selected.at, "Give exactly one of the keys of `by`.")
    entity = entity_of(selected.target)
    rule = rule_of(cast(Any, get_named_type(by_type)).fields[given[0]])
    is_named = isinstance(rule, Match) and rule.column is entity.key and names_customers(entity)
    if is_named:
        builder.name_customers(by[given[0]], lambda value: [decode_id(value, str(entity.id_prefix))])
    opened = builder.open_rows(selected.target, ROOT, selected, joined_by=Join(is_named=is_named))
    condition = filter_condition(builder, by_type, by, Frame(opened.row.scope, selected.at))
    opened.conditions.append(cast(str, condition))
    found = print_single(builder, opened, selected.target, selected.nodes, if_missing(selected.field))
    if is_unique(rule, entity):
        return found
    two = f"SELECT 1 FROM {opened.source}{where(opened.conditions)} LIMIT 2"
    rows = f"(SELECT count(*) FROM ({two}) AS {builder.alias_name()})"
    return [case_when(f"{rows} > 1", joined(builder.failure(AMBIGUOUS)).text, joined(found).text)]


def names_customers(entity: Entity) -> bool:
    """Whether the key of these rows is the customer's own id."""
    return entity.key is not None and entity.scope is entity.key


def is_unique(rule: Any, entity: Entity) -> bool:
    if not isinstance(rule, Match) or rule.column is None:
        return False
    return rule.column is entity.key or getattr(rule.column, "unique", None) is True


def print_by_global_id(builder: StatementBuilder, selected: Selected) -> Json:
    """One table, not all: which type the id names is part of the plan's shape."""
    value = selected.arguments["id"]
    prefixes = sorted(value.id_prefixes) if isinstance(value, Slot) else [id_prefix(value)]
    found = [node for prefix in prefixes if (node := node_by(builder, prefix)) is not None]
    if not found:
        return NULL
    target, entity = found[0]
    if names_customers(entity):
        builder.name_customers(value, lambda value: [decode_id(value, str(entity.id_prefix))])
    key = builder.bind(value, BigInteger(), decoder(str(entity.id_prefix)), at=selected.at)
    return node_json(builder, target, key.text, selected.nodes)


def node_by(builder: StatementBuilder, prefix: str) -> tuple[GraphQLObjectType, Entity] | None:
    """None for an unknown prefix and for a type this role may not use: both answer alike."""
    target = builder.catalogue.by_prefix.get(prefix)
    entity = entity_of(target) if target else None
    return (target, entity) if target and entity and builder.role in entity.roles else None


def node_json(builder: StatementBuilder, target: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Json:
    entity = entity_of(target)
    opened = builder.open_rows(target, ROOT, joined_by=Join(is_named=names_customers(entity)))
    own_key = builder.place(entity.key, opened.row.scope)
    opened.conditions.append(f"{own_key.operand} = {key}")
    return print_single(builder, opened, target, nodes, "null")


def decoder(prefix: str) -> Any:
    return lambda value: decode_id(value, prefix)


def print_by_global_ids(builder: StatementBuilder, selected: Selected) -> Json:
    """The ids as a table of (type, key), in their order; each row prints the object it names."""
    value = selected.arguments["ids"]
    builder.check(value, at_most_a_hundred, selected.at)
    prefixes = named_types(value)
    builder.name_customers(value, partial(keys_of_customers, builder))
    kinds = builder.bind(value, ARRAY(Text()), prefixes_of)
    keys = builder.bind(value, ARRAY(BigInteger()), keys_of)
    alias = builder.alias_name()
    rows = f"unnest({kinds.text}, {keys.text}) WITH ORDINALITY AS {alias}(kind, key, position)"
    branches = [
        (prefix, joined(node_json(builder, node[0], f"{alias}.key", selected.nodes)).text)
        for prefix in sorted(prefixes)
        if (node := node_by(builder, prefix)) is not None
    ]
    missing = quoted(VIOLATION if is_non_null_type(list_item(selected.field.type)) else "null")
    whens = "".join(f" WHEN {alias}.kind = {quoted(prefix)} THEN {text}" for prefix, text in branches)
    item = Sql(f"CASE{whens} ELSE {missing} END" if branches else missing)
    return [Sql(f"(SELECT {joined(json_array([item], [f'{alias}.position'])).text} FROM {rows})")]


def list_item(type_: GraphQLOutputType) -> Any:
    inner: Any = type_.of_type if is_non_null_type(type_) else type_
    return inner.of_type


def named_types(value: Any) -> frozenset[str]:
    """Known while compiling: the types in a literal list, or those of the variables in it."""
    if isinstance(value, Slot):
        return value.id_prefixes
    found = (v.id_prefixes if isinstance(v, Slot) else frozenset({id_prefix(v)}) for v in value)
    return frozenset().union(*found)


def at_most_a_hundred(ids: list[Any]) -> None:
    if len(ids) > MAXIMUM_IDS:
        raise ValueError(TOO_MANY_IDS)


def prefixes_of(ids: list[Any]) -> list[str]:
    """Empty for what is not an id: its text might hold what PostgreSQL cannot."""
    return [id_prefix(i) if decode_id(i, id_prefix(i)) is not None else "" for i in ids]


def keys_of_customers(builder: StatementBuilder, ids: list[Any]) -> list[int | None]:
    return [decode_id(i, p) for i in ids if (p := id_prefix(i)) and is_customer_id(builder, p)]


def is_customer_id(builder: StatementBuilder, prefix: str) -> bool:
    target = builder.catalogue.by_prefix.get(prefix)
    return target is not None and names_customers(entity_of(target))


def keys_of(ids: list[Any]) -> list[int | None]:
    return [decode_id(i, id_prefix(i)) for i in ids]
