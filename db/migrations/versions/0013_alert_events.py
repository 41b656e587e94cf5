"""An alert is published: its id is that of its event in the outbox."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SEQUENCE = "pg_get_serial_sequence('outbox', 'event_id')"


def upgrade() -> None:
    op.execute("ALTER TABLE alerts ALTER COLUMN alert_id DROP IDENTITY")
    # Alerts of before were counted by themselves; no later event may have the id of one of them.
    op.execute(
        f"SELECT setval({SEQUENCE}, greatest(nextval({SEQUENCE}), max(alert_id))) FROM alerts HAVING count(*) > 0"
    )
