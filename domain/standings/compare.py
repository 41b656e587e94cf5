"""Computes everybody without writing: what would change, who stands where, and whether the stored state is right."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans, Column
from domain.customers.measure_orders import detailed_since
from domain.customers.order_arrays import CustomerHistory
from domain.labels.bits import changed_labels
from domain.standings.compute_standings import (
    POLICY_SLOTS,
    Lives,
    Rules,
    Standings,
    compute_standings,
    digest,
    measure_standings,
)
from domain.standings.recompute import Progress
from domain.standings.review_customers import CustomerBatch
from domain.standings.stored import StoredStandings

RANKS = 256


class StoredBatch(CustomerBatch, Protocol):
    """A batch that also tells what is stored beside the fixed-width row. Nothing of it is locked or written."""

    async def bare_history(self) -> CustomerHistory:
        """Moments and net amounts of counted orders, and nothing else."""

    async def stored_facts(self) -> Mapping[str, Column]:
        """The facts as stored; of customers without a row, zeros."""

    async def readable_ranks(self) -> NDArray[np.uint8]:
        """The ranks that the readable standings show, a column for each policy."""

    async def is_waiting(self) -> Booleans:
        """Who is marked dirty: for them a difference is no fault."""


class StoredCustomers(Protocol):
    """All customers as stored, in blocks."""

    async def blocks(self) -> int:
        """How many there are now."""

    def stored_block(self, number: int) -> AbstractAsyncContextManager[StoredBatch]:
        """One block, read at one moment."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`moves[policy id][from, to]` counts everybody by the rank in effect and the measured one; 0 is no tier.

    All other counts but `waiting` leave out those who wait for the worker.
    """

    customers: int = 0
    waiting: int = 0
    never_computed: int = 0
    facts: int = 0
    labels: int = 0
    review_days: int = 0
    facts_rows: int = 0
    readable_standings: int = 0
    tiers: int = 0
    late: int = 0
    moves: Mapping[int, NDArray[np.int64]] = field(default_factory=dict)

    def __add__(self, other: "Comparison") -> "Comparison":
        none = np.zeros((RANKS, RANKS), np.int64)
        policies = self.moves.keys() | other.moves.keys()
        moved = {policy: self.moves.get(policy, none) + other.moves.get(policy, none) for policy in policies}
        counts = {
            name: getattr(self, name) + getattr(other, name) for name in self.__slots__ if name != "moves"
        }
        return Comparison(moves=moved, **counts)

    def faults(self) -> dict[str, int]:
        """What is stored otherwise than it should be at the live moment, by what it is."""
        return {
            "customers never computed": self.never_computed,
            "facts that moved": self.facts,
            "fact rows that differ from their digest": self.facts_rows,
            "label changes": self.labels,
            "review days": self.review_days,
            "readable standings": self.readable_standings,
            "tiers": self.tiers,
            "standings that should have moved on": self.late,
        }


async def compare_all(customers: StoredCustomers, progress: Progress) -> Comparison:
    """*Cost*: that of a full run, without its writes."""
    of_all = await customers.blocks()
    total = Comparison()
    for number in range(of_all):
        async with customers.stored_block(number) as batch:
            if batch.size:
                total += await compare_batch(batch)
        progress(number + 1, of_all)
    return total


async def compare_batch(batch: StoredBatch) -> Comparison:
    stored, waits = await batch.stored(), await batch.is_waiting()
    now = await computed(batch, stored)
    looked_at = ~waits & stored.known
    today = batch.rules.calendar.last_whole_day(microseconds(batch.as_of))
    is_late = (stored.tiers_due_day <= today) | (stored.versions != now.versions).any(axis=1)
    stored_digest = digest(await batch.stored_facts(), batch.size)
    readable = (await batch.readable_ranks() != stored.ranks).any(axis=1)
    return Comparison(
        customers=int((~waits).sum()),
        waiting=int(waits.sum()),
        never_computed=int((~waits & ~stored.known).sum()),
        facts=int((looked_at & (stored.facts_digest != now.facts_digest)).sum()),
        labels=label_differences(stored, now, looked_at),
        review_days=int((looked_at & (stored.review_day != now.review_day)).sum()),
        facts_rows=int((looked_at & (stored_digest != stored.facts_digest)).sum()),
        readable_standings=int((looked_at & readable).sum()),
        tiers=int((looked_at[:, None] & (stored.raw_ranks != now.raw_ranks)).sum()),
        late=int((looked_at & is_late).sum()),
        moves=moves(stored.ranks, now, batch.rules),
    )


async def computed(batch: CustomerBatch, stored: StoredStandings) -> Standings:
    """Beside the tiers in effect as they are stored: decisions are not what can be computed again."""
    history = await batch.history(detailed_since(batch.as_of))
    beside = await batch.beside()
    lives = Lives(ranks=stored.ranks, due_day=stored.tiers_due_day)
    measures = await asyncio.to_thread(measure_standings, history, batch.rules, as_of=batch.as_of)
    return await asyncio.to_thread(compute_standings, measures, history, beside, batch.rules, lives)


def label_differences(stored: StoredStandings, now: Standings, looked_at: Booleans) -> int:
    before = np.where(looked_at[:, None], stored.label_bits, now.label_bits)
    return len(changed_labels(before, now.label_bits).rows)


def moves(old: NDArray[np.uint8], now: Standings, rules: Rules) -> dict[int, NDArray[np.int64]]:
    """Without those whom a canary grades: their ranks may be of another ladder."""
    assert now.raw_ranks.shape[1] == POLICY_SLOTS
    found = {}
    for policy in rules.policies:
        at = policy.policy_id
        graded = now.versions[:, at] == policy.version_byte
        pairs = old[graded, at].astype(np.int64) * RANKS + now.raw_ranks[graded, at]
        found[at] = np.bincount(pairs, minlength=RANKS * RANKS).reshape(RANKS, RANKS)
    return found
