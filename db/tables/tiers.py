"""Tier policies, their immutable versions, each customer's standing, and the decisions behind it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Named,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.metadata import MOMENT, metadata


class TierPolicyColumns(TypedColumns):
    """`policy_id` is also the byte of the policy in the packed tiers of `customer_standings`: 0 to 7."""

    policy_id: Named[int] = Column(SmallInteger, primary_key=True, autoincrement=False)
    code: Named[str] = Column(Text, unique=True)
    name: Named[str] = Column(Text)


class TierPolicyVersionColumns(TypedColumns):
    """Immutable once it has left DRAFT."""

    version_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    policy_id: Named[int] = Column(SmallInteger, ForeignKey("tier_policies.policy_id"))
    number: Named[int] = Column(Integer)
    status: Named[str] = Column(Text)
    rule: Named[dict[str, Any]] = Column(JSONB)
    effective_from: Named[datetime | None] = Column(MOMENT)
    effective_until: Named[datetime | None] = Column(MOMENT)
    created_at: Named[datetime] = Column(MOMENT, server_default=func.now())


class TierColumns(TypedColumns):
    """The ladder of a version in rows, for joins; the rule holds the same ladder. Rank 1 is the lowest."""

    version_id: Named[int] = Column(
        BigInteger, ForeignKey("tier_policy_versions.version_id"), primary_key=True
    )
    rank: Named[int] = Column(SmallInteger, primary_key=True)
    code: Named[str] = Column(Text)
    name: Named[str] = Column(Text)
    threshold: Named[Any] = Column(Numeric, nullable=True)
    threshold_inclusive: Named[bool] = Column(server_default="true", nullable=False)
    target_share: Named[Any] = Column(Numeric, nullable=True)
    target_share_max: Named[Any] = Column(Numeric, nullable=True)
    """Null: the same as `target_share`."""
    is_goal: Named[bool] = Column(server_default="true", nullable=False)
    """False for a layer of silence that whoever orders again leaves at once, for a higher one."""


class TierRankingColumns(TypedColumns):
    """The distribution that a version of a ranking policy reads for a business day: an input of standings, not
    derived from anything that is still there. Old days are dropped; decisions hold what they read of them."""

    version_id: Named[int] = Column(
        BigInteger, ForeignKey("tier_policy_versions.version_id"), primary_key=True
    )
    day: Named[date] = Column(Date, primary_key=True)
    customers: Named[int] = Column(BigInteger)
    cuts: Named[dict[str, Any]] = Column(JSONB)
    """By tier code the value, moment of the last order and id of the last customer inside its share."""
    distribution: Named[bytes] = Column(LargeBinary)
    """Compressed: for each ranked fact its distinct values and how many customers have at most that."""
    frozen_at: Named[datetime] = Column(MOMENT, server_default=func.clock_timestamp())


class TierPolicyPreviewColumns(TypedColumns):
    """What an operator has looked at: an activation names one. Old ones are dropped."""

    preview_hash: Named[str] = Column(Text, primary_key=True)
    version_id: Named[int] = Column(BigInteger, ForeignKey("tier_policy_versions.version_id"))
    active_version_id: Named[int | None] = Column(BigInteger)
    """What was in force; null: nothing."""
    live_as_of: Named[datetime] = Column(MOMENT)
    customers: Named[int] = Column(BigInteger)
    moved: Named[int] = Column(BigInteger)
    made_by: Named[str] = Column(Text)
    begun_at: Named[datetime] = Column(MOMENT)
    """What changed after it may be missing from the preview."""


class TierPolicyCanaryColumns(TypedColumns):
    """A version that grades some customers, or once did: it runs as a canary once [S1-19]."""

    version_id: Named[int] = Column(
        BigInteger, ForeignKey("tier_policy_versions.version_id"), primary_key=True
    )
    policy_id: Named[int] = Column(SmallInteger, ForeignKey("tier_policies.policy_id"))
    control_version_id: Named[int] = Column(BigInteger, ForeignKey("tier_policy_versions.version_id"))
    """What grades everybody else meanwhile."""
    share: Named[Any] = Column(Numeric)
    """Of all customers, or of the group."""
    scope_where: Named[str | None] = Column(Text)
    """The filter that the group was found by, as JSON; null: no group."""
    began_at: Named[datetime] = Column(MOMENT)
    """Business time, as all here."""
    share_since: Named[datetime] = Column(MOMENT)
    """Since when it has this share."""
    share_event_id: Named[int] = Column(BigInteger)
    """Of the outbox: decisions with a greater id were taken since then."""
    ended_at: Named[datetime | None] = Column(MOMENT)
    ended_event_id: Named[int | None] = Column(BigInteger)
    outcome: Named[str | None] = Column(Text)
    """PROMOTED or ENDED; null: it runs."""
    reason: Named[str | None] = Column(Text)
    """Why it was ended, in the operator's words."""


class TierCanaryGroupColumns(TypedColumns):
    """Whom the filter of a canary found: its customers, and by lots those whom they are compared with. Of the last
    canary of a policy only."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    version_id: Named[int] = Column(BigInteger, primary_key=True)


class LifeColumns(TypedColumns):
    """The state of a standing behind its tier in effect, after a decision. Moments end the days they are kept for.

    `measured_rank` is what the measure gave then, `base_rank` what the rule decided, 0 for none; both differ from
    the tier in effect under protection, a trial or an override.
    """

    measured_rank: Named[int] = Column(SmallInteger)
    base_rank: Named[int] = Column(SmallInteger)
    before_rank: Named[int] = Column(SmallInteger)
    """The base rank before the last decision about it."""
    base_on: Named[date] = Column(Date)
    """As of the end of which day the base rank was decided."""
    base_since: Named[datetime] = Column(MOMENT)
    joined_on: Named[date] = Column(Date)
    valid_until: Named[datetime | None] = Column(MOMENT)
    pending_rank: Named[int | None] = Column(SmallInteger)
    pending_reviews: Named[int | None] = Column(SmallInteger)
    pending_since: Named[datetime | None] = Column(MOMENT)
    falls: Named[int] = Column(SmallInteger)
    """Downgrades in a row [S0-18]."""
    trial_rank: Named[int | None] = Column(SmallInteger)
    trial_started_on: Named[date | None] = Column(Date)
    """Of the latest trial, also of one that has ended [S0-17]."""
    trial_until: Named[datetime | None] = Column(MOMENT)
    override_rank: Named[int | None] = Column(SmallInteger)
    override_started_on: Named[date | None] = Column(Date)
    override_until: Named[datetime | None] = Column(MOMENT)
    override_kind: Named[str | None] = Column(Text)
    override_reason: Named[str | None] = Column(Text)
    override_actor: Named[str | None] = Column(Text)


class TierStandingColumns(LifeColumns):
    """Where a customer stands under a policy since the last decision: a projection of `tier_transitions`."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    policy_id: Named[int] = Column(SmallInteger, primary_key=True)
    version_id: Named[int] = Column(BigInteger)
    rank: Named[int | None] = Column(SmallInteger)
    """In effect."""
    reason: Named[str] = Column(Text)
    since: Named[datetime] = Column(MOMENT)
    """Since when the tier in effect is held."""
    transition_id: Named[int] = Column(BigInteger)
    """The decision that put it there."""


class TierTransitionColumns(LifeColumns):
    """One decision with the state it left; never edited. `transition_id` is the id of its outbox event."""

    customer_id: Named[int] = Column(BigInteger)
    transition_id: Named[int] = Column(BigInteger)
    policy_id: Named[int] = Column(SmallInteger)
    version_id: Named[int] = Column(BigInteger)
    kind: Named[str] = Column(Text)
    from_rank: Named[int | None] = Column(SmallInteger)
    to_rank: Named[int | None] = Column(SmallInteger)
    reason: Named[str] = Column(Text)
    score: Named[Any] = Column(Numeric, nullable=True)
    evidence: Named[dict[str, Any]] = Column(JSON)
    """Facts, thresholds and part scores the decision used: why, from the record alone [C7]. Kept as it was written,
    because nobody searches in it."""
    as_of: Named[datetime] = Column(MOMENT)
    decided_at: Named[datetime] = Column(MOMENT)
    effective_at: Named[datetime] = Column(MOMENT)
    since: Named[datetime] = Column(MOMENT)
    """Since when the tier in effect is held: `effective_at`, or earlier where it stayed the same."""
    actor: Named[str | None] = Column(Text)


class TierSignalColumns(TypedColumns):
    """Something to act on that is no decision: each at most once in its period. `signal_id` is its outbox event."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    policy_id: Named[int] = Column(SmallInteger, primary_key=True)
    kind: Named[str] = Column(Text, primary_key=True)
    period: Named[str] = Column(Text, primary_key=True)
    """A month as 2026-11, or the day that a silence began."""
    signal_id: Named[int] = Column(BigInteger)
    rank: Named[int] = Column(SmallInteger)
    as_of: Named[datetime] = Column(MOMENT)
    raised_at: Named[datetime] = Column(MOMENT)


tier_policies = Table("tier_policies", metadata, TierPolicyColumns)
tier_policy_versions = Table(
    "tier_policy_versions", metadata, TierPolicyVersionColumns, UniqueConstraint("policy_id", "number")
)
tiers = Table("tiers", metadata, TierColumns, UniqueConstraint("version_id", "code"))
tier_rankings = Table("tier_rankings", metadata, TierRankingColumns)
tier_policy_previews = Table("tier_policy_previews", metadata, TierPolicyPreviewColumns)
tier_policy_canaries = Table(
    "tier_policy_canaries",
    metadata,
    TierPolicyCanaryColumns,
    Index("ix_tier_policy_canaries_running", "policy_id", unique=True, postgresql_where="ended_at IS NULL"),
)
tier_canary_groups = Table("tier_canary_groups", metadata, TierCanaryGroupColumns)
tier_standings = Table(
    "tier_standings", metadata, TierStandingColumns, Index(None, "policy_id", "rank", "customer_id")
)
tier_transitions = Table(
    "tier_transitions",
    metadata,
    TierTransitionColumns,
    PrimaryKeyConstraint(
        "customer_id",
        "policy_id",
        "transition_id",
        # Who held what when is asked of everybody at once, and answered from the key alone.
        postgresql_include=["version_id", "to_rank", "effective_at"],
    ),
    Index("ix_tier_transitions_transition_id", "transition_id"),
)
tier_signals = Table(
    "tier_signals", metadata, TierSignalColumns, Index("ix_tier_signals_signal_id", "signal_id")
)
