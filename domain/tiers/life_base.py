"""What a decision about the base tier does to the rest of the state."""

from dataclasses import replace

from domain.tiers.life_days import year_end_from
from domain.tiers.life_state import StandingState
from domain.tiers.timing import ExpiryAnchor, TierTiming


def with_base(timing: TierTiming, state: StandingState, rank: int, day: int) -> StandingState:
    """The state after the rule decided on another rank."""
    fell = rank < state.base_rank
    after = replace(
        state,
        base_rank=rank,
        before_rank=state.base_rank,
        base_day=day,
        pending=None,
        falls=state.falls + 1 if fell else 0,
    )
    is_over = state.valid_day is None or state.valid_day < day
    restarts = fell or is_over or timing.expiry_anchor is ExpiryAnchor.TIER_START
    return replace(after, valid_day=validity(timing, after, day) if restarts else state.valid_day)


def validity(timing: TierTiming, state: StandingState, day: int) -> int | None:
    """The last day of a validity that begins now. The lowest tier is kept without one: nothing is below it."""
    if timing.validity_days is None or state.base_rank <= 1:
        return None
    if timing.expiry_anchor is ExpiryAnchor.CALENDAR:
        return year_end_from(day + timing.validity_days)
    if timing.expiry_anchor is ExpiryAnchor.PROGRAM_JOIN:
        years = (day - state.joined_day) // timing.validity_days + 1
        return state.joined_day + years * timing.validity_days
    return day + timing.validity_days
