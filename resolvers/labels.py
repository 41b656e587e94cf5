"""Labels: their definitions, and who holds them since when and why."""

from datetime import datetime
from operator import eq
from typing import Any

import strawberry
from sqlalchemy import func, literal_column, select
from strawberry import ID

from db import tables as t
from domain.labels.rule import LabelKind, LabelRefresh, PrivacyClass
from resolvers.access import STAFF_AND_CUSTOMERS, STAFF_AND_PARTNERS
from resolvers.label_reasons import ConditionCheck, label_reasons, values_of
from resolvers.readpath.declare import column, computed, embed, entity, global_id
from resolvers.readpath.expressions import coded
from resolvers.readpath.filter_inputs import reached
from resolvers.readpath.relay import Node
from resolvers.readpath.sources import SHARED
from resolvers.words import stored_words

strawberry.enum(LabelKind, description="How a label comes about.")
strawberry.enum(LabelRefresh, description="When a label is decided again.")
strawberry.enum(PrivacyClass, description="How sensitive a label is.")


@entity(
    t.label_definitions,
    roles=(*STAFF_AND_PARTNERS, *STAFF_AND_CUSTOMERS),
    scope=SHARED,
    key=t.label_definitions.c.label_id,
    id_prefix="lde",
)
class LabelDefinition(Node):
    """What a label says, and how it is decided. [S1-8]"""

    id: ID = global_id(t.label_definitions.c.label_id)
    code: str = column(t.label_definitions.c.code, "Its stable code.")
    words: str = column(
        stored_words(t.label_definitions.c.words_zh, t.label_definitions.c.words_en),
        "What it says of a customer.",
    )
    family: str = column(t.label_definitions.c.family, "The family it belongs to.")
    kind: LabelKind = column(coded(t.label_definitions.c.kind, LabelKind), "How it comes about.")
    unit: str | None = column(t.label_definitions.c.unit, "Unit of what it measures; null: none.")
    window_days: int | None = column(t.label_definitions.c.window_days, "Days it looks back; null: none.")
    refresh: LabelRefresh = column(
        coded(t.label_definitions.c.refresh, LabelRefresh), "When it is decided again."
    )
    sensitivity: PrivacyClass = column(
        coded(t.label_definitions.c.sensitivity, PrivacyClass), "How sensitive it is."
    )
    owner: str = column(t.label_definitions.c.owner, "Who answers for it.")
    retired_at: datetime | None = column(t.label_definitions.c.retired_at, "Null: in use.")


def last_entered() -> Any:
    """When a customer entered each label last, of those they ever entered by a change."""
    change = t.label_changes.c
    return (
        select(change.label_id, func.max(change.changed_at).label("at"))
        .where(change.customer_id == t.customer_standings.c.customer_id, change.entered)
        .group_by(change.label_id)
        .lateral("last_entered")
    )


def held_labels() -> Any:
    """One row for each label a customer holds: from the bit set, with its definition and the last time they entered
    it: one range of the changes answers for all labels, and none is read where nobody asks for that time."""
    standing, definition, entered = t.customer_standings.c, t.label_definitions.c, last_entered()
    by_hand = (
        select(t.manual_labels.c.expires_at)
        .where(
            t.manual_labels.c.customer_id == standing.customer_id,
            t.manual_labels.c.label_id == definition.label_id,
            t.manual_labels.c.removed_at.is_(None),
        )
        .order_by(t.manual_labels.c.given_at.desc())
        .limit(1)
        .correlate(t.customer_standings, t.label_definitions)
        .scalar_subquery()
    )
    return (
        select(
            standing.customer_id,
            *definition,
            func.coalesce(entered.c.at, standing.loaded_at).label("entered_at"),
            by_hand.label("expires_at"),
            values_of(standing.customer_id, t.customer_standings).label("read"),
        )
        .join_from(
            t.customer_standings,
            t.label_definitions,
            func.get_bit(standing.label_bits, definition.label_id) == literal_column("1"),
        )
        .outerjoin(entered, entered.c.label_id == definition.label_id)
        .subquery("held_labels")
    )


labels_of_customers = held_labels()


@entity(labels_of_customers, roles=STAFF_AND_CUSTOMERS, scope=labels_of_customers.c.customer_id)
class Label:
    """One definition held by one customer."""

    definition: LabelDefinition = embed(LabelDefinition, "Which label.")
    reasons: list[ConditionCheck] = computed(
        label_reasons,
        labels_of_customers.c.label_id,
        labels_of_customers.c.read,
        about="Each test of its condition, now; empty where it was given by hand. [C7]",
    )
    entered_at: datetime = column(
        labels_of_customers.c.entered_at, "Held since; from before the first load: the time of the load."
    )
    expires_at: datetime | None = column(
        labels_of_customers.c.expires_at,
        "When a label given by hand ends; null: it does not, or is computed.",
    )


@strawberry.input(description="A label that is held now.")
class LabelFilter:
    code: str = reached(
        t.label_definitions,
        t.label_definitions.c.label_id == labels_of_customers.c.label_id,
        t.label_definitions.c.code,
        eq,
        "Its code.",
    )
