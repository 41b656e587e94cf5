"""Notices to customers, and how far each follower of the outbox has come."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Named,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.metadata import MOMENT, metadata


class NoticeColumns(TypedColumns):
    """One for each event and channel, so that telling twice is telling once. `event_id`: of the outbox."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    channel: Named[str] = Column(Text, primary_key=True)
    notice_id: Named[int] = Column(BigInteger, Identity())
    kind: Named[str] = Column(Text)
    content: Named[dict[str, Any]] = Column(JSONB)
    """Ids and tiers; fixed when it is made, so that every attempt says the same."""
    status: Named[str] = Column(Text, server_default="QUEUED")
    attempts: Named[int] = Column(SmallInteger, server_default="0")
    """Begun, the one that is under way among them."""
    due_at: Named[datetime] = Column(MOMENT, server_default=func.now())
    """Of the next attempt; of one under way the moment from which it counts as lost."""
    problem: Named[str | None] = Column(Text)
    """Why the last attempt failed."""
    created_at: Named[datetime] = Column(MOMENT, server_default=func.now())
    settled_at: Named[datetime | None] = Column(MOMENT)
    """When it was sent or given up."""


class FeedPositionColumns(TypedColumns):
    """The last event that a follower has dealt with; its row is locked while it deals with the next."""

    feed: Named[str] = Column(Text, primary_key=True)
    event_id: Named[int] = Column(BigInteger)


notices = Table(
    "notices",
    metadata,
    NoticeColumns,
    Index(None, "notice_id"),
    Index(None, "due_at", postgresql_where="status = 'QUEUED'"),
    Index(None, "settled_at", postgresql_where="status <> 'QUEUED'"),
)
feed_positions = Table("feed_positions", metadata, FeedPositionColumns)
