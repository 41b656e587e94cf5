"""What decisions were taken on is kept as the text that was written: taking it apart cost more than all else of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "tier_transitions",
        "evidence",
        existing_type=JSONB(),
        type_=sa.JSON(),
        existing_nullable=False,
        postgresql_using="evidence::json",
    )
