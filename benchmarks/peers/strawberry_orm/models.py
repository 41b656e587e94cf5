"""The ORM's view of our tables: mapped classes, and the relations that the loaders read along."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from db import tables as t


class Model(DeclarativeBase):
    metadata = t.metadata


class Shop(Model):
    __table__ = t.shop
    currency_code: Mapped[str]
    live_as_of: Mapped[datetime]


class Customer(Model):
    __table__ = t.customers
    customer_id: Mapped[int]
    registered_at: Mapped[datetime]
    kind: Mapped[str]
    city: Mapped[str | None]
    registration_channel: Mapped[str | None]
    community_id: Mapped[int | None]
    data_key: Mapped[bytes | None]
    name: Mapped[bytes | None]
    phone: Mapped[bytes | None]
    email: Mapped[bytes | None]


class CustomerFacts(Model):
    __table__ = t.customer_facts


class Tier(Model):
    __table__ = t.tiers
    code: Mapped[str]
    name: Mapped[str]
    rank: Mapped[int]
    threshold: Mapped[Decimal | None]


class TierPolicy(Model):
    __table__ = t.tier_policies
    code: Mapped[str]
    name: Mapped[str]


class TierStanding(Model):
    __table__ = t.tier_standings
    customer_id: Mapped[int]
    since: Mapped[datetime]
    reason: Mapped[str]
    policy: Mapped[TierPolicy] = relationship(
        primaryjoin=t.tier_standings.c.policy_id == t.tier_policies.c.policy_id,
        foreign_keys=[t.tier_standings.c.policy_id],
        viewonly=True,
    )
    tier: Mapped[Tier | None] = relationship(
        primaryjoin=(t.tier_standings.c.version_id == t.tiers.c.version_id)
        & (t.tier_standings.c.rank == t.tiers.c.rank),
        foreign_keys=[t.tier_standings.c.version_id, t.tier_standings.c.rank],
        viewonly=True,
    )


class TierTransition(Model):
    __table__ = t.tier_transitions
    customer_id: Mapped[int]
    transition_id: Mapped[int]
    kind: Mapped[str]
    reason: Mapped[str]
    score: Mapped[Decimal | None]
    decided_at: Mapped[datetime]
    from_tier: Mapped[Tier | None] = relationship(
        primaryjoin=(t.tier_transitions.c.version_id == t.tiers.c.version_id)
        & (t.tier_transitions.c.from_rank == t.tiers.c.rank),
        foreign_keys=[t.tier_transitions.c.version_id, t.tier_transitions.c.from_rank],
        viewonly=True,
    )
    to_tier: Mapped[Tier | None] = relationship(
        primaryjoin=(t.tier_transitions.c.version_id == t.tiers.c.version_id)
        & (t.tier_transitions.c.to_rank == t.tiers.c.rank),
        foreign_keys=[t.tier_transitions.c.version_id, t.tier_transitions.c.to_rank],
        viewonly=True,
    )


class CustomerStanding(Model):
    __table__ = t.customer_standings
    customer_id: Mapped[int]
    label_bits: Mapped[bytes]
    loaded_at: Mapped[datetime]


class LabelDefinition(Model):
    __table__ = t.label_definitions
    label_id: Mapped[int]
    code: Mapped[str]
    words_zh: Mapped[str]
    family: Mapped[str]


class LabelChange(Model):
    __table__ = t.label_changes
    customer_id: Mapped[int]
    label_id: Mapped[int]
    entered: Mapped[bool]
    changed_at: Mapped[datetime]


class Order(Model):
    __table__ = t.orders
    customer_id: Mapped[int]
    order_id: Mapped[int]
    placed_at: Mapped[datetime]
    status: Mapped[int]
    channel: Mapped[int]
    net_cents: Mapped[int]


class Product(Model):
    __table__ = t.products
    product_id: Mapped[int]
    name: Mapped[str]


class OrderLine(Model):
    __table__ = t.order_lines
    customer_id: Mapped[int]
    order_id: Mapped[int]
    line_no: Mapped[int]
    product_id: Mapped[int]
    quantity: Mapped[Decimal]
    net_cents: Mapped[int]


class Community(Model):
    __table__ = t.communities
    community_id: Mapped[int]
    name: Mapped[str]
    city: Mapped[str]
    leader_customer_id: Mapped[int | None]


class Referral(Model):
    __table__ = t.referrals
    customer_id: Mapped[int]
    referrer_id: Mapped[int]
