"""What differs between stored standings and computed ones: the only thing that is ever written."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.conditions.numpy_reader import Booleans
from domain.labels.bits import LabelChanges, changed_labels
from domain.standings.compute_standings import Standings
from domain.standings.first_decisions import FirstDecisions
from domain.standings.lives import Decision, Lived
from domain.standings.stored import StoredStandings
from domain.tiers.signal import TierSignal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandingChanges:
    """What must be written; rows are ordinals of the batch. `label_changes` leaves out first computations."""

    standings: Standings
    is_new: Booleans
    facts_rows: NDArray[np.intp]
    standing_rows: NDArray[np.intp]
    tier_rows: NDArray[np.intp]
    """Whose measured rank, rank in effect or version is another."""
    decisions: tuple[Decision, ...]
    first_decisions: tuple[FirstDecisions, ...]
    signals: tuple[TierSignal, ...]
    """Some may have been raised before in their period."""
    label_changes: LabelChanges
    regraded: Booleans
    """By policy id: whom another version grades than before. Where it decided nothing, the ranks of the version that
    decided last are the same tiers on both ladders; else there would be a decision."""

    def shown_rows(self) -> NDArray[np.intp]:
        """Customers of whom the API shows something else now."""
        is_shown = np.zeros(len(self.is_new), np.bool_)
        decided = np.array([decision.row for decision in self.decisions], np.intp)
        first = [found.rows for found in self.first_decisions]
        for rows in (self.facts_rows, self.label_changes.rows, self.tier_rows, decided, *first):
            is_shown[rows] = True
        return np.flatnonzero(is_shown)

    def decided(self) -> int:
        """How many decisions there are."""
        return len(self.decisions) + sum(len(found.rows) for found in self.first_decisions)


def find_changes(
    stored: StoredStandings, now: Standings, lived: Lived, signals: tuple[TierSignal, ...]
) -> StandingChanges:
    """A first computation writes no label changes: then `enteredAt` is the time of the load."""
    is_new = ~stored.known
    facts = is_new | (stored.facts_digest != now.facts_digest)
    ranks = (stored.ranks != now.ranks) | (stored.raw_ranks != now.raw_ranks)
    regraded = stored.known[:, None] & (stored.versions != now.versions)
    tiers = (ranks | regraded).any(axis=1)
    changed = (
        facts
        | tiers
        | (stored.tiers_due_day != now.tiers_due_day)
        | (stored.label_bits != now.label_bits).any(axis=1)
        | (stored.review_day != now.review_day)
    )
    before = np.where(is_new[:, None], now.label_bits, stored.label_bits)
    return StandingChanges(
        standings=now,
        is_new=is_new,
        facts_rows=np.flatnonzero(facts),
        standing_rows=np.flatnonzero(changed),
        tier_rows=np.flatnonzero(tiers),
        decisions=lived.decisions,
        first_decisions=lived.first_decisions,
        signals=signals,
        label_changes=changed_labels(before, now.label_bits),
        regraded=regraded,
    )
