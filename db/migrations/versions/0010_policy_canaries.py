"""Versions of policies that grade a share of customers."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
VERSION = ["tier_policy_versions.version_id"]


def upgrade() -> None:
    op.create_table(
        "tier_policy_canaries",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("policy_id", sa.SmallInteger(), nullable=False),
        sa.Column("control_version_id", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Numeric(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("share_since", MOMENT, nullable=False),
        sa.Column("share_event_id", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_event_id", sa.BigInteger()),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(
            ["version_id"], VERSION, name="fk_tier_policy_canaries_version_id_tier_policy_versions"
        ),
        sa.ForeignKeyConstraint(
            ["control_version_id"],
            VERSION,
            name="fk_tier_policy_canaries_control_version_id_tier_policy_versions",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["tier_policies.policy_id"],
            name="fk_tier_policy_canaries_policy_id_tier_policies",
        ),
        sa.PrimaryKeyConstraint("version_id", name="pk_tier_policy_canaries"),
    )
    op.create_index(
        "ix_tier_policy_canaries_running",
        "tier_policy_canaries",
        ["policy_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
