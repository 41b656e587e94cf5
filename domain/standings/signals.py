"""Finds the signals of a batch: from its decisions, from purchases that brought somebody near, and from silence.

What was raised before in the same period is found again here and left out when it is written.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans
from domain.standings.compute_standings import ActivePolicy, Lives
from domain.standings.lives import Decision, LiveBatch
from domain.tiers.exact import micro
from domain.tiers.life_change import TierReason, TransitionKind
from domain.tiers.life_days import date_of
from domain.tiers.signal import REPEATED_FALLS, SignalKind, TierSignal
from domain.tiers.standing import ORDERED_FACT


def find_signals(
    batch: LiveBatch, lives: Lives, decisions: Sequence[Decision], bought: Booleans
) -> tuple[TierSignal, ...]:
    """`bought`: an order came since the last look. *Cost*: some arithmetic on columns a policy."""
    found = [signal for decision in decisions for signal in _of_decision(decision)]
    for policy, graded in batch.rules.all_arms(batch.history.customer_ids):
        found += _almost_there(batch, lives, policy, bought & graded)
        found += _silent(batch, lives, policy, graded)
    return tuple(found)


def _of_decision(decision: Decision) -> Iterator[TierSignal]:
    change = decision.transition.change
    if change.reason is TierReason.PROTECTED:
        yield _signal(SignalKind.DOWNGRADE_WARNING, decision.row, decision.policy, change.to_rank, change.day)
    if change.kind is TransitionKind.DOWNGRADED and change.state.falls >= REPEATED_FALLS:
        yield _signal(
            SignalKind.REPEATED_DOWNGRADE, decision.row, decision.policy, change.to_rank, change.day
        )


def _almost_there(
    batch: LiveBatch, lives: Lives, policy: ActivePolicy, bought: Booleans
) -> Iterator[TierSignal]:
    """S0-16: against the tier above the one in effect; a score that has reached it waits for a review instead."""
    rule, ranks = policy.version.rule, lives.ranks[:, policy.policy_id]
    scores = batch.measures.micro_scores[policy.policy_id]
    today = batch.rules.calendar.last_whole_day(microseconds(batch.measures.as_of))
    for lower, above in pairwise(rule.tiers):
        if rule.almost_there_gap is None or above.threshold is None:
            continue
        cut = Fraction(above.threshold)
        first, last = micro(cut - rule.almost_there_gap), micro(cut)
        is_near = bought & (ranks == lower.rank) & (scores >= first) & (scores < last)
        for row in np.flatnonzero(is_near).tolist():
            yield _signal(SignalKind.ALMOST_THERE, row, policy, lower.rank, today)


def _silent(batch: LiveBatch, lives: Lives, policy: ActivePolicy, graded: Booleans) -> Iterator[TierSignal]:
    """S0-18: at once, not at a review."""
    timing = policy.version.rule.timing
    if timing.silence_alarm_days is None:
        return
    today = batch.rules.calendar.last_whole_day(microseconds(batch.measures.as_of))
    days = batch.measures.columns[ORDERED_FACT]
    ranks = lives.ranks[:, policy.policy_id]
    is_silent = graded & (days.values >= timing.silence_alarm_days) & (ranks >= timing.silence_alarm_rank)
    if days.known is not None:
        is_silent &= days.known
    for row in np.flatnonzero(is_silent).tolist():
        began = date_of(today - int(days.values[row])).isoformat()
        yield TierSignal(
            row=row,
            policy_id=policy.policy_id,
            version_id=policy.version_id,
            policy_code=policy.version.policy_code,
            kind=SignalKind.CHURN_RISK,
            period=began,
            rank=int(ranks[row]),
        )


def _signal(kind: SignalKind, row: int, policy: ActivePolicy, rank: int, day: int) -> TierSignal:
    return TierSignal(
        row=row,
        policy_id=policy.policy_id,
        version_id=policy.version_id,
        policy_code=policy.version.policy_code,
        kind=kind,
        period=date_of(day).isoformat()[:7],
        rank=rank,
    )
