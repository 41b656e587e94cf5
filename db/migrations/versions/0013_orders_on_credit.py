"""Orders on credit count when they are confirmed, and are paid later."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COUNTED_AT = """
CASE WHEN status IN (4, 5) OR (refunded_cents > 0 AND refunded_cents >= charged_cents) THEN NULL
     WHEN coalesce(paid_at, confirmed_at) IS NOT NULL THEN least(paid_at, confirmed_at)
     WHEN status IN (2, 3) THEN placed_at END
"""


def upgrade() -> None:
    op.add_column("orders", sa.Column("confirmed_at", sa.DateTime(timezone=True)))
    op.add_column("orders", sa.Column("credit_days", sa.Integer()))
    op.execute(f"ALTER TABLE orders ALTER COLUMN counted_at SET EXPRESSION AS ({COUNTED_AT})")
