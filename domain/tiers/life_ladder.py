"""A standing carried over to another version's ladder: by the codes of its tiers, never by their ranks."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from domain.tiers.life_state import StandingState


def on_ladder(state: StandingState, old_codes: Sequence[str], new_codes: Sequence[str]) -> StandingState:
    """Codes run from the lowest tier up. A tier that is gone becomes the next lower one that is still there,
    or the lowest; a trial or an override of a tier that is gone is gone with it.
    """
    if tuple(old_codes) == tuple(new_codes):
        return state
    trial, override = state.trial, state.override
    new_ranks = dict(zip(new_codes, count(1), strict=False))
    if trial:
        rank = new_ranks.get(old_codes[trial.rank - 1])
        trial = replace(trial, rank=rank) if rank else None
    if override:
        rank = new_ranks.get(old_codes[override.rank - 1])
        override = replace(override, rank=rank) if rank else None
    return replace(
        state,
        base_rank=_rank_on(state.base_rank, old_codes, new_ranks),
        before_rank=_rank_on(state.before_rank, old_codes, new_ranks),
        pending=None,
        trial=trial,
        override=override,
    )


def _rank_on(rank: int, old_codes: Sequence[str], new_ranks: dict[str, int]) -> int:
    if rank == 0:
        return 0
    held = (new_ranks[code] for code in reversed(old_codes[:rank]) if code in new_ranks)
    return next(held, 1)
