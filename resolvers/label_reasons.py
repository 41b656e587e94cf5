"""Why a label holds: each test of its condition, read from the stored facts, tiers and labels given by hand."""

from collections.abc import Mapping
from typing import Any

import strawberry
from sqlalchemy import JSON, ColumnElement, Text, cast, func, select

from db import tables as t
from domain.calendar import microseconds
from domain.conditions.catalogue import used_facts
from domain.conditions.explanation import CustomerValues
from domain.labels.bits import reasons
from domain.labels.rules import LABELS
from resolvers.context import Context
from resolvers.facts import facts_as_json
from resolvers.facts_rows import facts_of_customers
from resolvers.live_moment import last_whole_day, live_as_of
from resolvers.tier_standings import held_tiers

RULES = {label.bit: label for label in LABELS}


@strawberry.type(
    description="One test of a condition, as read for one customer. Under a NOT the opposite is wanted."
)
class ConditionCheck:
    words: str = strawberry.field(description="What is tested, in English.")
    wanted: str = strawberry.field(description="What passes.")
    found: str | None = strawberry.field(description="What is there; null: unknown.")
    passed: bool = strawberry.field(description="Whether the test passes.")


def values_of(customer_id: ColumnElement[int], correlated: Any) -> ColumnElement[Any]:
    """Facts, category totals, tiers and labels by hand of one customer: one JSON object."""
    by_hand, days = t.manual_labels.c, t.category_days.c
    facts = select(facts_as_json(live_as_of)).where(facts_of_customers.c.customer_id == customer_id)
    tiers = select(func.json_object_agg(held_tiers.c.policy, held_tiers.c.tier)).where(
        held_tiers.c.customer_id == customer_id
    )
    labels = (
        select(func.json_agg(t.label_definitions.c.code))
        .select_from(t.manual_labels)
        .join(t.label_definitions, t.label_definitions.c.label_id == by_hand.label_id)
        .where(by_hand.customer_id == customer_id, by_hand.removed_at.is_(None))
        .where(func.coalesce(by_hand.expires_at > live_as_of, True))
    )
    totals = (
        select(
            days.category_id,
            func.json_build_array(func.sum(days.orders), func.sum(days.spend_cents)).label("totals"),
        )
        .where(days.customer_id == customer_id, days.day > last_whole_day - 180, days.day <= last_whole_day)
        .group_by(days.category_id)
        .correlate(correlated)
        .subquery("category_totals")
    )
    categories = select(func.json_object_agg(cast(totals.c.category_id, Text), totals.c.totals))
    parts = {"facts": facts, "tiers": tiers, "labels": labels, "categories": categories}
    pairs: list[Any] = []
    for name, query in parts.items():
        pairs += [name, query.correlate(correlated).scalar_subquery()]
    return func.json_build_object(*pairs, type_=JSON())


def label_reasons(context: Context, label_id: int, read: Mapping[str, Any]) -> list[ConditionCheck]:
    label = RULES.get(label_id)
    if label is None or label.condition is None:
        return []
    facts = {name: value_of(name, read) for name in used_facts(label.condition)}
    customer = CustomerValues(
        as_of_us=microseconds(context.shop.live_as_of),
        facts=facts,
        labels=read["labels"] or (),
        tiers=read["tiers"] or {},
    )
    return [
        ConditionCheck(words=check.words, wanted=check.wanted, found=check.found, passed=check.passed)
        for check in reasons(label, customer)
    ]


def value_of(name: str, read: Mapping[str, Any]) -> int | None:
    """`category_spend_180d[7]` is an element of the category totals; a category never bought is 0."""
    base, _, slot = name.partition("[")
    if not slot:
        value: int | None = read["facts"][base]
        return value
    orders, spend_cents = (read["categories"] or {}).get(slot.rstrip("]"), (0, 0))
    return int(orders if base == "category_orders_180d" else spend_cents)
