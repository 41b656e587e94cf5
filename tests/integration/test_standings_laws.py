"""Laws: what events, nights and batches leave behind equals a run from nothing, and no day is missed."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from shops import NOON, TestShop, days, line, open_shop, order

from api.recompute import compare, rebuild_facts, recompute_all
from db.business_days import PostgresBusinessDays
from db.standing_store import PostgresStandingStore
from domain.calendar import end_of_business_day
from domain.errors import DomainError
from domain.ingest.events import (
    CancellationEvent,
    CustomerKey,
    Event,
    EventBody,
    ProfileChangeEvent,
    RefundEvent,
)
from domain.orders.order import OrderStatus
from domain.privacy.viewer import Role, Viewer
from domain.standings import compute_standings, review_customers
from domain.standings.act_by_hand import Hand, WantedOverride, set_override, start_trial
from domain.standings.open_business_day import open_business_day
from domain.standings.review_customers import ReviewCounts
from domain.standings.still import StillStandings, find_still, none_still
from domain.tiers.life_state import OverrideKind
from domain.tiers.presets import timings
from domain.tiers.presets.kuailv_grade import kuailv_rule
from domain.tiers.rule_json import rule_to_json
from domain.tiers.timing import DowngradeMode, ExpiryAnchor, TierTiming

CUSTOMERS = 12
BEGIN = NOON - days(500)
JUMPS = (0, 0, 1, 1, 2, 7, 13, 29, 45)
AMOUNTS = (0, 100, 40_000, 300_000, 2_500_000, 9_000_000)
TIMINGS = (timings.KUAILV_GRADE, timings.CHUANWEI_VALUE, timings.WANXIANG_MEMBER, timings.XIAOXIANG_LAYER)
TIMINGS = tuple(replace(timing, trial=timings.KUAILV_GRADE.trial) for timing in TIMINGS)
MAY_STAY = ("PROLONGED", "OVERRIDDEN", "OVERRIDE_ENDED", "TRIAL_ENDED")
CHAIN = """
SELECT customer_id, policy_id, kind, coalesce(from_rank, 0) AS from_rank, coalesce(to_rank, 0) AS to_rank
FROM tier_transitions ORDER BY customer_id, transition_id
"""


REALTIME = TierTiming(grace_days=5, validity_days=40, expiry_anchor=ExpiryAnchor.TIER_START)
AND_REALTIME = (*TIMINGS, REALTIME, replace(REALTIME, downgrade=DowngradeMode.NONE, validity_days=None))
WRITTEN = {
    "decisions": "SELECT *, evidence::jsonb AS evidence FROM tier_transitions ORDER BY transition_id",
    "standings": "SELECT * FROM tier_standings ORDER BY customer_id, policy_id",
    "rows": "SELECT * FROM customer_standings ORDER BY customer_id",
    "signals": "SELECT * FROM tier_signals ORDER BY signal_id",
    "labels": "SELECT * FROM label_changes ORDER BY customer_id, change_id",
}


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with shop_of_the_past(migrated_database_url) as opened:
        yield opened


@asynccontextmanager
async def shop_of_the_past(database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(database_url) as opened:
        opened.now = BEGIN
        await opened.pool.execute(
            "UPDATE shop SET live_as_of = $1", end_of_business_day(BEGIN, "Asia/Shanghai")
        )
        yield opened


class RandomEvents:
    """Events of a dozen customers: late ones, corrections, refunds, referrals; some will be refused."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.made = 0

    def batch(self, now: datetime, size: int) -> list[Event]:
        return [self.event(now) for _ in range(size)]

    def event(self, now: datetime) -> Event:
        self.made += 1
        ago = timedelta(seconds=int(self.random.choice([0, 3_600, 86_400, 3 * 86_400, 40 * 86_400])))
        customer = int(self.random.integers(CUSTOMERS))
        return Event(
            event_id=f"e{self.made}",
            occurred_at=now - ago,
            customer=CustomerKey(external_id=f"c{customer}"),
            body=self.body(customer, now),
        )

    def profile(self, customer: int, now: datetime) -> Event:
        key = CustomerKey(external_id=f"c{customer}")
        body = ProfileChangeEvent(city="北京")
        return Event(event_id=f"p{customer}", occurred_at=now, customer=key, body=body)

    def body(self, customer: int, now: datetime) -> EventBody:
        external_id = f"o{customer}-{self.random.integers(25)}"
        cents = int(self.random.choice(AMOUNTS))
        match int(self.random.integers(10)):
            case 0:
                return CancellationEvent(order=external_id)
            case 1:
                return RefundEvent(order=external_id, refunded_cents=max(1, cents // 3))
            case 2:
                return ProfileChangeEvent(city="上海", referred_by=f"c{self.random.integers(CUSTOMERS)}")
        status = (OrderStatus.PLACED, OrderStatus.PAID, OrderStatus.DELIVERED)[int(self.random.integers(3))]
        lines = [line(1, "kale", cents // 4), line(2, "cherry", cents - cents // 4)]
        confirmed_at = now - days(float(self.random.integers(40))) if self.random.random() < 0.3 else None
        return order(external_id, cents, status=status, lines=lines, confirmed_at=confirmed_at)


async def _night(shop: TestShop) -> None:
    await open_business_day(PostgresBusinessDays(shop.pool), shop.now)


async def _live_through(shop: TestShop, seed: int, steps: int) -> None:
    """Random days pass; batches of events come and are reviewed at once, later, or with the night."""
    made = RandomEvents(seed)
    await shop.ingest(*(made.profile(number, shop.now) for number in range(CUSTOMERS)))
    for _ in range(steps):
        shop.now += days(int(made.random.choice(JUMPS)))
        await _night(shop)
        await shop.ingest(*made.batch(shop.now, int(made.random.integers(1, 15))))
        if made.random.random() < 0.7:
            await shop.review()
        if made.random.random() < 0.5:
            await _act(shop, made.random)
    await shop.review()


async def _assert_chains(shop: TestShop) -> None:
    """Each decision begins where the one before ended, and the last one is where the customer stands."""
    stands: dict[tuple[int, int], int] = {}
    for row in await shop.pool.fetch(CHAIN):
        standing = row["customer_id"], row["policy_id"]
        assert row["from_rank"] == stands.get(standing, 0)
        assert (row["from_rank"] == row["to_rank"]) >= (row["kind"] == "PROLONGED")
        assert (row["from_rank"] == row["to_rank"]) <= (row["kind"] in MAY_STAY)
        stands[standing] = row["to_rank"]
    rows = await shop.pool.fetch("SELECT customer_id, policy_id, coalesce(rank, 0) FROM tier_standings")
    assert {(row[0], row[1]): row[2] for row in rows} == stands


async def _decide_by(shop: TestShop, timing: TierTiming) -> None:
    """The policy in force keeps its measure and takes another timing."""
    rule = json.dumps(rule_to_json(replace(kuailv_rule(), timing=timing)))
    await shop.pool.execute("UPDATE tier_policy_versions SET rule = $1::jsonb WHERE policy_id = 0", rule)


async def _act(shop: TestShop, random: np.random.Generator) -> None:
    """Somebody starts a trial or sets a tier, where that is possible."""
    who = int(random.integers(1, CUSTOMERS + 1))
    hand = Hand(
        store=PostgresStandingStore(shop.pool),
        customer_id=who,
        policy="kuailv_grade",
        viewer=Viewer("op", Role.OPERATOR),
        now=shop.now,
    )
    with suppress(DomainError):
        if random.random() < 0.5:
            await start_trial(hand)
            return
        ends_at = shop.now + days(int(random.integers(1, 40)))
        wanted = WantedOverride(tier="GOLD", kind=OverrideKind.OTHER, reason="because", ends_at=ends_at)
        await set_override(hand, wanted)


@pytest.mark.parametrize(("seed", "timing"), list(enumerate(TIMINGS)))
async def test_incremental_state_follows_from_the_orders_and_the_log_alone(
    shop: TestShop, seed: int, timing: TierTiming
) -> None:
    await _decide_by(shop, timing)
    await _live_through(shop, seed, steps=25)

    incremental = await shop.computed()
    await _assert_chains(shop)

    assert len(incremental["facts"]) == CUSTOMERS
    assert incremental == await shop.computed_anew()


@pytest.mark.parametrize(("seed", "timing"), list(enumerate(TIMINGS)))
async def test_no_night_misses_anything(shop: TestShop, seed: int, timing: TierTiming) -> None:
    """After each night and the review of those who were due, a look at everybody finds nothing else."""
    await _decide_by(shop, timing)
    await _live_through(shop, 100 + seed, steps=12)
    changes = 0

    for _ in range(40):
        shop.now += days(int(np.random.default_rng(seed).choice([1, 1, 2, 5])))
        await _night(shop)
        changes += (await shop.review()).standings
        found = await compare(shop.stores)
        assert (found.customers, found.waiting) == (CUSTOMERS, 0)
        assert not any(found.faults().values()), found.faults()
    assert changes > 0


@pytest.mark.parametrize(("seed", "timing"), list(enumerate(AND_REALTIME)))
async def test_what_columns_leave_alone_the_state_machine_leaves_alone(
    migrated_database_url: str, monkeypatch: pytest.MonkeyPatch, seed: int, timing: TierTiming
) -> None:
    left_alone = Counter[str]()

    def by_columns(*given: Any) -> StillStandings:
        found = find_still(*given)
        left_alone.update(standings=int(found.is_still.sum()), customers=int(found.rows.sum()))
        return found

    written = []
    for find in (by_columns, lambda held, stored, *_: none_still(stored)):
        monkeypatch.setattr(review_customers, "find_still", find)
        async with shop_of_the_past(migrated_database_url) as shop:
            await _decide_by(shop, timing)
            await _live_through(shop, 200 + seed, steps=25)
            written.append({name: await shop.pool.fetch(query) for name, query in WRITTEN.items()})

    assert written[0] == written[1]
    assert len(written[0]["decisions"]) > 100
    assert min(left_alone.values()) > 5


async def test_a_review_day_forgotten_is_found(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law above can fail: without the days on which ages flip, nights miss somebody."""
    monkeypatch.setattr(compute_standings, "days_until_flip", lambda *_, rows, **__: np.full(rows, 366))
    await _live_through(shop, 7, steps=10)
    missed = 0

    for _ in range(30):
        shop.now += days(1)
        await _night(shop)
        await shop.review()
        missed += (await compare(shop.stores)).labels

    assert missed > 0


async def test_a_full_run_finds_nothing_to_do_after_the_worker(shop: TestShop) -> None:
    await _live_through(shop, 1, steps=10)

    assert await recompute_all(shop.settings, shop.stores) == ReviewCounts(customers=CUSTOMERS)


async def test_a_look_from_another_moment_writes_nothing(shop: TestShop) -> None:
    await _live_through(shop, 2, steps=10)
    before = await shop.computed()

    then = await compare(shop.stores, BEGIN)
    now = await compare(shop.stores)

    assert then.facts > 0
    assert now.facts == 0
    assert int(then.moves[0].sum()) == CUSTOMERS
    assert await shop.computed() == before


@pytest.mark.parametrize(
    ("words", "damage", "fault"),
    [
        (
            "a fact",
            "UPDATE customer_facts SET orders_90d = orders_90d + 1 WHERE customer_id = 3",
            "fact rows that differ from their digest",
        ),
        (
            "a digest",
            "UPDATE customer_standings SET facts_digest = 1 WHERE customer_id = 3",
            "facts that moved",
        ),
        ("a tier", "UPDATE tier_standings SET rank = 5 - rank WHERE customer_id = 3", "readable standings"),
        (
            "a label",
            "UPDATE customer_standings SET label_bits = set_bit(label_bits, 0, 1 - get_bit(label_bits, 0))",
            "label changes",
        ),
        ("a review day", "UPDATE customer_standings SET review_on = review_on + 1", "review days"),
        ("a lost row", "DELETE FROM customer_standings WHERE customer_id = 3", "customers never computed"),
    ],
)
async def test_damage_is_found_and_rebuilt(shop: TestShop, words: str, damage: str, fault: str) -> None:
    await _live_through(shop, 3, steps=8)
    whole: dict[str, list[tuple[Any, ...]]] = await shop.computed()
    await shop.pool.execute(damage)

    found = (await compare(shop.stores)).faults()
    assert found[fault] > 0

    await rebuild_facts(shop.settings, shop.stores)
    assert await shop.computed() == whole
