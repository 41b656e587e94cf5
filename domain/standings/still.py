"""Finds the standings of which a look decides nothing, by arithmetic on columns.

An order that a customer places moves few of their standings: the others are as the measure has them, or wait for a
review. What follows says so of whole columns, for the ordinary cases, exactly as `domain.tiers.life.advance` would one
by one; states are read, and taken through the machine, only of customers for whom it cannot say so.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans
from domain.standings.compute_standings import ActivePolicy, Measures, Rules
from domain.standings.first_decisions import OccasionOf
from domain.standings.stored import StoredStandings
from domain.tiers.life_change import TierReason
from domain.tiers.life_days import NEVER_DAY, date_of, day_of, month_end_after
from domain.tiers.timing import Cadence, DowngradeMode, LargeOrder, TierTiming, UpgradeTiming

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldStandings:
    """What is stored of some standings, one place each; `valid_day` is NEVER_DAY where a tier has no end.

    `is_lent`: a trial or an override lies above the base tier; `is_pending`: a change of it waits for a review."""

    rows: NDArray[np.intp]
    policy_ids: NDArray[np.intp]
    version_ids: Integers
    base_ranks: Integers
    before_ranks: Integers
    base_since_us: Integers
    valid_day: Integers
    is_lent: Booleans
    is_pending: Booleans

    def where(self, chosen: Booleans) -> "HeldStandings":
        return HeldStandings(**{name: getattr(self, name)[chosen] for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StillStandings:
    """`is_still[row, policy id]`, with the rank in effect and the day it is due. In `rows`: of whom all standings are,
    and who has nothing to join. `may_move`: where there is a state to read."""

    is_still: Booleans
    may_move: Booleans
    ranks: NDArray[np.uint8]
    rows: Booleans
    due_days: Integers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Marks:
    """By row, what the occasions say; `touched_us` is past all moments where no order changed."""

    is_policy_change: Booleans
    touched_us: Integers
    order_cents: Integers


def none_still(stored: StoredStandings) -> StillStandings:
    return StillStandings(
        is_still=np.zeros(stored.ranks.shape, np.bool_),
        may_move=np.ones(stored.ranks.shape, np.bool_),
        ranks=stored.ranks,
        rows=np.zeros(len(stored.known), np.bool_),
        due_days=np.full(stored.ranks.shape, NEVER_DAY),
    )


def find_still(
    held: HeldStandings,
    stored: StoredStandings,
    measures: Measures,
    rules: Rules,
    occasion_of: OccasionOf,
) -> StillStandings:
    """`held`: every standing of the rows at stake. *Cost*: 20 operations on columns a policy."""
    today = rules.calendar.last_whole_day(microseconds(measures.as_of))
    marks = _marks(np.unique(held.rows), len(stored.known), occasion_of)
    is_still, ranks = np.zeros(stored.ranks.shape, np.bool_), stored.ranks.copy()
    due_days = np.full(stored.ranks.shape, NEVER_DAY)
    joins = np.zeros(stored.ranks.shape, np.bool_)
    for policy, graded in rules.all_arms(measures.columns["customer_id"].values):
        at = policy.policy_id
        joins[:, at] |= graded & (measures.raw_ranks[:, at] > 0)
        mine = held.where(
            (held.policy_ids == at) & (held.version_ids == policy.version_id) & graded[held.rows]
        )
        rests = _rests(mine, stored, measures, policy, marks, today)
        rows = mine.rows[rests]
        is_still[rows, at] = True
        ranks[rows, at] = mine.base_ranks[rests]
        due_days[rows, at] = _due_days(mine, measures, policy, today)[rests]
    may_move = np.zeros_like(is_still)
    may_move[held.rows, held.policy_ids] = ~is_still[held.rows, held.policy_ids]
    goes_on = may_move | (joins & ~is_still)
    at_rest: Booleans = np.logical_and(is_still.any(axis=1), np.logical_not(goes_on.any(axis=1)))
    return StillStandings(is_still=is_still, may_move=may_move, ranks=ranks, rows=at_rest, due_days=due_days)


def _marks(rows: NDArray[np.intp], size: int, occasion_of: OccasionOf) -> _Marks:
    found = _Marks(
        is_policy_change=np.zeros(size, np.bool_),
        touched_us=np.full(size, np.iinfo(np.int64).max),
        order_cents=np.full(size, -1),
    )
    for row in rows.tolist():
        occasion = occasion_of(row)
        found.is_policy_change[row] = occasion.reason is TierReason.POLICY_CHANGE
        if occasion.touched_at is not None:
            found.touched_us[row] = microseconds(occasion.touched_at)
        if occasion.order_cents is not None:
            found.order_cents[row] = occasion.order_cents
    return found


def _rests(
    held: HeldStandings,
    stored: StoredStandings,
    measures: Measures,
    policy: ActivePolicy,
    marks: _Marks,
    today: int,
) -> Booleans:
    """Under one policy. As `advance`: nothing was due on a day before today, and nothing is decided today."""
    rows, timing = held.rows, policy.version.rule.timing
    raw_ranks, is_as_measured = _compared(held, measures, policy)
    after = stored.review_day[rows] - 2
    is_known = stored.known & (stored.versions[:, policy.policy_id] == measures.versions[:, policy.policy_id])
    lasts = is_known[rows] & ~held.is_lent & (held.valid_day >= today)
    if timing.cadence is Cadence.MONTHLY:
        lasts &= after >= day_of(date_of(today).replace(day=1) - timedelta(days=1))
    corrects = (marks.touched_us[rows] <= held.base_since_us) & (held.before_ranks != held.base_ranks)
    waits = ~marks.is_policy_change[rows] & ~corrects & (held.base_ranks > 0)
    if timing.cadence is Cadence.REALTIME:
        waits &= (raw_ranks < held.base_ranks) & _is_kept(timing, held)
    else:
        waits &= ~_rises(timing, held, raw_ranks, measures, marks)
        if timing.cadence is Cadence.DAILY:
            waits &= after >= today - 1
    rests: Booleans = lasts & ((is_as_measured & ~held.is_pending) | waits)
    return rests


def _compared(
    held: HeldStandings, measures: Measures, policy: ActivePolicy
) -> tuple[NDArray[np.uint8], Booleans]:
    raw_ranks = measures.raw_ranks[held.rows, policy.policy_id]
    return raw_ranks, raw_ranks == held.base_ranks


def _is_kept(timing: TierTiming, held: HeldStandings) -> Booleans:
    """A tier whose validity lasts does not fall, and under some policies none does."""
    return (held.valid_day < NEVER_DAY) | (timing.downgrade is DowngradeMode.NONE)


def _rises(
    timing: TierTiming,
    held: HeldStandings,
    raw_ranks: NDArray[np.uint8],
    measures: Measures,
    marks: _Marks,
) -> Booleans:
    """Between reviews a policy may only raise (S0-12)."""
    higher: Booleans = raw_ranks > held.base_ranks
    if timing.upgrade is UpgradeTiming.AT_REVIEW:
        return np.zeros_like(higher)
    if timing.upgrade is UpgradeTiming.AT_ONCE_ON_LARGE_ORDER:
        for place in np.flatnonzero(higher).tolist():
            row = held.rows[place]
            orders, spend = (int(measures.columns[name].values[row]) for name in ("orders_90d", "spend_90d"))
            cents = int(marks.order_cents[row])
            higher[place] = cents >= 0 and is_large(
                timing.large_order, cents, orders=orders, spend_cents=spend
            )
    return higher


def is_large(large: LargeOrder | None, cents: int, *, orders: int, spend_cents: int) -> bool:
    """S0-12: by amount, or against the mean of the customer's other orders of 90 days. `orders`: with this one."""
    if large is None:
        return False
    others = orders - 1
    is_far_above = others > 0 and cents * others >= large.times_own_mean * (spend_cents - cents)
    return cents >= large.cents or is_far_above


def _due_days(held: HeldStandings, measures: Measures, policy: ActivePolicy, today: int) -> Integers:
    """`domain.tiers.life.due_day`, of standings at rest."""
    timing = policy.version.rule.timing
    raw_ranks, is_as_measured = _compared(held, measures, policy)
    never_falls = timing.downgrade is DowngradeMode.NONE
    is_settled = ~held.is_pending & (is_as_measured | (never_falls & (raw_ranks < held.base_ranks)))
    found = held.valid_day
    if timing.cadence is Cadence.DAILY:
        found = np.where(is_settled, found, today)
    elif timing.cadence is Cadence.MONTHLY:
        found = np.where(is_settled, found, np.minimum(found, month_end_after(today - 1)))
    return np.minimum(found + 1, NEVER_DAY)
