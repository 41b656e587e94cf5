"""What operators have looked at before they activate a version of a policy."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "tier_policy_previews",
        sa.Column("preview_hash", sa.Text(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("active_version_id", sa.BigInteger()),
        sa.Column("live_as_of", MOMENT, nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["tier_policy_versions.version_id"],
            name="fk_tier_policy_previews_version_id_tier_policy_versions",
        ),
        sa.PrimaryKeyConstraint("preview_hash", name="pk_tier_policy_previews"),
    )
