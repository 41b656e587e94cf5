"""The state of one standing: what was decided, what is lent on top of it, and what is being waited for.

Days are business days of the shop, numbered from 1970-01-01. "Until day n" means to the midnight that ends it.
"""

from dataclasses import dataclass
from enum import StrEnum


class OverrideKind(StrEnum):
    """Why a person set a tier by hand."""

    SERVICE_RECOVERY = "SERVICE_RECOVERY"
    STATUS_MATCH = "STATUS_MATCH"
    CONTRACT = "CONTRACT"
    DATA_ERROR = "DATA_ERROR"
    RISK = "RISK"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTrial:
    """A higher tier to try; its last day included (S0-17)."""

    rank: int
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A tier set by a person, above or below the measured one; its last day included."""

    rank: int
    first_day: int
    last_day: int
    kind: OverrideKind
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The measure left the tier in so many scheduled reviews in a row; `rank` is where the last one saw it."""

    rank: int
    reviews: int
    first_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingState:
    """`base_rank` is what the rule decided, `before_rank` what it was before that, `base_day` as of which day.

    Rank 0: no tier. `valid_day`: the last day the base tier is kept whatever the measure says; None: no such.
    `falls`: downgrades in a row (S0-18). `last_trial_day`: the first day of the latest trial, also an ended one.
    """

    base_rank: int
    before_rank: int
    base_day: int
    joined_day: int
    valid_day: int | None = None
    pending: Pending | None = None
    falls: int = 0
    trial: RunningTrial | None = None
    last_trial_day: int | None = None
    override: Override | None = None

    @property
    def effective_rank(self) -> int:
        """The override where there is one, else the better of base and trial."""
        if self.override:
            return self.override.rank
        return max(self.base_rank, self.trial.rank) if self.trial else self.base_rank

    @property
    def is_protected(self) -> bool:
        """Kept although the measure has fallen (S0-18)."""
        return self.pending is not None and self.pending.rank < self.base_rank
