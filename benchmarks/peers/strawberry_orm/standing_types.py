"""Facts, tiers and labels."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from benchmarks.peers.strawberry_orm import models as m
from benchmarks.peers.strawberry_orm.context import amount
from benchmarks.peers.strawberry_orm.loaders import HeldLabel
from domain.tiers.transition import TierReason, TransitionKind

for kind in (TierReason, TransitionKind):
    strawberry.enum(kind)
AMOUNTS = (
    *("spend_7d", "spend_30d", "spend_90d", "spend_180d", "spend_365d", "spend_all_time"),
    *("biggest_order_90d", "line_spend_90d", "high_margin_spend_90d"),
)
COUNTS = (
    *("orders_7d", "orders_30d", "orders_90d", "orders_180d", "orders_365d", "orders_all_time"),
    *("online_orders_90d", "refunded_orders_90d", "referrals", "first_order_at", "last_order_at"),
)


@strawberry.type
class LabelDefinition:
    code: str
    words: str
    family: str


@strawberry.type
class Label:
    definition: LabelDefinition
    entered_at: datetime


@strawberry.type
class TierPolicy:
    code: str
    name: str


@strawberry.type
class Tier:
    code: str
    name: str
    rank: int
    threshold: Decimal | None


@strawberry.type
class TierStanding:
    policy: TierPolicy
    tier: Tier | None
    since: datetime
    reason: TierReason


@strawberry.type
class TierTransition:
    kind: TransitionKind = strawberry.field()
    from_: Tier | None = strawberry.field(name="from")
    to: Tier | None
    reason: TierReason
    score: Decimal | None
    decided_at: datetime


@strawberry.type
class TierTransitionConnection:
    nodes: list[TierTransition]


@strawberry.type
class Facts:
    as_of: datetime
    orders_7d: int
    orders_30d: int
    orders_90d: int
    orders_180d: int
    orders_365d: int
    orders_all_time: int
    spend_7d: Decimal
    spend_30d: Decimal
    spend_90d: Decimal
    spend_180d: Decimal
    spend_365d: Decimal
    spend_all_time: Decimal
    biggest_order_90d: Decimal
    line_spend_90d: Decimal
    high_margin_spend_90d: Decimal
    online_orders_90d: int
    refunded_orders_90d: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    referrals: int


def as_tier(row: m.Tier | None) -> Tier | None:
    if row is None:
        return None
    return Tier(code=row.code, name=row.name, rank=row.rank, threshold=in_digits(row.threshold))


def in_digits(value: Decimal | None) -> Decimal | None:
    """20000, where the driver reads 2E+4."""
    return None if value is None else Decimal(f"{value:f}")


def as_transition(row: m.TierTransition) -> TierTransition:
    return TierTransition(
        kind=TransitionKind(row.kind),
        from_=as_tier(row.from_tier),
        to=as_tier(row.to_tier),
        reason=TierReason(row.reason),
        score=in_digits(row.score),
        decided_at=row.decided_at,
    )


def as_label(held: HeldLabel) -> Label:
    found = held.definition
    definition = LabelDefinition(code=found.code, words=found.words_zh, family=found.family)
    return Label(definition=definition, entered_at=held.entered_at)


def as_standing(row: m.TierStanding) -> TierStanding:
    return TierStanding(
        policy=TierPolicy(code=row.policy.code, name=row.policy.name),
        tier=as_tier(row.tier),
        since=row.since,
        reason=TierReason(row.reason),
    )


def as_facts(row: m.CustomerFacts, as_of: datetime) -> Facts:
    amounts: dict[str, Any] = {name: amount(getattr(row, name)) for name in AMOUNTS}
    counts: dict[str, Any] = {name: getattr(row, name) for name in COUNTS}
    return Facts(as_of=as_of, **amounts, **counts)
