"""What somebody should look at: each once for its kind, subject and period."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Named,
    Numeric,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
)

from db.tables.metadata import MOMENT, metadata


class AlertColumns(TypedColumns):
    """Raised by the night or with a signal; people move the status on. `alert_id` is its outbox event."""

    alert_id: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    kind: Named[str] = Column(Text)
    severity: Named[str] = Column(Text)
    status: Named[str] = Column(Text, server_default="OPEN")
    subject: Named[str] = Column(Text)
    """The policy's code, with `/` and a tier's code or a customer's global id where it is about one."""
    period: Named[str] = Column(Text)
    """A month as 2026-11, or that of the signal."""
    policy_id: Named[int] = Column(SmallInteger)
    customer_id: Named[int | None] = Column(BigInteger)
    version_id: Named[int | None] = Column(BigInteger)
    rank: Named[int | None] = Column(SmallInteger)
    """With `version_id` the tier it is about."""
    observed: Named[Any] = Column(Numeric, nullable=True)
    expected: Named[Any] = Column(Numeric, nullable=True)
    as_of: Named[datetime] = Column(MOMENT)
    raised_at: Named[datetime] = Column(MOMENT)
    acknowledged_at: Named[datetime | None] = Column(MOMENT)
    acknowledged_by: Named[str | None] = Column(Text)
    resolved_at: Named[datetime | None] = Column(MOMENT)
    resolved_by: Named[str | None] = Column(Text)
    note: Named[str | None] = Column(Text)


alerts = Table(
    "alerts",
    metadata,
    AlertColumns,
    UniqueConstraint("kind", "subject", "period"),
    Index(None, "customer_id"),
    Index(None, "status", "alert_id"),
)
