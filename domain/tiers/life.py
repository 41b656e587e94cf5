"""The life of a standing as a pure state machine: what each look at a customer makes of the last state.

A look happens when a business day opens or an event came. `advance` first goes through the midnights that
passed unseen and mattered (a month, a trial, an override or a validity ended), each judged by the measure as of
that midnight, then through today. So looking each day and looking only when something is due come to the same.
"""

from collections.abc import Iterator
from dataclasses import replace

from domain.tiers.life_base import validity, with_base
from domain.tiers.life_change import Change, TierReason, TransitionKind, moved
from domain.tiers.life_correction import correct
from domain.tiers.life_days import NEVER_DAY, month_end_after
from domain.tiers.life_state import Pending, StandingState
from domain.tiers.life_visit import Look, LookAt, Visit
from domain.tiers.timing import Cadence, DowngradeMode, TierTiming, UpgradeTiming


def join(timing: TierTiming, rank: int, *, day: int, reason: TierReason) -> Change | None:
    """The first decision about a customer of whom the measure makes `rank`; None: it gives them no tier."""
    if rank == 0:
        return None
    state = StandingState(base_rank=0, before_rank=0, base_day=day, joined_day=day)
    return moved(None, with_base(timing, state, rank, day), reason=reason, day=day)


def advance(timing: TierTiming, state: StandingState, look_at: LookAt, visit: Visit) -> list[Change]:
    """Every decision from the last look to this one, oldest first; none: the state stays as it is.

    At most one decision of a kind is taken as of one day.
    """
    return list(_decisions(timing, state, look_at, visit))


def next_day(timing: TierTiming, state: StandingState, *, after: int) -> int:
    """The first day after `after` at whose end something is due, whatever the measure says; NEVER_DAY: none."""
    dated = _next_dated_day(timing, state, after=after)
    return min(dated, month_end_after(after)) if timing.cadence is Cadence.MONTHLY else dated


def due_day(timing: TierTiming, state: StandingState, *, raw_rank: int, today: int) -> int:
    """The first day on which somebody must look although the measure stays `raw_rank`; NEVER_DAY: none."""
    found = _next_dated_day(timing, state, after=today - 1)
    if not _is_settled(timing, state, raw_rank):
        if timing.cadence is Cadence.DAILY:
            found = today
        elif timing.cadence is Cadence.MONTHLY:
            found = min(found, month_end_after(today - 1))
    return min(found + 1, NEVER_DAY)


def _next_dated_day(timing: TierTiming, state: StandingState, *, after: int) -> int:
    """What was overdue is due on the next day."""
    days = [lent.last_day for lent in (state.override, state.trial) if lent]
    if state.valid_day is not None:
        days.append(state.valid_day if after < state.valid_day else state.valid_day + timing.grace_days)
    return max(min(days, default=NEVER_DAY), after + 1)


def _is_settled(timing: TierTiming, state: StandingState, raw_rank: int) -> bool:
    """A scheduled review with this measure would change nothing."""
    if state.pending:
        return False
    falls = timing.downgrade is not DowngradeMode.NONE
    return raw_rank == state.base_rank or (raw_rank < state.base_rank and not falls)


def _decisions(timing: TierTiming, state: StandingState, look_at: LookAt, visit: Visit) -> Iterator[Change]:
    day = visit.after
    while (day := next_day(timing, state, after=day)) < visit.today:
        for step in (_end_override, _end_trial, _expire, _review_month):
            change = step(timing, state, look_at, day)
            if change:
                state = change.state
                yield change
    for live_step in (correct, _look_today):
        change = live_step(timing, state, look_at, visit)
        if change:
            state = change.state
            yield change


def _end_override(timing: TierTiming, state: StandingState, look_at: LookAt, day: int) -> Change | None:  # noqa: ARG001
    if state.override is None or state.override.last_day > day:
        return None
    return ended_override(state, day=day)


def ended_override(state: StandingState, *, day: int) -> Change:
    after = replace(state, override=None)
    return Change(
        kind=TransitionKind.OVERRIDE_ENDED,
        reason=TierReason.MANUAL,
        day=day,
        from_rank=state.effective_rank,
        state=after,
    )


def _end_trial(timing: TierTiming, state: StandingState, look_at: LookAt, day: int) -> Change | None:  # noqa: ARG001
    if state.trial is None or state.trial.last_day > day:
        return None
    return ended_trial(state, day=day)


def ended_trial(state: StandingState, *, day: int) -> Change:
    after = replace(state, trial=None)
    return Change(
        kind=TransitionKind.TRIAL_ENDED,
        reason=TierReason.TRIAL,
        day=day,
        from_rank=state.effective_rank,
        state=after,
    )


def _expire(timing: TierTiming, state: StandingState, look_at: LookAt, day: int) -> Change | None:
    """At the end of the validity: kept where still deserved; else, after the grace, down."""
    if state.valid_day is None or day < state.valid_day:
        return None
    look = look_at(day)
    if look.rank >= state.base_rank:
        return _prolonged(timing, state, day)
    if day < state.valid_day + timing.grace_days:
        return None
    if timing.downgrade is DowngradeMode.NONE:
        return _prolonged(timing, state, day)
    return _fallen(timing, state, look.rank, day=day, reason=TierReason.EXPIRY)


def _prolonged(timing: TierTiming, state: StandingState, day: int) -> Change:
    after = replace(state, valid_day=validity(timing, state, day), pending=None)
    return moved(state, after, reason=TierReason.EXPIRY, day=day)


def _review_month(timing: TierTiming, state: StandingState, look_at: LookAt, day: int) -> Change | None:
    """S0-11: on the 1st, as of its 00:00, which is the end of the last day of the month."""
    if timing.cadence is not Cadence.MONTHLY or month_end_after(day - 1) != day:
        return None
    return _review(timing, state, look_at(day), day=day, reason=TierReason.MONTHLY)


def _look_today(timing: TierTiming, state: StandingState, look_at: LookAt, visit: Visit) -> Change | None:
    look = look_at(visit.today)
    change = _decided_today(timing, state, look, visit)
    is_in_grace = state.valid_day is not None and state.valid_day < visit.today
    if change is None and is_in_grace and look.rank >= state.base_rank:
        return _prolonged(timing, state, visit.today)
    return change


def _decided_today(timing: TierTiming, state: StandingState, look: Look, visit: Visit) -> Change | None:
    day = visit.today
    if visit.reason is TierReason.POLICY_CHANGE:
        return _regrade(timing, state, look, day)
    if timing.cadence is Cadence.REALTIME:
        return _review(timing, state, look, day=day, reason=visit.reason)
    if timing.cadence is Cadence.DAILY and visit.is_opening:
        return _review(timing, state, look, day=day, reason=TierReason.DAILY)
    if state.base_rank == 0 or _rises_now(timing, visit):
        return _risen(timing, state, look, day=day, reason=visit.reason)
    return None


def _rises_now(timing: TierTiming, visit: Visit) -> bool:
    """Between reviews a policy may only raise (S0-12)."""
    if timing.upgrade is UpgradeTiming.AT_ONCE_ON_LARGE_ORDER:
        return visit.has_large_order
    return timing.upgrade is UpgradeTiming.AT_ONCE


def _risen(
    timing: TierTiming, state: StandingState, look: Look, *, day: int, reason: TierReason
) -> Change | None:
    if look.rank <= state.base_rank:
        return None
    return moved(state, with_base(timing, state, look.rank, day), reason=reason, day=day)


def _review(
    timing: TierTiming, state: StandingState, look: Look, *, day: int, reason: TierReason
) -> Change | None:
    """Both directions. A tier whose validity lasts does not fall."""
    if look.rank == state.base_rank:
        settled = replace(state, pending=None)
        return moved(state, settled, reason=reason, day=day) if state.pending else None
    if look.rank > state.base_rank:
        if _is_ripe(state, look, timing.upper_reviews, timing.margin_percent):
            return _risen(timing, state, look, day=day, reason=reason)
        return _waiting(state, look, day=day, reason=reason)
    if timing.downgrade is DowngradeMode.NONE or _is_kept(timing, state, day):
        return None
    if _is_ripe(state, look, timing.lower_reviews, timing.margin_percent):
        return _fallen(timing, state, look.rank, day=day, reason=reason)
    return _waiting(state, look, day=day, reason=TierReason.PROTECTED)


def _is_ripe(state: StandingState, look: Look, needed: int, margin_percent: int | None) -> bool:
    if state.base_rank == 0 or _reviews_seen(state, look.rank) >= needed:
        return True
    return margin_percent is not None and look.is_past_margin(state.base_rank)


def _reviews_seen(state: StandingState, rank: int) -> int:
    """In a row and on the same side of the tier, this one included."""
    pending = state.pending
    if pending is None or (pending.rank > state.base_rank) != (rank > state.base_rank):
        return 1
    return pending.reviews + 1


def _waiting(state: StandingState, look: Look, *, day: int, reason: TierReason) -> Change:
    seen = _reviews_seen(state, look.rank)
    first_day = state.pending.first_day if state.pending and seen > 1 else day
    after = replace(state, pending=Pending(rank=look.rank, reviews=seen, first_day=first_day))
    return moved(state, after, reason=reason, day=day)


def _is_kept(timing: TierTiming, state: StandingState, day: int) -> bool:
    return state.valid_day is not None and day <= state.valid_day + timing.grace_days


def _fallen(
    timing: TierTiming, state: StandingState, raw_rank: int, *, day: int, reason: TierReason
) -> Change:
    one_down = max(raw_rank, state.base_rank - 1)
    rank = raw_rank if timing.downgrade is DowngradeMode.TO_RAW else one_down
    return moved(state, with_base(timing, state, rank, day), reason=reason, day=day)


def _regrade(timing: TierTiming, state: StandingState, look: Look, day: int) -> Change | None:
    """Another version is in force: everybody stands where it puts them, but for tiers that were promised."""
    if look.rank == state.base_rank or (look.rank < state.base_rank and _is_kept(timing, state, day)):
        return None
    return moved(state, with_base(timing, state, look.rank, day), reason=TierReason.POLICY_CHANGE, day=day)
