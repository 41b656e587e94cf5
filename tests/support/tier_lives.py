"""Measures by day and the looks of a worker at them: what the laws of a standing's life are tried on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from hypothesis import strategies as st

from domain.tiers.life import advance, due_day, join
from domain.tiers.life_change import Change, TierReason
from domain.tiers.life_days import day_of
from domain.tiers.life_state import StandingState
from domain.tiers.life_visit import Visit
from domain.tiers.timing import (
    Cadence,
    DowngradeMode,
    ExpiryAnchor,
    LargeOrder,
    TierTiming,
    TierTrial,
    UpgradeTiming,
    timing_problems,
)

LARGE = LargeOrder(cents=1_000_000, times_own_mean=3)


def day(text: str) -> int:
    return day_of(date.fromisoformat(text))


@dataclass(frozen=True, slots=True)
class Measured:
    """`domain.tiers.life.Look`."""

    rank: int
    is_past: bool = False

    def is_past_margin(self, base_rank: int) -> bool:
        return self.is_past


@dataclass(slots=True)
class Life:
    """One customer under one policy. `rank_on`: what the measure gives as of the end of a day."""

    timing: TierTiming
    rank_on: Callable[[int], int]
    state: StandingState | None = None
    review_day: int = 0
    log: list[Change] = field(default_factory=list)
    is_past: bool = False

    def look(
        self,
        today: int,
        *,
        reason: TierReason = TierReason.EVENT,
        has_large_order: bool = False,
        reaches_back: bool = False,
    ) -> list[Change]:
        """What a worker does with the customer on a day; the changes of this look."""
        found = self._changes(today, reason, has_large_order, reaches_back)
        self.log += found
        if found:
            self.state = found[-1].state
        self.review_day = self._review_day(today)
        return found

    def _changes(
        self, today: int, reason: TierReason, has_large_order: bool, reaches_back: bool
    ) -> list[Change]:
        if self.state is None:
            first = join(self.timing, self.rank_on(today), day=today, reason=reason)
            return [first] if first else []
        visit = Visit(
            today=today,
            after=self.review_day - 2,
            reason=reason,
            has_large_order=has_large_order,
            reaches_back=reaches_back,
        )
        return advance(self.timing, self.state, self._measured, visit)

    def _measured(self, on: int) -> Measured:
        return Measured(self.rank_on(on), self.is_past)

    def _review_day(self, today: int) -> int:
        """The next day on which the measure is another or something else is due."""
        rank = self.rank_on(today)
        moves = next((d for d in range(today + 1, today + 400) if self.rank_on(d) != rank), today + 400)
        if self.state is None:
            return moves
        return min(moves, due_day(self.timing, self.state, raw_rank=rank, today=today))

    def night(self, today: int) -> list[Change]:
        """The opening of a day: looks only where something is due."""
        return self.look(today, reason=TierReason.DAILY) if self.review_day <= today else []

    def kinds(self) -> list[tuple[str, str, int, int]]:
        return [(c.kind.value, c.reason.value, c.from_rank, c.to_rank) for c in self.log]


def steps(*pairs: tuple[str, int]) -> Callable[[int], int]:
    """A measure that is `rank` from each day on."""
    points = [(day(text), rank) for text, rank in pairs]

    def rank_on(on: int) -> int:
        return [rank for first, rank in points if first <= on][-1]

    return rank_on


def listed(first_day: int, ranks: Sequence[int]) -> Callable[[int], int]:
    def rank_on(on: int) -> int:
        return ranks[max(0, min(on - first_day, len(ranks) - 1))]

    return rank_on


@st.composite
def timings(draw: st.DrawFn) -> TierTiming:
    """Every sound combination, short enough that much happens in a few months."""
    cadence = draw(st.sampled_from(Cadence))
    keeps = cadence is Cadence.ANNIVERSARY or draw(st.booleans())
    anchors = [anchor for anchor in ExpiryAnchor if anchor is not ExpiryAnchor.NONE]
    is_realtime = cadence is Cadence.REALTIME
    reviews = st.just(1) if is_realtime else st.integers(1, 3)
    modes = [mode for mode in DowngradeMode if not (is_realtime and mode is DowngradeMode.ONE_STEP)]
    timing = TierTiming(
        cadence=cadence,
        upgrade=draw(st.sampled_from(UpgradeTiming)),
        large_order=LARGE,
        upper_reviews=draw(reviews),
        downgrade=draw(st.sampled_from(modes)),
        lower_reviews=draw(reviews),
        margin_percent=draw(st.sampled_from([None, 10])),
        validity_days=draw(st.integers(1, 40)) if keeps else None,
        expiry_anchor=draw(st.sampled_from(anchors)) if keeps else ExpiryAnchor.NONE,
        grace_days=draw(st.integers(0, 9)) if keeps else 0,
        trial=TierTrial(days=14, once_in_days=60),
    )
    assert timing_problems(timing) == ()
    return timing
