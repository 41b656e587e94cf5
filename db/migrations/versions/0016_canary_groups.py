"""Groups of customers that canaries run on, and a key of the log from which whole bases are compared."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


KEY = """
ALTER TABLE tier_transitions DROP CONSTRAINT pk_tier_transitions,
  ADD CONSTRAINT pk_tier_transitions PRIMARY KEY (customer_id, policy_id, transition_id)
      INCLUDE (version_id, to_rank, effective_at)
"""


def upgrade() -> None:
    op.add_column("tier_policy_canaries", sa.Column("scope_where", sa.Text()))
    op.create_table(
        "tier_canary_groups",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "version_id", name="pk_tier_canary_groups"),
    )
    op.execute(KEY)
