"""A decision as it is recorded: the change, the facts and thresholds behind it, when and by whom (C7)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.calendar import Calendar
from domain.tiers.evidence import Evidence, evidence_of
from domain.tiers.life_change import Change
from domain.tiers.life_change import TierReason as TierReason
from domain.tiers.life_change import TransitionKind as TransitionKind
from domain.tiers.policy import TierPolicyVersion
from domain.tiers.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why and when a standing is looked at again. `actor` None: decided by rule.

    `order_cents`: the largest order that began to count since the last look; `touched_at`: the earliest moment of
    an order that changed since then.
    """

    reason: TierReason
    as_of: datetime
    decided_at: datetime
    actor: str | None = None
    order_cents: int | None = None
    touched_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTransition:
    """One decision. `evidence` explains it without any other record; `raw_rank` is what the measure alone gave.

    `effective_at`: a decision about a midnight holds from that midnight, whenever it was taken.
    """

    policy_code: str
    version_number: int
    change: Change
    raw_rank: int
    evidence: Evidence
    as_of: datetime
    decided_at: datetime
    effective_at: datetime
    actor: str | None


class Seen(Protocol):
    """What a measure gave a customer as of the end of one day."""

    @property
    def rank(self) -> int:
        """0: no tier."""

    def evidence(self, *, as_of: datetime) -> Evidence:
        """Why."""


@dataclass(frozen=True, slots=True)
class Stood:
    """`Seen`, of one standing."""

    version: TierPolicyVersion
    standing: Standing

    @property
    def rank(self) -> int:
        return self.standing.rank

    def evidence(self, *, as_of: datetime) -> Evidence:
        return evidence_of(self.version, self.standing, as_of=as_of)


def record(
    version: TierPolicyVersion,
    seen: Seen,
    change: Change,
    *,
    occasion: Occasion,
    calendar: Calendar,
) -> TierTransition:
    """`seen` is of the change's day."""
    as_of = calendar.end_of_day(change.day)
    return TierTransition(
        policy_code=version.policy_code,
        version_number=version.number,
        change=change,
        raw_rank=seen.rank,
        evidence=seen.evidence(as_of=as_of),
        as_of=as_of,
        decided_at=occasion.decided_at,
        effective_at=min(as_of, occasion.decided_at),
        actor=occasion.actor,
    )
