"""The fixed-width standing row of a customer, which a run reads and compares fast."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, Date, LargeBinary, Named, Table, TypedColumns

from db.tables.metadata import MOMENT, metadata

LABEL_BYTES = 38
"""304 labels."""


class CustomerStandingColumns(TypedColumns):
    """`tiers` packs the rank in effect under policy n into byte n (0 = none), `raw_tiers` what the measure alone
    gives; `label_bits` has `LABEL_BYTES` bytes."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    facts_digest: Named[int] = Column(BigInteger)
    tiers: Named[int] = Column(BigInteger)
    raw_tiers: Named[int] = Column(BigInteger)
    versions: Named[int] = Column(BigInteger)
    """Digest of the policy versions that were in force."""
    tiers_due_on: Named[date] = Column(Date)
    """The earliest day on which the life of a standing goes on by itself: a trial ends, a month begins."""
    label_bits: Named[bytes] = Column(LargeBinary)
    review_on: Named[date] = Column(Date)
    """The earliest day on which something about the customer changes without an event. No index: the night finds a
    seventh of all customers by it, and every review writes it."""
    loaded_at: Named[datetime] = Column(MOMENT)
    """First computed; `enteredAt` of labels that have no logged change."""


customer_standings = Table(
    "customer_standings", metadata, CustomerStandingColumns, postgresql_with={"fillfactor": 90}
)
