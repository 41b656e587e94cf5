"""Alerts: what somebody should look at, who does, and the rules that raise them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import eq
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import Numeric, Text, func, literal_column, select, true, type_coerce
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import array
from strawberry import ID

from db import tables as t
from domain.privacy.viewer import Role
from domain.watching import rules
from domain.watching.alert import AlertKind, AlertSeverity, AlertStatus, words_of
from resolvers.access import STAFF
from resolvers.context import Context
from resolvers.orders import DateTimeFilter
from resolvers.readpath.declare import column, compares, computed, entity, global_id, matches, one
from resolvers.readpath.expressions import coded, event_cursor, is_in
from resolvers.readpath.relay import Node
from resolvers.readpath.sources import SHARED
from resolvers.tier_policies import Tier, TierPolicy, tiers_of_policies

if TYPE_CHECKING:
    from resolvers.customers import Customer

strawberry.enum(AlertKind, description="What is wrong. May grow.")
strawberry.enum(AlertSeverity, description="How much it matters.")
strawberry.enum(AlertStatus, description="Whether somebody sees to it.")
alert = t.alerts.c
RULE_READERS = (Role.ANALYST, Role.OPERATOR)


def words(
    context: Context, kind: str, version_id: int | None, rank: int | None, observed: Decimal | None
) -> str:
    version = context.shop.versions.get(version_id) if version_id is not None else None
    ladder = version.rule.tiers if version else ()
    name = next((tier.name.zh for tier in ladder if tier.rank == rank), "")
    return words_of(AlertKind(kind), name, observed)


@entity(t.alerts, roles=STAFF, scope=SHARED, key=alert.alert_id, id_prefix="alt")
class Alert(Node):
    """What somebody should look at; raised once for its kind, subject and period. [S0-10, S4-15]"""

    id: ID = global_id(alert.alert_id)
    cursor: str = column(event_cursor(alert.alert_id), "Pass it as `after` to continue behind this event.")
    kind: AlertKind = column(coded(alert.kind, AlertKind), "What is wrong.")
    severity: AlertSeverity = column(coded(alert.severity, AlertSeverity), "How much it matters.")
    status: AlertStatus = column(coded(alert.status, AlertStatus), "Whether somebody sees to it.")
    words: str = computed(
        words, alert.kind, alert.version_id, alert.rank, alert.observed, about="In one sentence, in Chinese."
    )
    policy: TierPolicy = one("Under which policy.", on=t.tier_policies.c.policy_id == alert.policy_id)
    tier: Tier | None = one(
        "Which tier; null: the whole policy.",
        on=(tiers_of_policies.c.version_id == alert.version_id) & (tiers_of_policies.c.rank == alert.rank),
    )
    customer: Annotated[Customer, strawberry.lazy("resolvers.customers")] | None = one(
        "Whom it is about; null: the policy.", on=t.customers.c.customer_id == alert.customer_id
    )
    observed: Decimal | None = column(
        type_coerce(alert.observed, Numeric(12, 6)),
        "What was found: a share, 0..1, or the stability index; null: nothing is counted.",
    )
    expected: Decimal | None = column(
        type_coerce(alert.expected, Numeric(12, 6)), "What it should be at most, or nearest to."
    )
    period: str = column(alert.period, "It is not raised twice in it: a month, or the day a silence began.")
    as_of: datetime = column(alert.as_of, "The moment it holds for.")
    raised_at: datetime = column(alert.raised_at, "When it was raised.")
    acknowledged_at: datetime | None = column(alert.acknowledged_at, "Null: nobody sees to it yet.")
    acknowledged_by: str | None = column(alert.acknowledged_by, "As their token names them.")
    resolved_at: datetime | None = column(alert.resolved_at, "Null: not yet.")
    resolved_by: str | None = column(alert.resolved_by, "As their token names them.")
    note: str | None = column(alert.note, "What became of it.")


@strawberry.input(description="Which alerts. All given members must hold.")
class AlertFilter:
    kinds: list[AlertKind] | None = matches(coded(alert.kind, AlertKind), is_in, "One of these.")
    status: list[AlertStatus] | None = matches(coded(alert.status, AlertStatus), is_in, "One of these.")
    severity: list[AlertSeverity] | None = matches(
        coded(alert.severity, AlertSeverity), is_in, "One of these."
    )
    customer: ID | None = matches(alert.customer_id, eq, "About this customer.", id_prefix="cus")
    raised_at: DateTimeFilter | None = compares(alert.raised_at, "When it was raised.")


versions = t.tier_policy_versions.alias("versions_that_watch")
kinds = (
    func.unnest(array([literal_column(f"'{kind.value}'", Text) for kind in AlertKind]))
    .table_valued(sql_column("kind", Text), with_ordinality="place", name="kinds")
    .render_derived()
)
alert_rules = (
    select(versions.c.policy_id, versions.c.version_id, kinds.c.kind, kinds.c.place)
    .select_from(versions.join(kinds, true()))
    .where(versions.c.status == "ACTIVE")
    .subquery("alert_rules")
)


def rule_of(context: Context, kind: str, version_id: int) -> rules.AlertRule:
    return rules.alert_rules(context.rule(version_id))[AlertKind(kind)]


def rule_words(context: Context, kind: str, version_id: int) -> str:
    return rule_of(context, kind, version_id).words


def rule_threshold(context: Context, kind: str, version_id: int) -> Decimal | None:
    return rule_of(context, kind, version_id).threshold


def rule_unit(context: Context, kind: str, version_id: int) -> str:
    return rule_of(context, kind, version_id).unit


def rule_is_on(context: Context, kind: str, version_id: int) -> bool:
    return rule_of(context, kind, version_id).is_on


@entity(alert_rules, roles=RULE_READERS, scope=SHARED)
class AlertRule:
    """When an alert of a kind is raised under a policy in force. [S0-10, S0-18, S4-15]"""

    policy: TierPolicy = one("Which policy.", on=t.tier_policies.c.policy_id == alert_rules.c.policy_id)
    kind: AlertKind = column(coded(alert_rules.c.kind, AlertKind), "What is raised.")
    words: str = computed(rule_words, alert_rules.c.kind, alert_rules.c.version_id, about="When, in Chinese.")
    threshold: Decimal | None = computed(
        rule_threshold,
        alert_rules.c.kind,
        alert_rules.c.version_id,
        about="The figure past which, or from which on, it is raised; null: the policy names none.",
    )
    unit: str = computed(
        rule_unit,
        alert_rules.c.kind,
        alert_rules.c.version_id,
        about="Of the threshold: share (0..1), index, days, downgrades, reviews.",
    )
    active: bool = computed(
        rule_is_on,
        alert_rules.c.kind,
        alert_rules.c.version_id,
        about="False: nothing in the policy raises it.",
    )
