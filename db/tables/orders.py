"""What customers buy: products, orders with their lines, and the day-by-category roll-up.

Amounts are whole cents of the shop's one currency. An order is `charged` (after discounts, before refunds,
without delivery) and worth `net` (charged minus refunded). PostgreSQL generates `net_cents` and `counted_at`,
so that imports, events and corrections can never disagree about which orders count [C4].
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Named,
    Numeric,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
)

from db.tables.metadata import MOMENT, metadata
from domain.orders.order import COUNTED_AT_SQL, MAXIMUM_CATEGORIES


class CategoryColumns(TypedColumns):
    """At most 64, so that category facts are arrays of fixed width."""

    category_id: Named[int] = Column(SmallInteger, primary_key=True, autoincrement=False)
    code: Named[str] = Column(Text, unique=True)
    name: Named[str] = Column(Text)


class ProductColumns(TypedColumns):
    product_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    source_id: Named[int] = Column(Integer, ForeignKey("sources.source_id"))
    external_id: Named[str] = Column(Text)
    name: Named[str] = Column(Text)
    category_id: Named[int] = Column(SmallInteger, ForeignKey("categories.category_id"))
    unit_price_cents: Named[int] = Column(BigInteger)
    unit_cost_cents: Named[int | None] = Column(BigInteger)
    """What a unit costs the shop; never shown. Null: not known, so its price has no floor."""
    high_margin: Named[bool] = Column(Boolean)
    organic: Named[bool] = Column(Boolean)
    imported: Named[bool] = Column(Boolean)


class OrderColumns(TypedColumns):
    """`status` and `channel` are the codes of `domain.orders.order`."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    order_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    source_id: Named[int] = Column(Integer)
    external_id: Named[str] = Column(Text)
    placed_at: Named[datetime] = Column(MOMENT)
    paid_at: Named[datetime | None] = Column(MOMENT)
    confirmed_at: Named[datetime | None] = Column(MOMENT)
    """When an order on credit was confirmed; null: not on credit, or not yet [C4]."""
    credit_days: Named[int | None] = Column(Integer)
    """Days to pay from then on; null: not known."""
    status: Named[int] = Column(SmallInteger)
    stated_at: Named[datetime] = Column(MOMENT)
    """When the source says the status came about: an older statement that arrives later changes nothing."""
    channel: Named[int] = Column(SmallInteger)
    charged_cents: Named[int] = Column(BigInteger)
    refunded_cents: Named[int] = Column(BigInteger, server_default="0")
    delivery_fee_cents: Named[int] = Column(BigInteger, server_default="0")
    line_cents: Named[int] = Column(BigInteger, server_default="0")
    """Sum of its lines; shares divide line amounts by line amounts."""
    high_margin_cents: Named[int] = Column(BigInteger, server_default="0")
    organic_cents: Named[int] = Column(BigInteger, server_default="0")
    imported_cents: Named[int] = Column(BigInteger, server_default="0")
    net_cents: Named[int] = Column(
        BigInteger, Computed("charged_cents - refunded_cents", persisted=True), nullable=False
    )
    counted_at: Named[datetime | None] = Column(MOMENT, Computed(COUNTED_AT_SQL, persisted=True))


class OrderLineColumns(TypedColumns):
    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    order_id: Named[int] = Column(BigInteger, primary_key=True)
    line_no: Named[int] = Column(Integer, primary_key=True)
    product_id: Named[int] = Column(BigInteger)
    quantity: Named[Decimal] = Column(Numeric(12, 3))
    net_cents: Named[int] = Column(BigInteger)


class CategoryDayColumns(TypedColumns):
    """Counted orders by business day and category; `orders` counts the orders that touch the category."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    day: Named[date] = Column(Date, primary_key=True)
    category_id: Named[int] = Column(SmallInteger, primary_key=True)
    orders: Named[int] = Column(Integer)
    spend_cents: Named[int] = Column(BigInteger)


categories = Table(
    "categories",
    metadata,
    CategoryColumns,
    CheckConstraint(f"category_id BETWEEN 0 AND {MAXIMUM_CATEGORIES - 1}", name="range"),
)
products = Table(
    "products",
    metadata,
    ProductColumns,
    UniqueConstraint("source_id", "external_id"),
    Index(None, "category_id", "product_id"),
)
orders = Table(
    "orders",
    metadata,
    OrderColumns,
    CheckConstraint("refunded_cents BETWEEN 0 AND charged_cents", name="refunded"),
    UniqueConstraint("source_id", "external_id", "customer_id"),
    Index("ix_orders_order_id", "order_id"),
    Index("ix_orders_customer_id_placed_at_order_id", "customer_id", "placed_at", "order_id"),
    Index(
        "ix_orders_customer_id_counted_at",
        "customer_id",
        "counted_at",
        postgresql_include=[
            "net_cents",
            "refunded_cents",
            "channel",
            "line_cents",
            "high_margin_cents",
            "organic_cents",
            "imported_cents",
        ],
        postgresql_where="counted_at IS NOT NULL",
    ),
)
order_lines = Table("order_lines", metadata, OrderLineColumns)
category_days = Table("category_days", metadata, CategoryDayColumns)
