"""A review computes what a customer stands for and writes only what changed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from shops import NOON, TestShop, days, event, open_shop, order

from api.recompute import recompute_chosen
from db import review_store
from db.business_days import PostgresBusinessDays
from domain.ingest.events import CancellationEvent, ProfileChangeEvent
from domain.orders.order import OrderStatus
from domain.standings.open_business_day import open_business_day
from domain.standings.review_customers import ReviewCounts

END_OF_DAY = datetime(2026, 11, 22, 16, tzinfo=UTC)
TRANSITIONS = """
SELECT external_id, kind, t.from_rank, t.to_rank, t.reason, t.score::text, t.as_of, t.decided_at, t.effective_at
FROM tier_transitions AS t JOIN customer_refs USING (customer_id) WHERE policy_id = $1 ORDER BY transition_id
"""
GRADE, VALUE, MONTH, MEMBER, LAYER = range(5)
"""Policies by the place of their presets."""


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        yield opened


async def _rows(shop: TestShop, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await shop.pool.fetch(query, *arguments)]


async def _versions(shop: TestShop) -> list[int]:
    """Row versions of everything computed: they move with every write, also one that changes nothing."""
    found = []
    for table in ("customer_facts", "customer_standings", "tier_standings", "tier_transitions", "customers"):
        found += [
            row[0] for row in await shop.pool.fetch(f"SELECT xmin::text::bigint FROM {table} ORDER BY 1")
        ]
    return found


async def test_a_first_review_decides_and_publishes(shop: TestShop) -> None:
    """S0-4: R 100, F 5, M 100 are 62 points; C8: without an order, bronze, low, potential, copper and no layer."""
    await shop.add_customers("ann", "bob")
    await shop.ingest(event("ann", order("1", 10_000_000)))

    counts = await shop.review()

    assert counts == ReviewCounts(customers=2, facts=2, standings=2, transitions=9, label_changes=0)
    moments = (END_OF_DAY, NOON, NOON)
    assert await _rows(shop, TRANSITIONS, GRADE) == [
        ("ann", "JOINED", None, 3, "EVENT", "62.000000", *moments),
        ("bob", "JOINED", None, 1, "NEVER_ORDERED", "0.000000", *moments),
    ]
    assert await _rows(shop, TRANSITIONS, VALUE) == [
        ("ann", "JOINED", None, 3, "EVENT", None, *moments),
        ("bob", "JOINED", None, 1, "NEVER_ORDERED", None, *moments),
    ]
    assert await _rows(shop, TRANSITIONS, MONTH) == [
        ("ann", "JOINED", None, 3, "EVENT", "100000.000000", *moments),
        ("bob", "JOINED", None, 1, "NEVER_ORDERED", "0.000000", *moments),
    ]
    assert await _rows(shop, TRANSITIONS, LAYER) == [("ann", "JOINED", None, 3, "EVENT", None, *moments)]
    published = "SELECT event_id, kind, customer_id, payload FROM outbox ORDER BY 1"
    decided = """
        SELECT transition_id, 'TIER_CHANGED', customer_id, jsonb_build_object('policy', code)
        FROM tier_transitions JOIN tier_policies USING (policy_id) ORDER BY 1
    """
    assert await _rows(shop, published) == await _rows(shop, decided)
    grades = "SELECT rank, since FROM tier_standings WHERE policy_id = 0 ORDER BY customer_id"
    assert await _rows(shop, grades) == [
        (3, NOON),
        (1, NOON),
    ]
    assert await shop.dirty() == {}


async def test_a_second_review_of_the_unchanged_writes_nothing(shop: TestShop) -> None:
    await shop.add_customers("ann", "bob")
    await shop.ingest(event("ann", order("1", 10_000_000)))
    await shop.review()
    before = await _versions(shop)

    counts = await recompute_chosen(shop.settings, shop.stores, [1, 2])

    assert counts == ReviewCounts(customers=2)
    assert await _versions(shop) == before


async def test_only_what_changed_is_written(shop: TestShop) -> None:
    await shop.add_customers("ann", "bob")
    await shop.review()
    bob = await shop.customer_id("bob")
    before = "SELECT xmin::text FROM customer_facts WHERE customer_id = 2"
    untouched = await _rows(shop, before)
    version = await shop.pool.fetchval("SELECT version FROM customers WHERE customer_id = 1")

    await shop.ingest(event("ann", order("1", 10_000_000)))
    counts = await shop.review()

    # the grade rises for the large order, month, growth and layer at once; the value layer waits for two reviews
    assert (counts.customers, counts.facts, counts.transitions) == (1, 1, 4)
    assert bob == 2
    assert await _rows(shop, before) == untouched
    # once for the event, once for what follows from it
    assert await shop.pool.fetchval("SELECT version FROM customers WHERE customer_id = 1") == version + 2


async def test_transitions_are_a_chain(shop: TestShop) -> None:
    await shop.add_customers("ann")
    await shop.review()
    await shop.ingest(event("ann", order("1", 10_000_000)))
    await shop.review()
    await shop.ingest(event("ann", CancellationEvent(order="1")))
    await shop.review()

    chain = await _rows(
        shop,
        "SELECT kind, from_rank, to_rank, reason FROM tier_transitions WHERE policy_id = $1 ORDER BY transition_id",
        GRADE,
    )

    assert chain == [
        ("JOINED", None, 1, "NEVER_ORDERED"),
        ("UPGRADED", 1, 3, "EVENT"),
        ("DOWNGRADED", 3, 1, "CORRECTION"),
    ]


@pytest.mark.parametrize(
    ("words", "cents", "rank"),
    [
        ("ten thousand", 1_000_000, 2),
        ("three times the mean of the others", 300_000, 2),
        ("less", 299_999, 1),
    ],
)
async def test_only_a_large_order_raises_at_once(shop: TestShop, words: str, cents: int, rank: int) -> None:
    """S0-12. Five orders of 1,000 CNY make 41.5 points, 1.5 more than silver asks for; the tier waits for the 1st."""
    await shop.add_customers("ann")
    await shop.review()
    for number in range(5):
        await shop.ingest(event("ann", order(f"small {number}", 100_000)))
        await shop.review()
    assert tuple(await shop.pool.fetchrow("SELECT tiers & 255, raw_tiers & 255 FROM customer_standings")) == (
        1,
        2,
    )

    await shop.ingest(event("ann", order("last", cents)))
    await shop.review()

    of_grade = "SELECT tiers & 255, raw_tiers & 255 FROM customer_standings"
    assert tuple(await shop.pool.fetchrow(of_grade)) == (rank, 2)


async def test_an_order_on_credit_raises_when_it_is_confirmed_and_never_again(shop: TestShop) -> None:
    """C4, S0-12: 62 points from one order of 100,000 CNY, paid five days after it was confirmed."""
    await shop.add_customers("ann")
    await shop.review()
    bought = order("1", 10_000_000, status=OrderStatus.PLACED)
    await shop.ingest(event("ann", bought, ago=days(2)))
    await shop.review()
    placed = await _rows(shop, TRANSITIONS, GRADE)

    confirmed = replace(bought, confirmed_at=NOON, credit_days=30)
    await shop.ingest(event("ann", confirmed))
    await shop.review()
    raised = await _rows(shop, TRANSITIONS, GRADE)
    shop.now += days(5)
    await open_business_day(PostgresBusinessDays(shop.pool), shop.now)
    await shop.ingest(event("ann", order("1", 10_000_000), ago=-days(5)))
    await shop.review()

    assert [row[:5] for row in placed] == [("ann", "JOINED", None, 1, "NEVER_ORDERED")]
    assert [row[:5] for row in raised[1:]] == [("ann", "UPGRADED", 1, 3, "EVENT")]
    assert await _rows(shop, TRANSITIONS, GRADE) == raised


async def test_a_late_order_corrects_a_fall_it_would_have_prevented(shop: TestShop) -> None:
    """The decisions stay; a new one follows."""
    await shop.add_customers("ann")
    await shop.ingest(event("ann", order("1", 10_000_000)))
    await shop.review()
    for _ in range(6):
        shop.now += days(8)
        await open_business_day(PostgresBusinessDays(shop.pool), shop.now)
        await shop.review()
    late = [order(f"late {number}", 1_000_000) for number in range(6)]
    await shop.ingest(
        *(event("ann", one, ago=days(-38 + number)) for number, one in enumerate(late)),
    )
    await shop.review()

    chain = await _rows(
        shop,
        "SELECT kind, to_rank, reason FROM tier_transitions WHERE policy_id = $1 ORDER BY transition_id",
        GRADE,
    )
    assert chain == [
        ("JOINED", 3, "EVENT"),
        ("PROLONGED", 3, "PROTECTED"),
        ("DOWNGRADED", 2, "MONTHLY"),
        ("UPGRADED", 3, "CORRECTION"),
    ]


async def test_label_changes_are_logged_from_the_second_review_on(shop: TestShop) -> None:
    await shop.add_customers("ann")
    await shop.review()
    assert await _rows(shop, "SELECT * FROM label_changes") == []

    await shop.ingest(event("ann", order("1", 10_000_000)))
    await shop.review()

    query = (
        "SELECT code, entered, as_of, changed_at FROM label_changes JOIN label_definitions USING (label_id)"
    )
    changes = {row[0]: row[1:] for row in await _rows(shop, query)}
    assert changes["never_ordered"] == (False, END_OF_DAY, NOON)
    assert len(changes) > 3


async def test_a_label_given_by_hand_is_held_until_it_expires(shop: TestShop) -> None:
    await shop.add_customers("ann")
    label = await shop.pool.fetchrow(
        "SELECT label_id FROM label_definitions WHERE kind = 'MANUAL' ORDER BY 1 LIMIT 1"
    )
    ends = NOON + days(3)
    await shop.pool.execute(
        "INSERT INTO manual_labels (customer_id, label_id, author, given_at, expires_at) VALUES (1, $1, 'op', $2, $3)",
        label[0],
        NOON - days(1),
        ends,
    )
    await shop.review()

    row = await shop.pool.fetchrow("SELECT label_bits, review_on FROM customer_standings")

    assert row["label_bits"][label[0] // 8] >> label[0] % 8 & 1
    assert row["review_on"].isoformat() == "2026-11-25"


async def test_a_referral_counts_for_the_referrer(shop: TestShop) -> None:
    await shop.add_customers("ann")
    await shop.ingest(event("new", ProfileChangeEvent(referred_by="ann")))
    await shop.review()

    assert await _rows(shop, "SELECT referrals FROM customer_facts ORDER BY customer_id") == [(1,), (0,)]


async def test_a_customer_whom_an_event_holds_is_left_for_later(shop: TestShop) -> None:
    await shop.add_customers("ann", "bob")
    async with shop.pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM customers WHERE customer_id = 1 FOR NO KEY UPDATE")

        counts = await shop.review()

        assert counts.customers == 1
        assert await shop.dirty() == {"ann": "EVENT"}
    assert (await shop.review()).customers == 1


async def test_events_go_before_the_night(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    one_at_a_time = review_store.TAKE_DIRTY.replace("WHEN 0 THEN 200 ELSE 4000", "WHEN 0 THEN 1 ELSE 1")
    monkeypatch.setattr(review_store, "TAKE_DIRTY", one_at_a_time)
    await shop.add_customers("ann", "bob", "carl")
    await shop.pool.execute(
        "UPDATE dirty_customers SET urgency = 2, reason = 'NIGHT', marked_at = $1 WHERE customer_id = 1",
        NOON - days(9),
    )
    await shop.pool.execute("UPDATE dirty_customers SET marked_at = $1 WHERE customer_id = 3", NOON - days(9))

    await shop.review()

    rows = await _rows(
        shop, "SELECT customer_id FROM tier_transitions WHERE policy_id = 0 ORDER BY transition_id"
    )
    assert rows == [(3,), (2,), (1,)]
