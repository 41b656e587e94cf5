"""Less is written for each decision and each change: evidence as it came, and no index that another one stands in for.

Nothing is lost. `tier_transitions` is written anew once, and nobody can use it meanwhile.
"""

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
    op.drop_index("ix_label_changes_customer_id_label_id_change_id", table_name="label_changes")
    op.drop_index("ix_customer_standings_review_on", table_name="customer_standings")
    # no indexed column of it changes any more: with room on its page a new row stays there, beside no index
    op.execute("ALTER TABLE customer_standings SET (fillfactor = 90)")
