"""First decisions of many customers at once, as columns.

A first decision depends on the tier that the measure gives and on nothing else: the state machine is asked once a
tier, and all who are in it share the answer. What differs between them is what they were measured by.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans, Column, chosen_rows
from domain.standings.compute_standings import ActivePolicy, Measures, Rules
from domain.tiers.life import due_day, join
from domain.tiers.life_change import Change, TierReason
from domain.tiers.measure import RankMeasure, ScoreMeasure
from domain.tiers.ranking import FrozenRanking
from domain.tiers.standing import ORDERED_FACT
from domain.tiers.transition import Occasion

FEWEST = 16
"""Fewer of a kind are decided one by one: columns of a few rows cost more than the rows."""

OccasionOf = Callable[[int], Occasion]
"""Why the customer in a row is looked at again."""
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placings:
    """Places in the ranking of the night: `ranks` has a column for each ranked fact, and `inside` one for each
    tier of `cuts`."""

    customers: int
    cuts: tuple[tuple[str, int], ...]
    ranks: tuple[NDArray[np.int64], ...]
    inside: Booleans


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstDecisions:
    """The same decision about the customers in `rows`, and the columns of its evidence.

    `micro_scores` and `placings` None: the measure has none."""

    policy: ActivePolicy
    change: Change
    due_day: int
    rows: Rows
    as_of: datetime
    decided_at: datetime
    facts: Mapping[str, Column]
    micro_scores: NDArray[np.int64] | None
    placings: Placings | None

    @property
    def effective_at(self) -> datetime:
        return min(self.as_of, self.decided_at)


def find_first_decisions(
    measures: Measures, rules: Rules, is_first: Booleans, occasion_of: OccasionOf
) -> tuple[FirstDecisions, ...]:
    """`is_first[row, policy id]`: looked at and without a standing. Those of kinds too few are left out."""
    rows = np.flatnonzero((is_first & (measures.raw_ranks > 0)).any(axis=1))
    if len(rows) < FEWEST:
        return ()
    places = {reason: place for place, reason in enumerate(TierReason)}
    reasons = np.array([places[occasion_of(row).reason] for row in rows.tolist()])
    decided_at = occasion_of(int(rows[0])).decided_at
    found = []
    for policy, graded in rules.all_arms(measures.columns["customer_id"].values[rows]):
        at = policy.policy_id
        here = graded & is_first[rows, at] & (measures.raw_ranks[rows, at] > 0)
        for kind in _kinds(measures, policy, rows[here], reasons[here]):
            if len(kind.rows) >= FEWEST:
                found.append(_decided(measures, rules, policy, kind, decided_at))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Kind:
    rows: Rows
    rank: int
    reason: TierReason
    has_ordered: bool


def _kinds(
    measures: Measures, policy: ActivePolicy, rows: Rows, reasons: NDArray[np.intp]
) -> Iterator[_Kind]:
    has_ordered = _has_ordered(measures, rows)
    ranks = measures.raw_ranks[rows, policy.policy_id].astype(np.intp)
    all_reasons = list(TierReason)
    never = all_reasons.index(TierReason.NEVER_ORDERED)
    reasons = np.where(has_ordered, reasons, never)
    keys = (ranks * len(all_reasons) + reasons) * 2 + has_ordered
    for key in np.unique(keys).tolist():
        rank, reason = divmod(key // 2, len(all_reasons))
        yield _Kind(rows[keys == key], rank, all_reasons[reason], bool(key % 2))


def _has_ordered(measures: Measures, rows: Rows) -> Booleans:
    known = measures.columns[ORDERED_FACT].known
    return np.ones(len(rows), np.bool_) if known is None else known[rows]


def _decided(
    measures: Measures, rules: Rules, policy: ActivePolicy, kind: _Kind, decided_at: datetime
) -> FirstDecisions:
    timing = policy.version.rule.timing
    today = rules.calendar.last_whole_day(microseconds(measures.as_of))
    change = join(timing, kind.rank, day=today, reason=kind.reason)
    assert change is not None, "a rank above 0 is a tier to join"
    placings = _placings(measures, policy, kind.rows) if kind.has_ordered else None
    has_score = placings is not None or isinstance(policy.version.rule.measure, ScoreMeasure)
    return FirstDecisions(
        policy=policy,
        change=change,
        due_day=due_day(timing, change.state, raw_rank=kind.rank, today=today),
        rows=kind.rows,
        as_of=rules.calendar.end_of_day(today),
        decided_at=decided_at,
        facts=chosen_rows({name: measures.columns[name] for name in policy.evidence_facts}, kind.rows),
        micro_scores=measures.micro_scores[policy.policy_id][kind.rows] if has_score else None,
        placings=placings,
    )


def _placings(measures: Measures, policy: ActivePolicy, rows: Rows) -> Placings | None:
    """As `domain.tiers.standing.placing_of`, for many."""
    measure = policy.version.rule.measure
    if not isinstance(measure, RankMeasure) or measure.frozen is None:
        return None
    frozen = measure.frozen
    ranks = tuple(
        fact.doubled_ranks(measures.columns[quantity.fact].values[rows])
        for quantity, fact in zip(measure.quantities, frozen.facts, strict=True)
    )
    place = (
        np.sum(ranks, axis=0),
        measures.columns["last_order_at"].values[rows],
        -measures.columns["customer_id"].values[rows],
    )
    return Placings(
        customers=frozen.customers,
        cuts=tuple((code, cut.value) for code, cut in frozen.cuts.items()),
        ranks=ranks,
        inside=_inside(frozen, place),
    )


def _inside(frozen: FrozenRanking, place: tuple[NDArray[np.int64], ...]) -> Booleans:
    """Whether each place is at a cut or before it, by value, then by the later order, then by the lower id."""
    inside = np.zeros((len(place[0]), len(frozen.cuts)), np.bool_)
    for at, cut in enumerate(frozen.cuts.values()):
        reaches = place[2] >= cut.lowest_id
        for mine, its in ((place[1], cut.newest_first), (place[0], cut.value)):
            reaches = (mine > its) | ((mine == its) & reaches)
        inside[:, at] = reaches
    return inside
