"""What people do to a standing: a trial, a tier set by hand, and their early ends."""

from dataclasses import replace

from domain.errors import DomainError, ErrorCode
from domain.tiers.life import ended_override, ended_trial
from domain.tiers.life_change import Change, TierReason, TransitionKind
from domain.tiers.life_state import Override, RunningTrial, StandingState
from domain.tiers.timing import TierTiming

LONGEST_REASON = 500


def start_trial(timing: TierTiming, state: StandingState, *, highest_rank: int, today: int) -> Change | None:
    """One tier up for whole days from tomorrow on, and the rest of today (S0-17). None: a trial is running.

    *Errors*: DomainError where the policy has no trials, there is no tier above, or the last trial is too near.
    """
    if state.trial:
        return None
    if timing.trial is None:
        raise DomainError(ErrorCode.WRONG_STATE, "This policy has no trials: choose another.", ("policy",))
    if state.override:
        message = "A tier set by hand would hide the trial: end the override first."
        raise DomainError(ErrorCode.WRONG_STATE, message, ("customer",))
    if state.base_rank >= highest_rank:
        message = "This customer holds the highest tier: there is none above to try."
        raise DomainError(ErrorCode.NO_TIER_ABOVE, message, ("customer",))
    _check_last_trial(state, once_in_days=timing.trial.once_in_days, today=today)
    trial = RunningTrial(rank=state.base_rank + 1, first_day=today, last_day=today + timing.trial.days)
    after = replace(state, trial=trial, last_trial_day=today)
    return _change(TransitionKind.TRIAL_STARTED, TierReason.TRIAL, state, after, today)


def end_trial(state: StandingState, *, today: int) -> Change | None:
    """Before its time; it counts as tried. None: there is none."""
    return ended_trial(state, day=today) if state.trial else None


def set_override(state: StandingState, override: Override, *, today: int) -> Change | None:
    """Replaces the one there is. None: the same is in effect already.

    *Errors*: DomainError for an end in the past, or a reason that says nothing or too much.
    """
    if override.last_day < today:
        message = "This override would be over already: choose an end in the future."
        raise DomainError(ErrorCode.IN_THE_PAST, message, ("endsAt",))
    if not override.reason.strip():
        raise DomainError(ErrorCode.REQUIRED, "Say why in a few words.", ("reason",))
    if len(override.reason) > LONGEST_REASON:
        message = f"Say why in at most {LONGEST_REASON} characters."
        raise DomainError(ErrorCode.TOO_LONG, message, ("reason",))
    if state.override and replace(override, first_day=state.override.first_day) == state.override:
        return None
    return _change(
        TransitionKind.OVERRIDDEN, TierReason.MANUAL, state, replace(state, override=override), today
    )


def end_override(state: StandingState, *, today: int) -> Change | None:
    """Before its time. None: there is none."""
    return ended_override(state, day=today) if state.override else None


def _check_last_trial(state: StandingState, *, once_in_days: int, today: int) -> None:
    last = state.last_trial_day
    if last is not None and today - last < once_in_days:
        wait = once_in_days - (today - last)
        message = f"A customer may try a higher tier once in {once_in_days} days: wait {wait} more."
        raise DomainError(ErrorCode.TRIAL_TOO_SOON, message, ("customer",))


def _change(
    kind: TransitionKind, reason: TierReason, before: StandingState, after: StandingState, day: int
) -> Change:
    return Change(kind=kind, reason=reason, day=day, from_rank=before.effective_rank, state=after)
