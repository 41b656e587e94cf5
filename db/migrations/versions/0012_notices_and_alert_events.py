"""Notices to customers; an alert is published: its id is that of its event in the outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SEQUENCE = "pg_get_serial_sequence('outbox', 'event_id')"


def upgrade() -> None:
    publish_alerts()
    create_notices()


def publish_alerts() -> None:
    op.execute("ALTER TABLE alerts ALTER COLUMN alert_id DROP IDENTITY")
    # Alerts of before were counted by themselves; no later event may have the id of one of them.
    op.execute(
        f"SELECT setval({SEQUENCE}, greatest(nextval({SEQUENCE}), max(alert_id))) FROM alerts HAVING count(*) > 0"
    )


def create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("status", sa.Text(), server_default="QUEUED", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.PrimaryKeyConstraint("customer_id", "event_id", "channel", name="pk_notices"),
    )
    op.create_index("ix_notices_notice_id", "notices", ["notice_id"])
    op.create_index("ix_notices_due_at", "notices", ["due_at"], postgresql_where=sa.text("status = 'QUEUED'"))
    op.create_index(
        "ix_notices_settled_at", "notices", ["settled_at"], postgresql_where=sa.text("status <> 'QUEUED'")
    )
    op.create_table(
        "feed_positions",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name="pk_feed_positions"),
    )
