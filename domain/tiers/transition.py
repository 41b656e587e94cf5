"""What a new standing means against the last one: a decision worth a record, or nothing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.tiers.evidence import Evidence, evidence_of
from domain.tiers.policy import TierPolicyVersion
from domain.tiers.standing import Standing


class TransitionKind(StrEnum):
    JOINED = "JOINED"
    UPGRADED = "UPGRADED"
    DOWNGRADED = "DOWNGRADED"
    LEFT = "LEFT"


class TierReason(StrEnum):
    """What made the decision due (C7)."""

    MONTHLY = "MONTHLY"
    DAILY = "DAILY"
    EVENT = "EVENT"
    MERGE = "MERGE"
    POLICY_CHANGE = "POLICY_CHANGE"
    CORRECTION = "CORRECTION"
    NEVER_ORDERED = "NEVER_ORDERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why and when a standing is looked at again. `actor` None: decided by rule."""

    reason: TierReason
    as_of: datetime
    decided_at: datetime
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTransition:
    """One decision; ranks 0 mean no tier. `evidence` explains it without any other record (C7)."""

    policy_code: str
    version_number: int
    kind: TransitionKind
    from_rank: int
    to_rank: int
    reason: TierReason
    evidence: Evidence
    as_of: datetime
    decided_at: datetime
    effective_at: datetime
    actor: str | None


def decide(
    version: TierPolicyVersion, standing: Standing, *, from_rank: int, occasion: Occasion
) -> TierTransition | None:
    """The decision for one customer who stood at `from_rank`; None: nothing changed.

    A REALTIME policy rises and falls at once, so a decision takes effect when it is made.
    """
    kind = kind_of(from_rank, standing.rank)
    if kind is None:
        return None
    return TierTransition(
        policy_code=version.policy_code,
        version_number=version.number,
        kind=kind,
        from_rank=from_rank,
        to_rank=standing.rank,
        reason=_reason(kind, standing, occasion),
        evidence=evidence_of(version, standing, as_of=occasion.as_of),
        as_of=occasion.as_of,
        decided_at=occasion.decided_at,
        effective_at=occasion.decided_at,
        actor=occasion.actor,
    )


def _reason(kind: TransitionKind, standing: Standing, occasion: Occasion) -> TierReason:
    """Whoever starts without an order says so; later, losing all orders is what the occasion calls it."""
    is_start = kind is TransitionKind.JOINED and standing.never_ordered
    return TierReason.NEVER_ORDERED if is_start else occasion.reason


def kind_of(from_rank: int, to_rank: int) -> TransitionKind | None:
    if from_rank == to_rank:
        return None
    if from_rank == 0:
        return TransitionKind.JOINED
    if to_rank == 0:
        return TransitionKind.LEFT
    return TransitionKind.UPGRADED if to_rank > from_rank else TransitionKind.DOWNGRADED


def changed_rows(old_ranks: NDArray[np.int8], new_ranks: NDArray[np.int8]) -> NDArray[np.intp]:
    """Rows of a batch that need `decide`; all others keep their standing without a record."""
    return np.flatnonzero(old_ranks != new_ranks)
