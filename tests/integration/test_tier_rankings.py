"""A ranking is frozen by the night, read by every review, and moves also those whom nothing else moves."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import pytest_asyncio
from shops import NOON, TestShop, days, event, open_shop, order

from api.recompute import compare, recompute_all
from db import freeze_rankings
from db.business_days import PostgresBusinessDays
from db.ranking_store import KEPT_DAYS, packed, unpacked
from db.standings_reads import PostgresStandings
from domain.customers.facts import FACTS
from domain.standings.open_business_day import open_business_day
from domain.standings.review_customers import ReviewCounts
from domain.tiers.draft_policy import draft_problems
from domain.tiers.measure import Quantity, RankMeasure
from domain.tiers.policy import TierRule
from domain.tiers.presets.xiaoxiang_layer import xiaoxiang_rule
from domain.tiers.ranking import RankedFact
from domain.tiers.rule_json import rule_to_json
from domain.words import Words

LAYER = 4
PEOPLE = 40
LAYERS = """
SELECT coalesce(rank, 0), count(*) FROM tier_standings WHERE policy_id = 4 GROUP BY 1 ORDER BY 1
"""
SILVER, GOLD, PLATINUM = 3, 4, 5
SET_RULE = "UPDATE tier_policy_versions SET rule = $1::jsonb WHERE policy_id = 4"


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    """Customer n of 40 spent n CNY, one a day before the other: 2 are the top 5 %, 10 the top 25 %."""
    async with open_shop(migrated_database_url) as opened:
        await opened.add_customers(*map(_name, range(1, PEOPLE + 1)))
        for number in range(1, PEOPLE + 1):
            await opened.ingest(event(_name(number), order(f"o{number}", number * 100), ago=days(20)))
        yield opened


def _name(number: int) -> str:
    return f"c{number}"


async def _layers(shop: TestShop) -> dict[int, int]:
    return {row[0]: row[1] for row in await shop.pool.fetch(LAYERS)}


async def _layer_of(shop: TestShop, number: int) -> int:
    query = "SELECT rank FROM tier_standings WHERE policy_id = 4 AND customer_id = $1"
    rank: int = await shop.pool.fetchval(query, await shop.customer_id(_name(number)))
    return rank


async def _night(shop: TestShop) -> None:
    shop.now += days(1)
    await open_business_day(PostgresBusinessDays(shop.pool), shop.now)


async def _buy(shop: TestShop, number: int, cents: int) -> None:
    made = event(_name(number), order(f"more {number}", cents), ago=NOON - shop.now)
    assert (await shop.ingest(made)).rejected == ()
    await shop.review()


async def test_a_first_run_ranks_everybody_before_anybody_gets_a_layer(shop: TestShop) -> None:
    await recompute_all(shop.settings, shop.stores)

    assert await _layers(shop) == {SILVER: 30, GOLD: 8, PLATINUM: 2}
    kinds = "SELECT DISTINCT kind FROM tier_transitions WHERE policy_id = 4"
    assert [row[0] for row in await shop.pool.fetch(kinds)] == ["JOINED"]
    assert await shop.pool.fetchval("SELECT day FROM tier_rankings") == date(2026, 11, 22)
    assert await recompute_all(shop.settings, shop.stores) == ReviewCounts(customers=PEOPLE)


async def test_without_a_ranking_everybody_waits_for_the_night(shop: TestShop) -> None:
    await shop.review()
    before = await _layers(shop)

    await _night(shop)
    await shop.review()

    assert before == {SILVER: PEOPLE}
    assert await _layers(shop) == {SILVER: 30, GOLD: 8, PLATINUM: 2}


async def test_a_buyer_rises_at_once_against_the_frozen_cuts(shop: TestShop) -> None:
    """S4-12. Nobody falls for it before the night; 11 are then among the 10 best."""
    await recompute_all(shop.settings, shop.stores)

    await _buy(shop, 1, 100_000)

    assert await _layer_of(shop, 1) == PLATINUM
    assert await _layers(shop) == {SILVER: 29, GOLD: 8, PLATINUM: 3}


async def test_the_night_moves_whom_nothing_but_the_ranking_moves(shop: TestShop) -> None:
    """Customers 31 and 39 bought nothing: another is now before them. The measure sees it with the ranking, the
    daily review lets them fall when the next day opens."""
    await recompute_all(shop.settings, shop.stores)
    await _buy(shop, 1, 100_000)
    due = "SELECT count(*) FROM customer_standings WHERE review_on <= $1 AND customer_id = ANY($2::bigint[])"
    moved = [await shop.customer_id(_name(number)) for number in (31, 39)]
    assert await shop.pool.fetchval(due, date(2026, 11, 23), moved) == 0

    await _night(shop)
    counts = await shop.review()
    measured = "SELECT count(*) FROM customer_standings WHERE raw_tiers <> tiers"
    assert await shop.pool.fetchval(measured) == 2
    await _night(shop)
    await shop.review()

    assert (await _layer_of(shop, 31), await _layer_of(shop, 39)) == (SILVER, GOLD)
    assert await _layers(shop) == {SILVER: 30, GOLD: 8, PLATINUM: 2}
    assert 2 <= counts.customers < PEOPLE
    assert not any((await compare(shop.stores)).faults().values())


async def test_a_night_that_forgets_them_is_found_out(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The law above can fail."""
    await recompute_all(shop.settings, shop.stores)
    await _buy(shop, 1, 100_000)
    nobody = freeze_rankings.MARK.replace("ORDER BY", "WHERE false ORDER BY")
    monkeypatch.setattr(freeze_rankings, "MARK", nobody)

    await _night(shop)
    await shop.review()

    assert (await compare(shop.stores)).faults()["tiers"] == 2


async def test_a_run_from_nothing_reads_the_rankings_that_were_frozen(shop: TestShop) -> None:
    await recompute_all(shop.settings, shop.stores)
    await _night(shop)
    await _buy(shop, 1, 100_000)
    incremental = await shop.computed()

    assert await shop.computed_anew() == incremental


def _ranked_by(fact: str) -> TierRule:
    quantity = Quantity(code="M", words=Words("名次", "place"), fact=fact)
    return replace(xiaoxiang_rule(), measure=RankMeasure((quantity,)))


async def _rank_by(shop: TestShop, fact: str) -> None:
    await shop.pool.execute(SET_RULE, json.dumps(rule_to_json(_ranked_by(fact))))


async def test_the_night_freezes_a_ranking_over_any_fact_that_a_draft_may_rank(shop: TestShop) -> None:
    rankable = [fact.name for fact in FACTS if not draft_problems(_ranked_by(fact.name))]
    assert {"spend_90d", "growth_value_365d", "days_since_last_order", "days_since_first_order"} < set(
        rankable
    )
    await shop.review()
    counts = {}
    for fact in rankable:
        await _rank_by(shop, fact)
        await _night(shop)
        counts[fact] = await shop.pool.fetchval(
            "SELECT customers FROM tier_rankings ORDER BY day DESC LIMIT 1"
        )

    assert counts == dict.fromkeys(rankable, PEOPLE)


@pytest.mark.parametrize("is_first", [True, False])
async def test_who_came_first_may_be_the_best(shop: TestShop, is_first: bool) -> None:
    """An age is ranked as of the day, by the night and by a first run."""
    early = event(_name(1), order("early", 100), ago=days(29))
    assert (await shop.ingest(early)).rejected == ()
    await _rank_by(shop, "days_since_first_order")

    if is_first:
        await recompute_all(shop.settings, shop.stores)
    else:
        await shop.review()
        await _night(shop)
        await shop.review()

    frozen = unpacked(await shop.pool.fetchval("SELECT distribution FROM tier_rankings"))
    days_ago = (20, 29) if is_first else (21, 30)
    assert [(one.values.tolist(), one.upto.tolist()) for one in frozen] == [(list(days_ago), [39, 40])]
    assert await _layer_of(shop, 1) == PLATINUM
    assert not any((await compare(shop.stores)).faults().values())


async def test_another_moment_is_seen_with_the_ranking_of_its_day(shop: TestShop) -> None:
    await recompute_all(shop.settings, shop.stores)
    first = shop.now
    await _buy(shop, 1, 100_000)
    await _night(shop)
    await shop.review()

    async with PostgresStandings(shop.pool, first).stored_block(0) as batch:
        then = batch.rules.policies[LAYER].version.rule.measure
    async with PostgresStandings(shop.pool).stored_block(0) as batch:
        now = batch.rules.policies[LAYER].version.rule.measure

    days_of = [measure.frozen.day for measure in (then, now)]  # type: ignore[union-attr]
    assert days_of == [20_779, 20_780]


async def test_old_rankings_are_dropped(shop: TestShop) -> None:
    await shop.review()
    for _ in range(3):
        shop.now += days(KEPT_DAYS // 2)
        await _night(shop)

    kept = await shop.pool.fetchval("SELECT count(*) FROM tier_rankings")

    assert kept == 2


def test_a_distribution_is_kept_without_losing_a_digit() -> None:
    facts = (
        RankedFact(np.array([1, 5, 2**36], np.int64), np.array([3, 4, 9], np.int64)),
        RankedFact(np.zeros(0, np.int64), np.zeros(0, np.int64)),
        RankedFact(np.array([0], np.int64), np.array([9], np.int64)),
    )

    found = unpacked(packed(facts))

    assert [(one.values.tolist(), one.upto.tolist()) for one in found] == [
        (one.values.tolist(), one.upto.tolist()) for one in facts
    ]
