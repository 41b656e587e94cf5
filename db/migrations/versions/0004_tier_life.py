"""The life of a standing: what is kept, lent and awaited, beside the tier in effect."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
REQUIRED = {
    "measured_rank": sa.SmallInteger(),
    "base_rank": sa.SmallInteger(),
    "before_rank": sa.SmallInteger(),
    "base_on": sa.Date(),
    "base_since": MOMENT,
    "joined_on": sa.Date(),
    "falls": sa.SmallInteger(),
}
OPTIONAL = {
    "valid_until": MOMENT,
    "pending_rank": sa.SmallInteger(),
    "pending_reviews": sa.SmallInteger(),
    "pending_since": MOMENT,
    "trial_rank": sa.SmallInteger(),
    "trial_started_on": sa.Date(),
    "trial_until": MOMENT,
    "override_rank": sa.SmallInteger(),
    "override_started_on": sa.Date(),
    "override_until": MOMENT,
    "override_kind": sa.Text(),
    "override_reason": sa.Text(),
    "override_actor": sa.Text(),
}
# Until now every decision was the measure itself, taken at once in both directions.
FILL_TRANSITIONS = """
UPDATE tier_transitions AS t SET measured_rank = coalesce(to_rank, 0), base_rank = coalesce(to_rank, 0),
  before_rank = coalesce(from_rank, 0), falls = 0, since = effective_at, base_since = effective_at,
  base_on = (as_of AT TIME ZONE (SELECT time_zone FROM shop))::date - 1,
  joined_on = (SELECT (min(as_of) AT TIME ZONE (SELECT time_zone FROM shop))::date - 1 FROM tier_transitions AS first
               WHERE first.customer_id = t.customer_id AND first.policy_id = t.policy_id)
"""
FILL_STANDINGS = """
UPDATE tier_standings AS s SET measured_rank = t.measured_rank, base_rank = t.base_rank,
  before_rank = t.before_rank, falls = 0, base_on = t.base_on, base_since = t.base_since, joined_on = t.joined_on
FROM tier_transitions AS t WHERE t.customer_id = s.customer_id AND t.transition_id = s.transition_id
"""
# the next night looks at whoever is due anyway, and from then on each row has a day of its own
FILL_ROWS = """
UPDATE customer_standings SET raw_tiers = tiers, tiers_due_on = review_on, versions = (
  SELECT coalesce(sum(((number - 1) % 255 + 1)::bigint << (8 * policy_id)), 0)::bigint
  FROM tier_policy_versions WHERE status = 'ACTIVE'
)
"""


def upgrade() -> None:
    op.add_column("dirty_customers", sa.Column("order_cents", sa.BigInteger()))
    op.add_column("dirty_customers", sa.Column("touched_at", MOMENT))
    for table in ("tier_standings", "tier_transitions"):
        for name, kind in (REQUIRED | OPTIONAL).items():
            op.add_column(table, sa.Column(name, kind))
    op.add_column("tier_transitions", sa.Column("since", MOMENT))
    for name, kind in (("raw_tiers", sa.BigInteger()), ("versions", sa.BigInteger()), ("tiers_due_on", sa.Date())):
        op.add_column("customer_standings", sa.Column(name, kind))
    for fill in (FILL_TRANSITIONS, FILL_STANDINGS, FILL_ROWS):
        op.execute(fill)
    for table, names in (
        ("tier_standings", REQUIRED),
        ("tier_transitions", (*REQUIRED, "since")),
        ("customer_standings", ("raw_tiers", "versions", "tiers_due_on")),
    ):
        for name in names:
            op.alter_column(table, name, nullable=False)
    op.create_table(
        "tier_signals",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("policy_id", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "policy_id", "kind", "period", name="pk_tier_signals"),
    )
    op.create_index("ix_tier_signals_signal_id", "tier_signals", ["signal_id"])
