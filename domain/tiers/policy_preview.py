"""What a candidate would do to everybody: moves, shares and spend by tier, and some of those who would move."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.tiers.calibration import TierCut
from domain.tiers.policy import TierRule
from domain.tiers.rule_json import rule_to_json

RANKS = 32
"""More than a ladder has tiers; rank 0 is no tier."""
Matrix = NDArray[np.int64]


def nothing() -> Matrix:
    return np.zeros((RANKS, RANKS), np.int64)


def same_tiers(before: TierRule | None, after: TierRule) -> NDArray[np.bool_]:
    """Ranks of two ladders that are the same tier: by code, as a change of versions carries standings over."""
    old, new = ([None, *(tier.code for tier in rule.tiers)] if rule else [None] for rule in (before, after))
    same = np.zeros((RANKS, RANKS), np.bool_)
    same[: len(old), : len(new)] = [[one == other for other in new] for one in old]
    return same


@dataclass(frozen=True, slots=True)
class Sample:
    """A customer who would move; `facts` are those the candidate reads, in stored units."""

    customer_id: int
    before: int
    after: int
    facts: Mapping[str, int | None]


@dataclass(slots=True)
class Moves:
    """`customers[before, after]` and what they spent in 90 days, in cents; ranks as the measures alone give them.

    *Memory*: that of two small matrices and of `wanted` samples for each kind of move, however many customers.
    """

    wanted: int
    stays: NDArray[np.bool_]
    """`stays[before, after]`: both ranks are the same tier, see `same_tiers`."""
    customers: Matrix = field(default_factory=nothing)
    spend_cents: Matrix = field(default_factory=nothing)
    found: dict[tuple[int, int], list[Sample]] = field(default_factory=dict)
    micro_scores: list[NDArray[np.int64]] = field(default_factory=list)
    """Of those who would have a tier, where the candidate can be calibrated: 8 bytes a customer."""

    @property
    def total(self) -> int:
        return int(self.customers.sum())

    @property
    def moved(self) -> int:
        return int(self.customers[~self.stays].sum())

    def add(self, before: NDArray[np.uint8], after: NDArray[np.int8], spend_cents: NDArray[np.int64]) -> None:
        pairs = before.astype(np.intp) * RANKS + after
        self.customers += np.bincount(pairs, minlength=RANKS * RANKS).reshape(RANKS, RANKS)
        np.add.at(self.spend_cents.reshape(-1), pairs, spend_cents)

    def wants(self, before: int, after: int) -> bool:
        return len(self.found.get((before, after), ())) < self.wanted

    def keep(self, sample: Sample) -> None:
        self.found.setdefault((sample.before, sample.after), []).append(sample)

    def samples(self) -> list[Sample]:
        """As many as are wanted, of each kind of move in turn, the most frequent first."""
        kinds = sorted(self.found, key=lambda kind: (-int(self.customers[kind]), kind))
        in_turn = [
            self.found[kind][turn]
            for turn in range(self.wanted)
            for kind in kinds
            if turn < len(self.found[kind])
        ]
        return in_turn[: self.wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewBase:
    """What a preview looked at: if any of it is another one, the preview says nothing any more."""

    policy_id: int
    version_id: int | None
    """The candidate; null: a rule that nobody has saved."""
    active_version_id: int | None
    live_as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`before` None: nothing is in force. `rule` of a ranking is bound to the places of the base."""

    base: PreviewBase
    before: TierRule | None
    rule: TierRule
    moves: Moves
    cuts: tuple[TierCut, ...] = ()
    """Empty where there is nothing to calibrate."""

    @property
    def hash(self) -> str | None:
        """The same for the same candidate over the same base; null: there is nothing to activate."""
        if self.base.version_id is None:
            return None
        seen = {
            "version": self.base.version_id,
            "active": self.base.active_version_id,
            "asOf": self.base.live_as_of.isoformat(),
            "rule": rule_to_json(self.rule),
            "customers": self.moves.customers.tolist(),
            "spend": self.moves.spend_cents.tolist(),
        }
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
