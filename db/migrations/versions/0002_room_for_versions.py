"""Room for versions of customers; no key and no column that nobody uses."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE customers SET (fillfactor = 50)")
    op.drop_constraint("customer_refs_source_id_fkey", "customer_refs", type_="foreignkey")
    op.drop_column("ingested_events", "customer_id")


def downgrade() -> None:
    op.add_column("ingested_events", sa.Column("customer_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "customer_refs_source_id_fkey", "customer_refs", "sources", ["source_id"], ["source_id"]
    )
    op.execute("ALTER TABLE customers RESET (fillfactor)")
