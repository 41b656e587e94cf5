"""Looks at customers again: computes what they stand for now and writes only what changed."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np

from domain.customers.order_arrays import CustomerHistory
from domain.standings.changes import StandingChanges, StoredStandings, find_changes
from domain.standings.compute_standings import BesideOrders, Rules, Standings, compute_standings
from domain.tiers.transition import Occasion

Clock = Callable[[], datetime]


class CustomerBatch(Protocol):
    """Customers as stored at one moment; `size` 0: nobody."""

    @property
    def size(self) -> int:
        """How many customers."""

    @property
    def as_of(self) -> datetime:
        """The moment that their facts, tiers and labels are of."""

    @property
    def rules(self) -> Rules:
        """What is in force."""

    async def history(self) -> CustomerHistory:
        """Counted orders, roll-ups and referrals, in the order of the batch's ordinals."""

    async def beside(self) -> BesideOrders:
        """What else standings depend on."""

    async def stored(self) -> StoredStandings:
        """The standing rows as they are."""


class ReviewBatch(CustomerBatch, Protocol):
    """One transaction over customers that nobody else computes or changes meanwhile."""

    def occasion(self, row: int) -> Occasion:
        """Why this customer is looked at again."""

    async def write(self, changes: StandingChanges) -> None:
        """Facts, standings, transitions, label changes and outbox rows, in this transaction."""


class ReviewStore(Protocol):
    """Where batches come from. Leaving a batch without an exception commits it."""

    def next_dirty(self) -> AbstractAsyncContextManager[ReviewBatch]:
        """The most urgent dirty customers that nobody else holds."""

    def chosen(self, customer_ids: list[int]) -> AbstractAsyncContextManager[ReviewBatch]:
        """These customers, dirty or not, but for those whom somebody else holds."""


@dataclass(frozen=True, slots=True)
class ReviewCounts:
    """What a review did; the sum of many is `+`."""

    customers: int = 0
    facts: int = 0
    standings: int = 0
    transitions: int = 0
    label_changes: int = 0

    def __add__(self, other: "ReviewCounts") -> "ReviewCounts":
        return ReviewCounts(
            *(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))
        )


async def review_customers(batch: ReviewBatch) -> ReviewCounts:
    """*Cost*: some 30 ms of CPU for 200 customers; transport from the database dominates large batches."""
    if batch.size == 0:
        return ReviewCounts()
    now = await compute(batch)
    changes = await found_changes(batch, await batch.stored(), now)
    await batch.write(changes)
    return counted(changes, batch.size)


async def rewrite_customers(batch: ReviewBatch) -> ReviewCounts:
    """As a review, but every row is written anew, whatever is stored: for tables that were lost or damaged."""
    if batch.size == 0:
        return ReviewCounts()
    now = await compute(batch)
    changes = await found_changes(batch, replace(await batch.stored(), facts_digest=~now.facts_digest), now)
    await batch.write(replace(changes, is_new=np.zeros(batch.size, np.bool_)))
    return counted(changes, batch.size)


async def compute(batch: CustomerBatch) -> Standings:
    """In a thread, so that a server which has the worker inside goes on answering."""
    history, beside = await batch.history(), await batch.beside()
    return await asyncio.to_thread(compute_standings, history, beside, batch.rules, as_of=batch.as_of)


async def found_changes(batch: ReviewBatch, stored: StoredStandings, now: Standings) -> StandingChanges:
    return await asyncio.to_thread(find_changes, stored, now, batch.rules, batch.occasion)


def counted(changes: StandingChanges, customers: int) -> ReviewCounts:
    return ReviewCounts(
        customers=customers,
        facts=len(changes.facts_rows),
        standings=len(changes.standing_rows),
        transitions=len(changes.decisions),
        label_changes=len(changes.label_changes.rows),
    )
