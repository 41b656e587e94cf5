"""The outbox as readers see it: one event for each decision, however many of them are one row."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from published import outbox_of, published, told_decisions
from shops import TestShop, open_shop

from api.recompute import recompute_all
from db.outbox import MANY_DECISIONS, publish_lock_and_ids

CUSTOMERS = 40
ROWS = "SELECT kind, count(*) FROM outbox GROUP BY 1 ORDER BY 1"
DECIDED = """
SELECT transition_id, customer_id, code FROM tier_transitions JOIN tier_policies USING (policy_id) ORDER BY 1
"""
ALERT = "INSERT INTO outbox (kind, payload) VALUES ('ALERT_RAISED', '{}') RETURNING event_id"


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    """Everybody joined at once, one customer after them, and an alert before and behind."""
    async with open_shop(migrated_database_url) as opened:
        await opened.add_customers(*[f"c{number}" for number in range(CUSTOMERS)])
        await opened.pool.execute(ALERT)
        await recompute_all(opened.settings, opened.stores)
        await opened.add_customers("late")
        await opened.review()
        await opened.pool.execute(ALERT)
        yield opened


async def test_decisions_taken_together_are_one_row_and_one_event_each(shop: TestShop) -> None:
    rows = dict(await shop.pool.fetch(ROWS))
    decided = [tuple(row) for row in await shop.pool.fetch(DECIDED)]

    events = await published(shop.pool)

    assert rows[MANY_DECISIONS] == 1
    assert rows["TIER_CHANGED"] < 10
    assert len(decided) > 3 * CUSTOMERS
    told = [
        (one.event_id, one.customer_id, one.payload["policy"]) for one in events if one.kind == "TIER_CHANGED"
    ]
    assert told == decided
    assert [events[0].kind, events[-1].kind] == ["ALERT_RAISED", "ALERT_RAISED"]
    assert {one.kind for one in events} == {"ALERT_RAISED", "TIER_CHANGED"}


async def test_pages_of_any_size_give_the_same_events(shop: TestShop) -> None:
    at_once = await published(shop.pool)

    assert [await published(shop.pool, page=page) for page in (1, 2, 7, 64)] == [at_once] * 4


async def test_reading_goes_on_behind_any_decision(shop: TestShop) -> None:
    events = await published(shop.pool)
    middle = len(events) // 2

    assert await published(shop.pool, after=events[middle].event_id) == events[middle + 1 :]
    assert (
        await outbox_of(shop.pool).read_after(events[middle].event_id, 3) == events[middle + 1 : middle + 4]
    )


async def test_every_decision_is_a_cursor_and_nothing_else_is(shop: TestShop) -> None:
    outbox, events = outbox_of(shop.pool), await published(shop.pool)
    ids = [one.event_id for one in events]

    assert [await outbox.has(one) for one in ids] == [True] * len(ids)
    assert [await outbox.has(one) for one in (0, ids[-1] + 1)] == [False, False]
    await shop.pool.execute("DELETE FROM outbox WHERE event_id <= $1", ids[-2])
    assert [await outbox.has(one) for one in ids[-3:]] == [False, False, True]


async def test_ids_are_given_in_the_order_of_commits(shop: TestShop) -> None:
    newest = (await published(shop.pool))[-1].event_id

    async def publish(count: int) -> range:
        async with shop.pool.acquire() as connection, connection.transaction():
            return await publish_lock_and_ids(connection, count)

    taken = await asyncio.gather(*map(publish, (1, 5, 300, 2)))

    ids: list[Any] = sorted(number for some in taken for number in some)
    assert ids == list(range(newest + 1, newest + 309))


async def test_a_run_that_decides_nothing_publishes_nothing(shop: TestShop) -> None:
    before = await told_decisions(shop.pool)

    await recompute_all(shop.settings, shop.stores)

    assert await told_decisions(shop.pool) == before
