"""A small shop in typed tables: coded enums, whole cents, moments, ciphers, and holes in the data."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
MOMENT = DateTime(timezone=True)


class OrderStatus(enum.Enum):
    """Where an order is on its way."""

    PAID = "PAID"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"

    @property
    def code(self) -> int:
        return list(OrderStatus).index(self) + 1


class CustomerKind(enum.Enum):
    HOUSEHOLD = "HOUSEHOLD"
    BUSINESS = "BUSINESS"


class CustomerColumns(TypedColumns):
    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    member_number: Named[str] = Column(Text, unique=True)
    kind: Named[str] = Column(Text)
    city: Named[str | None] = Column(Text)
    created_at: Named[datetime] = Column(MOMENT)
    referrer_id: Named[int | None] = Column(BigInteger)
    phone_hash: Named[str | None] = Column(Text)
    secret: Named[bytes | None] = Column(LargeBinary)
    company: Named[str | None] = Column(Text)
    extra: Named[dict[str, Any] | None] = Column(JSONB)


class FactColumns(TypedColumns):
    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    orders: Named[int] = Column(Integer)
    spend_cents: Named[int] = Column(BigInteger)
    last_order_at: Named[datetime | None] = Column(MOMENT)


class OrderColumns(TypedColumns):
    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    order_id: Named[int] = Column(BigInteger, primary_key=True)
    placed_at: Named[datetime] = Column(MOMENT)
    status: Named[int] = Column(SmallInteger)
    net_cents: Named[int] = Column(BigInteger)


class OrderLineColumns(TypedColumns):
    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    order_id: Named[int] = Column(BigInteger, primary_key=True)
    line_no: Named[int] = Column(Integer, primary_key=True)
    product_id: Named[int] = Column(BigInteger)
    net_cents: Named[int] = Column(BigInteger)


class ProductColumns(TypedColumns):
    product_id: Named[int] = Column(BigInteger, primary_key=True)
    name: Named[str] = Column(Text)
    price_cents: Named[int] = Column(BigInteger)


class TicketColumns(TypedColumns):
    ticket_id: Named[int] = Column(BigInteger, primary_key=True)
    customer_id: Named[int] = Column(BigInteger)
    subject: Named[str] = Column(Text)
    opened_at: Named[datetime] = Column(MOMENT)


class LabelColumns(TypedColumns):
    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    code: Named[str] = Column(Text, primary_key=True)
    family: Named[str] = Column(Text)


class TransitionColumns(TypedColumns):
    transition_id: Named[int] = Column(BigInteger, primary_key=True)
    customer_id: Named[int] = Column(BigInteger)
    to_tier: Named[str] = Column(Text)
    decided_at: Named[datetime] = Column(MOMENT)


customers = Table("customers", metadata, CustomerColumns)
facts = Table("facts", metadata, FactColumns)
orders = Table("orders", metadata, OrderColumns, Index("ix_orders", "customer_id", "placed_at", "order_id"))
order_lines = Table("order_lines", metadata, OrderLineColumns)
products = Table("products", metadata, ProductColumns)
tickets = Table("tickets", metadata, TicketColumns, Index("ix_tickets", "customer_id", "opened_at"))
labels = Table("labels", metadata, LabelColumns)
transitions = Table("transitions", metadata, TransitionColumns)
