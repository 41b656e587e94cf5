"""Room for versions of customers; ingested events no longer have a customer, who was never written there."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE customers SET (fillfactor = 50)")
    op.drop_column("ingested_events", "customer_id")


def downgrade() -> None:
    op.add_column("ingested_events", sa.Column("customer_id", sa.BigInteger(), nullable=True))
    op.execute("ALTER TABLE customers RESET (fillfactor)")
