"""Rankings frozen by the night, ranges of target shares, goals of the ladder."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tiers", sa.Column("target_share_max", sa.Numeric(), nullable=True))
    op.add_column("tiers", sa.Column("is_goal", sa.Boolean(), server_default="true", nullable=False))
    op.create_table(
        "tier_rankings",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("cuts", postgresql.JSONB(), nullable=False),
        sa.Column("distribution", sa.LargeBinary(), nullable=False),
        sa.Column(
            "frozen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["tier_policy_versions.version_id"],
            name=op.f("fk_tier_rankings_version_id_tier_policy_versions"),
        ),
        sa.PrimaryKeyConstraint("version_id", "day", name=op.f("pk_tier_rankings")),
    )


def downgrade() -> None:
    op.drop_table("tier_rankings")
    op.drop_column("tiers", "is_goal")
    op.drop_column("tiers", "target_share_max")
