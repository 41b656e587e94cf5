"""What the shop offers on a member day; list prices and costs are with the products."""

from datetime import date

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    Named,
    SmallInteger,
    Table,
    TypedColumns,
)

from db.tables.metadata import metadata


class MemberDayOfferColumns(TypedColumns):
    """A hot item at `percent` of its list price, for a business day of the shop. [S2-5]"""

    day: Named[date] = Column(Date, primary_key=True)
    product_id: Named[int] = Column(BigInteger, ForeignKey("products.product_id"), primary_key=True)
    percent: Named[int] = Column(SmallInteger)
    per_customer_limit: Named[int | None] = Column(Integer)
    """Units that one customer may take that day; null: any."""


member_day_offers = Table(
    "member_day_offers",
    metadata,
    MemberDayOfferColumns,
    CheckConstraint("percent BETWEEN 1 AND 99", name="percent"),
)
