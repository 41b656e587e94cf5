"""The steps of a bulk run that are not a command of their own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from api.stores import Stores
from benchmarks.bulk_shop import DAY
from db.business_days import PostgresBusinessDays
from db.policy_changes import PostgresPolicyStore
from db.review_store import OTHER_CUSTOMERS, PostgresReviewBatch, PostgresReviewStore
from db.stored_facts import PostgresStoredFacts
from domain.standings.open_business_day import open_business_day
from domain.standings.preview_policy import PreviewScope, preview_rule
from domain.standings.review_customers import (
    ReviewBatch,
    ReviewCounts,
    counted,
    find_all,
    review_customers,
)
from domain.tiers.presets.kuailv_grade import kuailv_rule

MARKED = "SELECT customer_id FROM dirty_customers ORDER BY urgency, marked_at, customer_id"


class BrokenOff(Exception):
    """Ends a transaction without its commit."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A store whose batches are never committed: all is done, and nothing has happened."""

    store: PostgresReviewStore

    async def blocks(self) -> int:
        return await self.store.blocks()

    @asynccontextmanager
    async def block(self, number: int) -> AsyncIterator[PostgresReviewBatch]:
        with suppress(BrokenOff):
            async with self.store.block(number) as batch:
                yield batch
                raise BrokenOff

    @asynccontextmanager
    async def chosen(self, customer_ids: Sequence[int]) -> AsyncIterator[PostgresReviewBatch]:
        with suppress(BrokenOff):
            async with self.store.chosen(customer_ids) as batch:
                yield batch
                raise BrokenOff


async def find_only(batch: ReviewBatch) -> ReviewCounts:
    """As `review_customers`, but nothing is written."""
    if batch.size == 0:
        return ReviewCounts()
    return counted(await find_all(batch, await batch.stored()), batch.size)


async def open_the_day(stores: Stores) -> None:
    assert await open_business_day(PostgresBusinessDays(stores.pool), DAY) is not None


async def look_at_marked(stores: Stores, broken: Broken) -> ReviewCounts:
    """The customers of the night in batches of the worker's size."""
    ids = [row[0] for row in await stores.pool.fetch(MARKED)]
    total = ReviewCounts()
    for start in range(0, len(ids), OTHER_CUSTOMERS):
        async with broken.chosen(ids[start : start + OTHER_CUSTOMERS]) as batch:
            total += await find_only(batch)
    return total


async def review_marked(store: PostgresReviewStore) -> ReviewCounts:
    """What a worker does until nobody is marked."""
    total = ReviewCounts()
    while True:
        async with store.next_dirty() as batch:
            counts = await review_customers(batch)
        if not counts.customers:
            return total
        total += counts


async def preview(stores: Stores) -> None:
    """The shipped grade with every cut 5 points lower."""
    rule = kuailv_rule()
    tiers = tuple(
        tier if tier.threshold is None else replace(tier, threshold=max(Decimal(0), tier.threshold - 5))
        for tier in rule.tiers
    )
    await preview_rule(
        PostgresPolicyStore(stores.pool),
        PostgresStoredFacts(stores.pool),
        policy="kuailv_grade",
        rule=replace(rule, tiers=tiers),
        scope=PreviewScope(samples=10),
    )
