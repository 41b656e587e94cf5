"""Looks at customers again: computes what they stand for now and writes only what changed."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans
from domain.customers.measure_orders import detailed_since
from domain.customers.order_arrays import CustomerHistory
from domain.standings.changes import StandingChanges, find_changes
from domain.standings.compute_standings import BesideOrders, Rules, compute_standings, measure_standings
from domain.standings.lives import LiveBatch, StoredLives, live, standings_at_stake
from domain.standings.signals import find_signals
from domain.standings.still import HeldStandings, find_still, none_still
from domain.standings.stored import StoredStandings
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

    async def history(self, details_since: datetime | None = None) -> CustomerHistory:
        """Counted orders, roll-ups and referrals, in the order of the batch's ordinals.

        Of orders until `details_since` only the moment and the net amount are needed: the rest may be 0."""

    async def beside(self) -> BesideOrders:
        """What else standings depend on."""

    async def stored(self) -> StoredStandings:
        """The standing rows as they are."""


class ReviewBatch(CustomerBatch, Protocol):
    """One transaction over customers that nobody else computes or changes meanwhile."""

    def occasion(self, row: int) -> Occasion:
        """Why this customer is looked at again."""

    def marked(self) -> Booleans:
        """Who is looked at because an order came or changed."""

    async def held(self, rows: NDArray[np.intp]) -> HeldStandings:
        """All standings of these customers, as columns."""

    async def lives(self, rows: NDArray[np.intp], wanted: Booleans) -> StoredLives:
        """The standings of these customers as their last decisions left them; `wanted[row, policy id]`."""

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
    changes = await find_all(batch, await batch.stored())
    await batch.write(changes)
    return counted(changes, batch.size)


async def rewrite_customers(batch: ReviewBatch) -> ReviewCounts:
    """As a review, but every row is written anew, whatever is stored: for tables that were lost or damaged."""
    if batch.size == 0:
        return ReviewCounts()
    stored = await batch.stored()
    changes = await find_all(batch, replace(stored, facts_digest=~stored.facts_digest))
    everybody = np.arange(batch.size)
    changes = replace(changes, facts_rows=everybody, standing_rows=everybody)
    everywhere = np.ones_like(changes.regraded)
    await batch.write(replace(changes, is_new=np.zeros(batch.size, np.bool_), regraded=everywhere))
    return counted(changes, batch.size)


async def find_all(batch: ReviewBatch, stored: StoredStandings) -> StandingChanges:
    """Computing is done in a thread, so that a server which has the worker inside goes on answering."""
    history, beside = await batch.history(details_since(batch, stored)), await batch.beside()
    measures = await asyncio.to_thread(measure_standings, history, batch.rules, as_of=batch.as_of)
    at_stake = standings_at_stake(stored, measures, batch.rules, batch.marked())
    rows = np.flatnonzero(at_stake.any(axis=1))
    still = none_still(stored)
    if stored.known[rows].any():
        still = find_still(await batch.held(rows), stored, measures, batch.rules, batch.occasion)
        at_stake &= ~still.is_still
        rows = rows[~still.rows[rows]]
    living = LiveBatch(
        stored=stored,
        lives=await batch.lives(rows, still.may_move) if len(rows) else {},
        measures=measures,
        history=history,
        rules=batch.rules,
        at_stake=at_stake,
        still=still,
        occasion_of=batch.occasion,
    )
    return await asyncio.to_thread(settle, living, beside, batch.marked())


def details_since(batch: ReviewBatch, stored: StoredStandings) -> datetime | None:
    """What the earliest day that may be measured needs. An order that changed asks for any day (see `correct`);
    else nothing before the review day is looked at again."""
    if batch.marked().any():
        return None
    today = batch.rules.calendar.last_whole_day(microseconds(batch.as_of))
    earliest = min(today, int(stored.review_day[stored.known].min(initial=today)) - 2)
    return detailed_since(batch.rules.calendar.end_of_day(earliest))


def settle(living: LiveBatch, beside: BesideOrders, marked: Booleans) -> StandingChanges:
    lived = live(living)
    now = compute_standings(living.measures, living.history, beside, living.rules, lived.lives)
    bought = marked & living.stored.known & (living.stored.facts_digest != now.facts_digest)
    signals = find_signals(living, lived.lives, lived.decisions, bought)
    return find_changes(living.stored, now, lived, signals)


def counted(changes: StandingChanges, customers: int) -> ReviewCounts:
    return ReviewCounts(
        customers=customers,
        facts=len(changes.facts_rows),
        standings=len(changes.standing_rows),
        transitions=changes.decided(),
        label_changes=len(changes.label_changes.rows),
    )
