"""What differs between stored standings and computed ones: the only thing that is ever written."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.conditions.numpy_reader import Booleans
from domain.labels.bits import LabelChanges, changed_labels
from domain.standings.columns import row_of
from domain.standings.compute_standings import ActivePolicy, Rules, Standings
from domain.tiers.standing import ORDERED_FACT, stand
from domain.tiers.transition import Occasion, TierTransition, changed_rows, decide

OccasionOf = Callable[[int], Occasion]
"""Why the customer in a row is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredStandings:
    """What is stored of the same customers, row by row; `known` is false for those who were never computed."""

    known: Booleans
    facts_digest: NDArray[np.int64]
    ranks: NDArray[np.uint8]
    label_bits: NDArray[np.uint8]
    review_day: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Decision:
    """A transition of the customer in `row`, under the policy with these stored ids."""

    row: int
    policy: ActivePolicy
    transition: TierTransition


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandingChanges:
    """What must be written; rows are ordinals of the batch. `label_changes` leaves out first computations."""

    standings: Standings
    is_new: Booleans
    facts_rows: NDArray[np.intp]
    standing_rows: NDArray[np.intp]
    decisions: tuple[Decision, ...]
    label_changes: LabelChanges

    def shown_rows(self) -> NDArray[np.intp]:
        """Customers of whom the API shows something else now."""
        decided = np.array([decision.row for decision in self.decisions], np.intp)
        return np.unique(np.concatenate([self.facts_rows, self.label_changes.rows, decided]))


def find_changes(
    stored: StoredStandings, now: Standings, rules: Rules, occasion_of: OccasionOf
) -> StandingChanges:
    """A first computation writes no label changes: then `enteredAt` is the time of the load."""
    is_new = ~stored.known
    facts = is_new | (stored.facts_digest != now.facts_digest)
    changed = (
        facts
        | (stored.ranks != now.ranks).any(axis=1)
        | (stored.label_bits != now.label_bits).any(axis=1)
        | (stored.review_day != now.review_day)
    )
    before = np.where(is_new[:, None], now.label_bits, stored.label_bits)
    return StandingChanges(
        standings=now,
        is_new=is_new,
        facts_rows=np.flatnonzero(facts),
        standing_rows=np.flatnonzero(changed),
        decisions=tuple(
            decision for policy in rules.policies for decision in decisions(policy, stored, now, occasion_of)
        ),
        label_changes=changed_labels(before, now.label_bits),
    )


def decisions(
    policy: ActivePolicy, stored: StoredStandings, now: Standings, occasion_of: OccasionOf
) -> list[Decision]:
    """Only changed ranks are looked at one by one."""
    old, new = stored.ranks[:, policy.policy_id], now.ranks[:, policy.policy_id]
    rule = policy.version.rule
    columns = {name: now.columns[name] for name in (*rule.fact_names(), ORDERED_FACT)}
    found = []
    for row in changed_rows(old.astype(np.int8), new.astype(np.int8)).tolist():
        standing = stand(rule, row_of(columns, row))
        transition = decide(policy.version, standing, from_rank=int(old[row]), occasion=occasion_of(row))
        if transition is not None:
            found.append(Decision(row, policy, transition))
    return found
