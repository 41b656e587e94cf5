"""Signals: what somebody should act on, raised at once and once in its period (S0-16, S0-18)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest_asyncio
from shops import TestShop, days, event, open_shop, order

from api.recompute import recompute_all
from db.business_days import PostgresBusinessDays
from domain.standings.open_business_day import open_business_day

RAISED = """
SELECT external_id, s.kind, s.period, s.rank FROM tier_signals AS s JOIN customer_refs USING (customer_id)
WHERE s.policy_id = 0
ORDER BY signal_id
"""
ALERTS = "SELECT kind, severity, subject, period, rank FROM alerts WHERE policy_id = 0 ORDER BY alert_id"


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        yield opened


async def raised(shop: TestShop) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await shop.pool.fetch(RAISED)]


async def night(shop: TestShop, *, after: float) -> None:
    shop.now += days(after)
    await open_business_day(PostgresBusinessDays(shop.pool), shop.now)
    await shop.review()


async def buys(shop: TestShop, name: str, number: int, cents: int) -> None:
    """Now."""
    await shop.ingest(replace(event(name, order(f"{name}-{number}", cents)), occurred_at=shop.now))
    await shop.review()


async def test_whoever_comes_near_the_next_tier_is_told_once_a_month(shop: TestShop) -> None:
    """Bronze: 30 points for today, 2 an order, 0.3 per 1,000 CNY. 37 and 39.27 lie within 5 of silver's 40."""
    await shop.add_customers("ann")
    await shop.review()

    await buys(shop, "ann", 1, 100_000)
    assert await raised(shop) == []
    await buys(shop, "ann", 2, 900_000)
    await buys(shop, "ann", 3, 90_000)

    assert await raised(shop) == [("ann", "ALMOST_THERE", "2026-11", 1)]
    published = (
        "SELECT kind, payload->>'signal' FROM outbox WHERE event_id = (SELECT signal_id FROM tier_signals)"
    )
    assert tuple(await shop.pool.fetchrow(published)) == ("TIER_SIGNAL", "ALMOST_THERE")


async def test_a_high_tier_that_falls_silent_is_noticed_on_the_very_day_and_once(shop: TestShop) -> None:
    """S0-18: platinum, without an order for 25 days: December 17th is the first day whose end is that far."""
    await shop.add_customers("ann")
    for number in range(12):
        await shop.ingest(event("ann", order(f"o{number}", 2_000_000)))
    await shop.review()
    assert await shop.pool.fetchval("SELECT rank FROM tier_standings") == 4
    noticed = []

    for _ in range(40):
        before = len(await raised(shop))
        await night(shop, after=1)
        noticed += [(shop.now.date().isoformat(), *row[1:3]) for row in (await raised(shop))[before:]]

    assert noticed == [
        ("2026-12-17", "CHURN_RISK", "2026-11-22"),
        ("2027-01-01", "DOWNGRADE_WARNING", "2026-12"),
    ]


async def test_two_falls_in_a_row_call_the_account_manager(shop: TestShop) -> None:
    """Two reviews for each fall: seen on January 1st, down on February 1st, seen in March, down in April."""
    await shop.add_customers("ann")
    for number in range(12):
        await shop.ingest(event("ann", order(f"o{number}", 2_000_000)))
    await shop.review()
    for _ in range(17):
        await night(shop, after=8)

    kinds = [(row[1], row[2]) for row in await raised(shop) if row[1] != "CHURN_RISK"]
    assert kinds == [
        ("DOWNGRADE_WARNING", "2026-12"),
        ("DOWNGRADE_WARNING", "2027-02"),
        ("REPEATED_DOWNGRADE", "2027-03"),
    ]


async def test_a_silent_high_tier_and_two_falls_are_alerts_as_well(shop: TestShop) -> None:
    """With their signals, so once; 25 days of silence, seen lower in January and March, down after each."""
    await shop.add_customers("ann")
    for number in range(12):
        await shop.ingest(event("ann", order(f"o{number}", 2_000_000)))
    await shop.review()
    for _ in range(17):
        await night(shop, after=8)

    subject = f"kuailv_grade/cus_{await shop.customer_id('ann')}"
    assert [tuple(row) for row in await shop.pool.fetch(ALERTS)] == [
        ("TOP_TIER_CHURN_RISK", "CRITICAL", subject, "2026-11-22", 4),
        ("DOWNGRADE_WARNING", "INFO", subject, "2026-12", 4),
        ("DOWNGRADE_WARNING", "INFO", subject, "2027-02", 3),
        ("REPEATED_DOWNGRADE", "WARNING", subject, "2027-03", 2),
    ]


async def test_a_full_run_raises_nothing_again(shop: TestShop) -> None:
    await shop.add_customers("ann")
    await shop.review()
    await buys(shop, "ann", 1, 900_000)
    await buys(shop, "ann", 2, 100_000)
    before = await raised(shop)

    await recompute_all(shop.settings, shop.stores)

    assert before
    assert await raised(shop) == before
