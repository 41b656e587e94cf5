"""Lives of many standings at once: finds the few that may go on, and takes only those through the state machine.

A life goes on where the measure moved, something dated is due, another version is in force, or an order came that
may raise or correct. All else keeps its rank without being looked at: for a million customers that is arithmetic
on whole columns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans
from domain.customers.order_arrays import CustomerHistory
from domain.standings.compute_standings import ActivePolicy, Lives, Measures, Rules
from domain.standings.first_decisions import FirstDecisions, OccasionOf, find_first_decisions
from domain.standings.looks import Looks
from domain.standings.still import StillStandings, is_large
from domain.standings.stored import StoredLife, StoredStandings
from domain.tiers.life import advance, due_day, join
from domain.tiers.life_change import Change, TierReason, TransitionKind, moved
from domain.tiers.life_days import NEVER_DAY
from domain.tiers.life_ladder import on_ladder
from domain.tiers.life_state import StandingState
from domain.tiers.life_visit import Visit
from domain.tiers.timing import LargeOrder
from domain.tiers.transition import Occasion, TierTransition, record

StoredLives = Mapping[tuple[int, int], StoredLife]
"""By row and policy id."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A transition of the customer in `row`, under the policy with these stored ids.

    `since` and `base_since`: since when the tier in effect after it, and its base, are held.
    """

    row: int
    policy: ActivePolicy
    transition: TierTransition
    since: datetime
    base_since: datetime


def standings_at_stake(
    stored: StoredStandings, measures: Measures, rules: Rules, marked: Booleans
) -> Booleans:
    """*Shape*: bool[rows, policy ids]. `marked`: an order came or changed since the last look."""
    today = rules.calendar.last_whole_day(microseconds(measures.as_of))
    everywhere = ~stored.known | (stored.tiers_due_day <= today)
    # behind a trial or an override the base may differ although the rank in effect does not
    is_lent = stored.tiers_due_day < NEVER_DAY
    may_move = (measures.raw_ranks != stored.ranks) | is_lent[:, None]
    found: Booleans = (
        everywhere[:, None]
        | (stored.versions != measures.versions)
        | (measures.raw_ranks != stored.raw_ranks)
        | (marked[:, None] & may_move)
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveBatch:
    """Everything that decides about the standings of a batch. `at_stake`: but for those that are `still`, whose states
    `lives` need not hold."""

    stored: StoredStandings
    lives: StoredLives
    measures: Measures
    history: CustomerHistory
    rules: Rules
    at_stake: Booleans
    still: StillStandings
    occasion_of: OccasionOf


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a batch. `first_decisions` are those that many have in common."""

    lives: Lives
    decisions: tuple[Decision, ...]
    first_decisions: tuple[FirstDecisions, ...]


def live(batch: LiveBatch) -> Lived:
    """*Cost*: some 10 microseconds a standing at stake, and 0.1 ms a decision; of first ones that many have in
    common, 1 microsecond."""
    is_first = batch.at_stake & ~_has_life(batch)
    first = find_first_decisions(batch.measures, batch.rules, is_first, batch.occasion_of)
    remaining = batch.at_stake.copy()
    for found in first:
        remaining[found.rows, found.policy.policy_id] = False
    lives, decisions = _live_one_by_one(replace(batch, at_stake=remaining))
    for found in first:
        lives.ranks[found.rows, found.policy.policy_id] = found.change.to_rank
        lives.due_day[found.rows] = np.minimum(lives.due_day[found.rows], found.due_day)
    return Lived(lives, decisions, first)


def _has_life(batch: LiveBatch) -> Booleans:
    found = np.zeros(batch.at_stake.shape, np.bool_)
    if batch.lives:
        rows, policies = zip(*batch.lives, strict=True)
        found[list(rows), list(policies)] = True
    return found


def _live_one_by_one(batch: LiveBatch) -> tuple[Lives, tuple[Decision, ...]]:
    rows = np.flatnonzero(_is_looked_at(batch))
    looks = Looks(batch.history, batch.rules, batch.measures, rows)
    still = batch.still
    due_day = np.where(still.rows, still.due_days.min(axis=1), batch.stored.tiers_due_day)
    lives = Lives(ranks=still.ranks.copy(), due_day=due_day)
    decisions: list[Decision] = []
    # lists: asking an array for one value takes longer than most of what is done with it
    at_stake, due_days = batch.at_stake[rows].tolist(), still.due_days[rows].min(axis=1).tolist()
    raw_ranks = batch.measures.raw_ranks[rows].tolist()
    for place, row in enumerate(rows.tolist()):
        occasion, due = batch.occasion_of(row), due_days[place]
        graded_by = batch.rules.policies_of(int(batch.history.customer_ids[row]))
        for policy in (*graded_by, *batch.rules.ended):
            known = batch.lives.get((row, policy.policy_id))
            state = known.state if known else None
            if at_stake[place][policy.policy_id]:
                changes = _changes(batch, looks, row, policy, occasion)
                decisions += _recorded(looks, row, policy, changes, occasion, known)
                state = changes[-1].state if changes else state
            if state:
                lives.ranks[row, policy.policy_id] = state.effective_rank
                due = min(due, _due_day(batch.rules, policy, state, raw_ranks[place], looks.today))
        lives.due_day[row] = due
    return lives, tuple(decisions)


def _is_looked_at(batch: LiveBatch) -> Booleans:
    """Without a standing there is nothing to see but a tier to join."""
    in_force = [policy.policy_id for policy in batch.rules.policies]
    joins = np.zeros(batch.at_stake.shape, np.bool_)
    joins[:, in_force] = batch.measures.raw_ranks[:, in_force] > 0
    today = batch.rules.calendar.last_whole_day(microseconds(batch.measures.as_of))
    is_due = (batch.stored.tiers_due_day <= today) & ~batch.still.rows
    is_partly_still = batch.still.is_still.any(axis=1) & ~batch.still.rows
    found: Booleans = is_due | is_partly_still | (batch.at_stake & (_has_life(batch) | joins)).any(axis=1)
    return found


def _due_day(
    rules: Rules, policy: ActivePolicy, state: StandingState, raw_ranks: list[int], today: int
) -> int:
    if _has_ended(rules, policy):
        return NEVER_DAY
    raw_rank = raw_ranks[policy.policy_id]
    return due_day(policy.version.rule.timing, state, raw_rank=raw_rank, today=today)


def _changes(
    batch: LiveBatch, looks: Looks, row: int, policy: ActivePolicy, occasion: Occasion
) -> list[Change]:
    known = batch.lives.get((row, policy.policy_id))
    if _has_ended(batch.rules, policy):
        return _left(carried_over(batch.rules, known, policy), looks.today) if known else []
    timing = policy.version.rule.timing
    if known is None:
        look = looks.on(looks.today, row, policy)
        reason = TierReason.NEVER_ORDERED if look.never_ordered else occasion.reason
        first = join(timing, look.rank, day=looks.today, reason=reason)
        return [first] if first else []
    state = carried_over(batch.rules, known, policy)
    visit = _visit(batch, looks, row, policy, occasion)
    changes = advance(timing, state, lambda day: looks.on(day, row, policy), visit)
    if not changes and _says_otherwise(batch.rules, known, policy, state):
        return [_renamed(batch.rules, known, policy, state, looks.today)]
    return changes


def _says_otherwise(rules: Rules, known: StoredLife, policy: ActivePolicy, state: StandingState) -> bool:
    """Another ladder has another rank or another code for what is held."""
    if known.version_id == policy.version_id:
        return False
    codes = tuple(tier.code for tier in policy.version.rule.tiers)
    old = (None, *rules.ladders.get(known.version_id, codes))
    held = ((known.state.effective_rank, state.effective_rank), (known.state.base_rank, state.base_rank))
    return state != known.state or any(old[was] != (None, *codes)[now] for was, now in held)


def _renamed(
    rules: Rules, known: StoredLife, policy: ActivePolicy, state: StandingState, today: int
) -> Change:
    """The same standing on another ladder: a fall where the tier that was held is gone."""
    same = moved(state, state, reason=TierReason.POLICY_CHANGE, day=today)
    codes = (None, *rules.ladders[known.version_id])
    held = codes[known.state.effective_rank]
    is_gone = held is not None and policy.version.rule.find_tier(held) is None
    return replace(same, kind=TransitionKind.DOWNGRADED) if is_gone else same


def _has_ended(rules: Rules, policy: ActivePolicy) -> bool:
    return policy in rules.ended


def _left(held: StandingState, today: int) -> list[Change]:
    """The policy has ended: nobody stands anywhere under it, and what was lent there ends with it."""
    if held.effective_rank == 0:
        return []
    gone = StandingState(
        base_rank=0,
        before_rank=held.base_rank,
        base_day=today,
        joined_day=held.joined_day,
        last_trial_day=held.last_trial_day,
    )
    return [moved(held, gone, reason=TierReason.POLICY_CHANGE, day=today)]


def carried_over(rules: Rules, known: StoredLife, policy: ActivePolicy) -> StandingState:
    """Ranks of an older version's ladder, said in this one's."""
    if known.version_id == policy.version_id:
        return known.state
    codes = tuple(tier.code for tier in policy.version.rule.tiers)
    return on_ladder(known.state, rules.ladders.get(known.version_id, codes), codes)


def _visit(batch: LiveBatch, looks: Looks, row: int, policy: ActivePolicy, occasion: Occasion) -> Visit:
    """What was due before the stored review day is done: until then nothing could move (see `review_on`)."""
    stored, today = batch.stored, looks.today
    was, now = (of.versions[row, policy.policy_id] for of in (stored, batch.measures))
    is_other_version = stored.known[row] and was != now
    known, touched_at = batch.lives[row, policy.policy_id], occasion.touched_at
    return Visit(
        today=today,
        after=int(stored.review_day[row]) - 2 if stored.known[row] else today - 1,
        reason=TierReason.POLICY_CHANGE if is_other_version else occasion.reason,
        has_large_order=_is_large(policy.version.rule.timing.large_order, looks, row, occasion.order_cents),
        reaches_back=touched_at is not None and touched_at <= known.base_since,
    )


def _is_large(large: LargeOrder | None, looks: Looks, row: int, cents: int | None) -> bool:
    if cents is None:
        return False
    orders, spend_cents = (looks.fact(row, name) for name in ("orders_90d", "spend_90d"))
    return is_large(large, cents, orders=orders, spend_cents=spend_cents)


def _recorded(
    looks: Looks,
    row: int,
    policy: ActivePolicy,
    changes: list[Change],
    occasion: Occasion,
    known: StoredLife | None,
) -> Iterator[Decision]:
    before, calendar = known, looks.rules.calendar
    for change in changes:
        seen = looks.seen(change.day, row, policy)
        made = record(policy.version, seen, change, occasion=occasion, calendar=calendar)
        before = life_after(before, made, policy.version_id)
        yield Decision(row, policy, made, before.since, before.base_since)


def life_after(before: StoredLife | None, made: TierTransition, version_id: int) -> StoredLife:
    """A correction says what the decision before it should have been, so it leaves the base as old as it was."""
    change, at = made.change, made.effective_at
    keeps_tier = before is not None and change.from_rank == change.to_rank
    keeps_base = before is not None and (
        change.reason is TierReason.CORRECTION or _base(before.state) == _base(change.state)
    )
    return StoredLife(
        version_id=version_id,
        state=change.state,
        since=before.since if before and keeps_tier else at,
        base_since=before.base_since if before and keeps_base else at,
    )


def _base(state: StandingState) -> tuple[int, int, int]:
    return state.base_rank, state.before_rank, state.base_day
