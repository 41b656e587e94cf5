"""Corrections: a refund or a late order may take away what the last decision was taken on."""

from dataclasses import replace

from domain.tiers.life_base import with_base
from domain.tiers.life_change import Change, TierReason, moved
from domain.tiers.life_state import StandingState
from domain.tiers.life_visit import LookAt, Visit
from domain.tiers.timing import TierTiming


def correct(timing: TierTiming, state: StandingState, look_at: LookAt, visit: Visit) -> Change | None:
    """An order reaches back behind the last decision: was it right, by what is known now?

    Asked only where today's measure disagrees in the same direction. What was right stays; what was not is taken
    back at most to where it came from.
    """
    if not visit.reaches_back or state.before_rank == state.base_rank:
        return None
    today = look_at(visit.today).rank
    if today == state.base_rank:
        return None
    rank = _justified(state, look_at(state.base_day).rank)
    if rank == state.base_rank or (rank > state.base_rank) != (today > state.base_rank):
        return None
    after = replace(
        with_base(timing, state, rank, visit.today),
        before_rank=state.before_rank,
        base_day=state.base_day,
        falls=state.falls,
    )
    return moved(state, after, reason=TierReason.CORRECTION, day=visit.today)


def _justified(state: StandingState, rank_then: int) -> int:
    """What the last decision would have come to. A join takes whatever the measure gives."""
    if state.before_rank == 0:
        return rank_then
    if state.base_rank > state.before_rank:
        return max(min(rank_then, state.base_rank), state.before_rank)
    return min(max(rank_then, state.base_rank), state.before_rank)
