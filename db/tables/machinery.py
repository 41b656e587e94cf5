"""What keeps the rest honest: dirty marks, outbox, idempotency, imports, job runs, audit."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Named,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.metadata import MOMENT, metadata


class DirtyCustomerColumns(TypedColumns):
    """Customers to compute again; the worker locks and deletes, an event that comes meanwhile marks anew."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    reason: Named[str] = Column(Text)
    urgency: Named[int] = Column(SmallInteger, server_default="1")
    """0: somebody waits for it, an event; 1: an import; 2: the night."""
    order_cents: Named[int | None] = Column(BigInteger)
    """The largest order that began to count since the customer was last computed [S0-12]."""
    touched_at: Named[datetime | None] = Column(MOMENT)
    """The earliest moment of an order that changed since then; null: no order did."""
    marked_at: Named[datetime] = Column(MOMENT, server_default=func.now())
    problem: Named[str | None] = Column(Text)
    """Set when the customer was put aside because computing them fails; a new event or night tries again."""


class DirtyGraphKeyColumns(TypedColumns):
    """What the graph must read again: a kind (CUSTOMER, PRODUCT, CATEGORY, COMMUNITY) and a key."""

    kind: Named[str] = Column(Text, primary_key=True)
    key: Named[int] = Column(BigInteger, primary_key=True)
    change_id: Named[int] = Column(BigInteger, Identity())
    marked_at: Named[datetime] = Column(MOMENT, server_default=func.now())
    attempts: Named[int] = Column(Integer, server_default="0")
    problem: Named[str | None] = Column(Text)
    """Set when the key was put aside (dead letter), with the reason."""


class OutboxColumns(TypedColumns):
    """Published events. Writers hold one lock from the first id to their commit, so ids appear in order."""

    event_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    kind: Named[str] = Column(Text)
    customer_id: Named[int | None] = Column(BigInteger)
    payload: Named[dict[str, Any]] = Column(JSONB)
    created_at: Named[datetime] = Column(MOMENT, server_default=func.clock_timestamp())


class IngestedEventColumns(TypedColumns):
    """Directory: events already taken in, by source and the source's event id. Says nothing of a customer."""

    source_id: Named[int] = Column(Integer, primary_key=True)
    source_event_id: Named[str] = Column(Text, primary_key=True)
    digest: Named[bytes] = Column(LargeBinary)
    """Of the event's content: the same id with other content is a conflict."""
    received_at: Named[datetime] = Column(MOMENT, server_default=func.now())


class IdempotencyKeyColumns(TypedColumns):
    """Answers of writes by the caller's Idempotency-Key, kept for 24 h."""

    subject: Named[str] = Column(Text, primary_key=True)
    key: Named[str] = Column(Text, primary_key=True)
    request_digest: Named[bytes] = Column(LargeBinary)
    response: Named[str | None] = Column(Text)
    created_at: Named[datetime] = Column(MOMENT, server_default=func.now())


class ImportRunColumns(TypedColumns):
    """One file taken in; found again by its content when a killed import is resumed."""

    import_run_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    source_id: Named[int] = Column(Integer)
    kind: Named[str] = Column(Text)
    content_sha256: Named[bytes] = Column(LargeBinary)
    status: Named[str] = Column(Text)
    rows_read: Named[int] = Column(BigInteger, server_default="0")
    rows_changed: Named[int] = Column(BigInteger, server_default="0")
    rows_rejected: Named[int] = Column(BigInteger, server_default="0")
    started_at: Named[datetime] = Column(MOMENT, server_default=func.now())
    finished_at: Named[datetime | None] = Column(MOMENT)


class JobRunColumns(TypedColumns):
    """One run of a job for a period: unique, so that two schedulers or a restart never run it twice."""

    job_run_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    job: Named[str] = Column(Text)
    period: Named[str] = Column(Text)
    status: Named[str] = Column(Text)
    counts: Named[dict[str, Any]] = Column(JSONB, server_default="{}")
    problem: Named[str | None] = Column(Text)
    started_at: Named[datetime] = Column(MOMENT, server_default=func.now())
    finished_at: Named[datetime | None] = Column(MOMENT)


class AuditColumns(TypedColumns):
    """Who read or changed what, and for which purpose; holds no personal value itself."""

    audit_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    customer_id: Named[int | None] = Column(BigInteger)
    actor: Named[str] = Column(Text)
    role: Named[str] = Column(Text)
    purpose: Named[str | None] = Column(Text)
    action: Named[str] = Column(Text)
    object_kind: Named[str] = Column(Text)
    object_id: Named[str | None] = Column(Text)
    fields: Named[list[str]] = Column(ARRAY(Text))
    at: Named[datetime] = Column(MOMENT, server_default=func.clock_timestamp())


dirty_customers = Table(
    "dirty_customers",
    metadata,
    DirtyCustomerColumns,
    Index("ix_dirty_customers_urgency_marked_at", "urgency", "marked_at", postgresql_where="problem IS NULL"),
)
dirty_graph_keys = Table("dirty_graph_keys", metadata, DirtyGraphKeyColumns, Index(None, "change_id"))
outbox = Table("outbox", metadata, OutboxColumns)
ingested_events = Table("ingested_events", metadata, IngestedEventColumns)
idempotency_keys = Table("idempotency_keys", metadata, IdempotencyKeyColumns)
import_runs = Table(
    "import_runs", metadata, ImportRunColumns, UniqueConstraint("source_id", "kind", "content_sha256")
)
job_runs = Table("job_runs", metadata, JobRunColumns, UniqueConstraint("job", "period"))
audit_log = Table("audit_log", metadata, AuditColumns, Index(None, "customer_id", "at"))
