"""One step in the life of a standing: what a decision did, why, and the state it left behind."""

from dataclasses import dataclass
from enum import StrEnum

from domain.tiers.life_state import StandingState


class TransitionKind(StrEnum):
    """PROLONGED: the tier stays and something about it changed: a new validity, a warning, one that was lifted."""

    JOINED = "JOINED"
    UPGRADED = "UPGRADED"
    DOWNGRADED = "DOWNGRADED"
    PROLONGED = "PROLONGED"
    OVERRIDDEN = "OVERRIDDEN"
    OVERRIDE_ENDED = "OVERRIDE_ENDED"
    TRIAL_STARTED = "TRIAL_STARTED"
    TRIAL_ENDED = "TRIAL_ENDED"
    LEFT = "LEFT"


class TierReason(StrEnum):
    """What made the decision due (C7). PROTECTED: the measure fell and the tier is kept for now (S0-18).

    CORRECTION: what an earlier decision was taken on no longer holds; that decision stays and this one follows.
    """

    MONTHLY = "MONTHLY"
    DAILY = "DAILY"
    EVENT = "EVENT"
    EXPIRY = "EXPIRY"
    TRIAL = "TRIAL"
    MANUAL = "MANUAL"
    PROTECTED = "PROTECTED"
    MERGE = "MERGE"
    POLICY_CHANGE = "POLICY_CHANGE"
    CORRECTION = "CORRECTION"
    NEVER_ORDERED = "NEVER_ORDERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision as of the end of `day`. `from_rank` is the effective rank before it, `state` all that is after."""

    kind: TransitionKind
    reason: TierReason
    day: int
    from_rank: int
    state: StandingState

    @property
    def to_rank(self) -> int:
        return self.state.effective_rank


def moved(before: StandingState | None, after: StandingState, *, reason: TierReason, day: int) -> Change:
    """A decision of the rule: named by what became of the tier in effect."""
    from_rank = before.effective_rank if before else 0
    kind = kind_of(from_rank, after.effective_rank) or TransitionKind.PROLONGED
    return Change(kind=kind, reason=reason, day=day, from_rank=from_rank, state=after)


def kind_of(from_rank: int, to_rank: int) -> TransitionKind | None:
    """None: the same tier."""
    if from_rank == to_rank:
        return None
    if from_rank == 0:
        return TransitionKind.JOINED
    if to_rank == 0:
        return TransitionKind.LEFT
    return TransitionKind.UPGRADED if to_rank > from_rank else TransitionKind.DOWNGRADED
