"""Fifteen cases that other engines document as surprises: what happens here, one test each."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest_asyncio
from shops import NOON, TestShop, days, event, open_shop, order
from tier_lives import Life, day, steps

from api.recompute import recompute_all
from db.business_days import PostgresBusinessDays
from domain.conditions.expression import Fact
from domain.customers.facts import CONDITION_INPUTS
from domain.errors import ErrorCode
from domain.ingest.events import CancellationEvent, RefundEvent
from domain.standings.open_business_day import open_business_day
from domain.tiers.life_change import TransitionKind
from domain.tiers.life_ladder import on_ladder
from domain.tiers.life_manual import end_override, set_override
from domain.tiers.life_state import Override, OverrideKind
from domain.tiers.policy import TierRule
from domain.tiers.presets import timings
from domain.tiers.presets.kuailv_grade import kuailv_rule
from domain.tiers.rule_check import rule_problems
from domain.tiers.rule_json import rule_to_json
from domain.tiers.timing import Cadence, DowngradeMode, ExpiryAnchor, TierTiming

LOG = """
SELECT external_id, kind, coalesce(from_rank, 0), coalesce(to_rank, 0), reason
FROM tier_transitions JOIN customer_refs USING (customer_id) ORDER BY transition_id
"""
YEARLY = timings.WANXIANG_MEMBER
GOLD_CENTS, PLATINUM_CENTS = 10_000_000, 20_000_000


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    """With one policy, so that a log is of one ladder."""
    async with open_shop(migrated_database_url) as opened:
        await opened.pool.execute("UPDATE tier_policy_versions SET status = 'RETIRED' WHERE policy_id <> 0")
        yield opened


async def log(shop: TestShop) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await shop.pool.fetch(LOG)]


async def night(shop: TestShop, *, after: float) -> None:
    shop.now += days(after)
    await open_business_day(PostgresBusinessDays(shop.pool), shop.now)
    await shop.review()


async def put_in_force(shop: TestShop, rule: TierRule, number: int) -> None:
    """As an activation does: one version in force, the one before it retired."""
    async with shop.pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE tier_policy_versions SET status = 'RETIRED' WHERE policy_id = 0")
        version_id = await connection.fetchval(
            "INSERT INTO tier_policy_versions (policy_id, number, status, rule) VALUES (0, $1, 'ACTIVE', $2::jsonb) "
            "RETURNING version_id",
            number,
            json.dumps(rule_to_json(rule)),
        )
        await connection.executemany(
            "INSERT INTO tiers (version_id, rank, code, name, threshold) VALUES ($1, $2, $3, $3, $4)",
            [(version_id, tier.rank, tier.code, tier.threshold) for tier in rule.tiers],
        )


def without(rule: TierRule, code: str) -> TierRule:
    kept = [tier for tier in rule.tiers if tier.code != code]
    return replace(rule, tiers=tuple(replace(tier, rank=rank) for rank, tier in enumerate(kept, 1)))


async def gold_ann_and_bronze_bob(shop: TestShop) -> None:
    await shop.add_customers("ann", "bob")
    await shop.ingest(event("ann", order("1", GOLD_CENTS)))
    await shop.review()


async def test_01_an_edited_ladder_moves_everybody_at_once_and_a_tier_removed_becomes_the_next_lower(
    shop: TestShop,
) -> None:
    """Elsewhere members are left until their next activity, or stripped. Here the run that follows the activation
    finds exactly those whom the edit moves, and says so."""
    await gold_ann_and_bronze_bob(shop)
    await put_in_force(shop, without(kuailv_rule(), "GOLD"), 2)

    await recompute_all(shop.settings, shop.stores)

    assert (await log(shop))[2:] == [("ann", "DOWNGRADED", 2, 2, "POLICY_CHANGE")]
    held = "SELECT code FROM tier_standings JOIN tiers USING (version_id, rank) ORDER BY customer_id"
    assert [row[0] for row in await shop.pool.fetch(held)] == ["SILVER", "BRONZE"]


async def test_02_two_edits_at_once_leave_one_version_and_one_decision_each(shop: TestShop) -> None:
    """Elsewhere two jobs race and people are told to edit one by one."""
    await gold_ann_and_bronze_bob(shop)
    await put_in_force(shop, without(kuailv_rule(), "GOLD"), 2)
    await put_in_force(shop, without(kuailv_rule(), "SILVER"), 3)

    await asyncio.gather(*(recompute_all(shop.settings, shop.stores) for _ in range(2)))
    await shop.review()

    assert (await log(shop))[2:] == [("ann", "PROLONGED", 2, 2, "POLICY_CHANGE")]
    held = "SELECT number, code FROM tier_standings JOIN tiers USING (version_id, rank) "
    held += "JOIN tier_policy_versions USING (version_id) WHERE customer_id = 1"
    assert tuple(await shop.pool.fetchrow(held)) == (3, "GOLD")


def test_03_a_tier_is_earned_by_what_was_spent_never_by_a_balance() -> None:
    """Elsewhere points are redeemed before the check, and a customer never reaches the threshold."""
    facts = [name for name, one in CONDITION_INPUTS.items() if isinstance(one, Fact)]

    assert [name for name in facts if "balance" in name or "points" in name] == []


async def test_04_a_return_takes_back_what_the_order_gave_and_no_more(shop: TestShop) -> None:
    """The decision stays in the log, a correction follows at the next look; what a person set is not touched."""
    await shop.add_customers("ann", "bob")
    await shop.review()
    await shop.ingest(event("ann", order("1", GOLD_CENTS)), event("bob", order("2", GOLD_CENTS)))
    await shop.review()
    await shop.ingest(event("ann", RefundEvent(order="1", refunded_cents=GOLD_CENTS)))
    await shop.ingest(event("bob", RefundEvent(order="2", refunded_cents=100)))
    await shop.review()

    assert (await log(shop))[2:] == [
        ("ann", "UPGRADED", 1, 3, "EVENT"),
        ("bob", "UPGRADED", 1, 3, "EVENT"),
        ("ann", "DOWNGRADED", 3, 1, "CORRECTION"),
    ]


async def test_04_a_return_of_an_old_order_waits_for_the_review(shop: TestShop) -> None:
    """The decision was right without it."""
    await shop.add_customers("ann")
    await shop.review()
    await shop.ingest(event("ann", order("0", 50_000), ago=days(20)), event("ann", order("1", GOLD_CENTS)))
    await shop.review()
    before = await log(shop)

    await shop.ingest(event("ann", CancellationEvent(order="0")))
    await shop.review()

    assert await log(shop) == before


def test_05_the_last_day_is_whole_and_ends_at_the_midnight_of_the_shop() -> None:
    """Elsewhere an end is stored as 23:59:59 of the day before. Here 365 days from January 7th last through
    January 7th, and the 8th begins with the decision."""
    life = Life(YEARLY, steps(("2026-01-01", 3), ("2026-03-01", 1)))
    life.look(day("2026-01-07"))

    assert life.night(day("2027-01-07")) == []
    (fallen,) = life.night(day("2027-01-08"))
    assert (fallen.kind, fallen.day) == (TransitionKind.DOWNGRADED, day("2027-01-07"))


def test_06_an_upgrade_restarts_the_year_only_where_the_policy_says_so() -> None:
    ends = {}
    for anchor in (ExpiryAnchor.TIER_START, ExpiryAnchor.PROGRAM_JOIN, ExpiryAnchor.CALENDAR):
        life = Life(replace(YEARLY, expiry_anchor=anchor), steps(("2026-01-01", 2), ("2026-05-01", 3)))
        life.look(day("2026-01-07"))
        life.night(day("2026-05-01"))
        assert life.state is not None
        ends[anchor] = life.state.valid_day

    assert ends == {
        ExpiryAnchor.TIER_START: day("2027-05-01"),
        ExpiryAnchor.PROGRAM_JOIN: day("2027-01-07"),
        ExpiryAnchor.CALENDAR: day("2027-12-31"),
    }


def test_06_another_anchor_leaves_promised_ends_as_they_are() -> None:
    life = Life(YEARLY, steps(("2026-01-01", 2)))
    life.look(day("2026-01-07"))
    life.timing = replace(YEARLY, expiry_anchor=ExpiryAnchor.CALENDAR)
    life.look(day("2026-02-01"))

    assert life.state is not None
    assert life.state.valid_day == day("2027-01-07")


async def test_07_a_policy_that_ends_and_comes_back_strips_nobody_silently(shop: TestShop) -> None:
    await gold_ann_and_bronze_bob(shop)
    await shop.pool.execute("UPDATE tier_policy_versions SET status = 'RETIRED'")
    await recompute_all(shop.settings, shop.stores)
    tiers = "SELECT DISTINCT rank FROM tier_standings"
    assert [row[0] for row in await shop.pool.fetch(tiers)] == [None]
    await put_in_force(shop, kuailv_rule(), 2)

    await recompute_all(shop.settings, shop.stores)

    assert (await log(shop))[2:] == [
        ("ann", "LEFT", 3, 0, "POLICY_CHANGE"),
        ("bob", "LEFT", 1, 0, "POLICY_CHANGE"),
        ("ann", "JOINED", 0, 3, "POLICY_CHANGE"),
        ("bob", "JOINED", 0, 1, "POLICY_CHANGE"),
    ]
    told = "SELECT count(*) FROM outbox WHERE kind = 'TIER_CHANGED'"
    assert await shop.pool.fetchval(told) == len(await log(shop))


def test_08_a_person_may_move_both_ways_and_the_measure_takes_over_when_it_ends() -> None:
    """Elsewhere only upwards, or only through support."""
    life = Life(timings.KUAILV_GRADE, steps(("2026-01-01", 3)))
    life.look(day("2026-01-07"))
    assert life.state is not None
    lower = Override(
        rank=1,
        first_day=day("2026-01-08"),
        last_day=day("2026-01-20"),
        kind=OverrideKind.RISK,
        reason="unpaid",
        actor="op",
    )
    set_down = set_override(life.state, lower, today=day("2026-01-08"))
    assert set_down is not None
    assert (set_down.kind, set_down.from_rank, set_down.to_rank) == (TransitionKind.OVERRIDDEN, 3, 1)

    life.state = set_down.state
    life.review_day = day("2026-01-21")
    (ended,) = life.night(day("2026-01-21"))

    assert (ended.kind, ended.to_rank, ended.day) == (TransitionKind.OVERRIDE_ENDED, 3, day("2026-01-20"))
    assert end_override(ended.state, today=day("2026-01-21")) is None


async def test_09_a_fall_is_told_like_a_rise_and_a_month_ahead(shop: TestShop) -> None:
    """S0-14, S0-18. Silent from November 22nd: seen on December 1st, one grade down on January 1st."""
    await shop.add_customers("ann")
    await shop.ingest(event("ann", order("1", GOLD_CENTS)))
    await shop.review()
    for _ in range(6):
        await night(shop, after=8)

    assert await log(shop) == [
        ("ann", "JOINED", 0, 3, "EVENT"),
        ("ann", "PROLONGED", 3, 3, "PROTECTED"),
        ("ann", "DOWNGRADED", 3, 2, "MONTHLY"),
    ]
    assert await shop.pool.fetchval("SELECT count(*) FROM outbox WHERE kind = 'TIER_CHANGED'") == 3


async def test_10_who_has_the_points_and_not_the_tier_sees_both_and_when_it_will_be_decided(
    shop: TestShop,
) -> None:
    """Small orders raise the measure at once and the tier on the 1st (S0-11, S0-12)."""
    await shop.add_customers("ann")
    await shop.review()
    await shop.ingest(*(event("ann", order(str(number), 40_000)) for number in range(20)))
    await shop.review()
    row = await shop.pool.fetchrow("SELECT tiers, raw_tiers, tiers_due_on::text FROM customer_standings")
    assert tuple(row) == (1, 3, "2026-12-01")

    await night(shop, after=9)

    assert (await log(shop))[1:] == [("ann", "UPGRADED", 1, 3, "MONTHLY")]
    as_of = "SELECT as_of, effective_at, decided_at FROM tier_transitions ORDER BY transition_id DESC LIMIT 1"
    midnight = NOON.replace(hour=16) + days(8)
    assert tuple(await shop.pool.fetchrow(as_of)) == (midnight, midnight, NOON + days(9))


def test_11_spend_that_goes_away_does_not_end_a_promise() -> None:
    """Elsewhere a member who leaves a group drops the others' tier within the period."""
    life = Life(YEARLY, steps(("2026-01-01", 3), ("2026-03-01", 1), ("2026-12-01", 3)))
    life.look(day("2026-01-07"))

    assert life.night(day("2026-03-01")) == []
    assert life.night(day("2026-12-01")) == []
    (kept,) = life.night(day("2027-01-08"))
    assert (kept.kind, kept.to_rank) == (TransitionKind.PROLONGED, 3)


async def test_12_a_decision_is_one_pass_that_feeds_nothing_back(shop: TestShop) -> None:
    """No measure reads a tier or what a tier gives, so looking again decides nothing more."""
    assert [name for name in kuailv_rule().fact_names() if "tier" in name or "rank" in name] == []
    await gold_ann_and_bronze_bob(shop)
    before = await log(shop)

    await recompute_all(shop.settings, shop.stores)

    assert await log(shop) == before


def test_13_ladders_have_no_overlap_and_a_tier_may_be_put_between_two() -> None:
    rule = kuailv_rule()
    silver, gold = rule.tiers[1], rule.tiers[2]
    overlapping = replace(
        rule, tiers=(*rule.tiers[:2], replace(gold, threshold=silver.threshold), *rule.tiers[3:])
    )
    codes = [tier.code for tier in rule.tiers]
    life = Life(timings.KUAILV_GRADE, steps(("2026-01-01", 3)))
    life.look(day("2026-01-07"))
    assert life.state is not None

    carried = on_ladder(life.state, codes, [*codes[:2], "STEEL", *codes[2:]])

    assert [problem.code for problem in rule_problems(overlapping)] == [ErrorCode.THRESHOLDS_OVERLAP]
    assert [tier.threshold is None for tier in rule.tiers] == [True, False, False, False, False]
    assert carried.base_rank == 4


def test_14_the_end_says_when_to_look_the_grace_how_long_to_wait_the_mode_how_far_to_fall() -> None:
    timing = replace(YEARLY, grace_days=30, downgrade=DowngradeMode.ONE_STEP)
    life = Life(timing, steps(("2026-01-01", 4), ("2026-06-01", 1)))
    life.look(day("2026-01-07"))

    assert life.night(day("2027-01-08")) == []
    assert life.night(day("2027-02-06")) == []
    (fallen,) = life.night(day("2027-02-07"))
    assert (fallen.from_rank, fallen.to_rank) == (4, 3)
    assert fallen.state.valid_day == day("2028-02-06")


def test_15_each_cadence_lets_the_same_customer_fall_in_its_own_time() -> None:
    """Silent from March 10th."""
    fell_on = {}
    for cadence in Cadence:
        keeps = {"validity_days": 365, "expiry_anchor": ExpiryAnchor.TIER_START}
        timing = TierTiming(cadence=cadence, **(keeps if cadence is Cadence.ANNIVERSARY else {}))  # type: ignore[arg-type]
        life = Life(timing, steps(("2026-01-01", 3), ("2026-03-10", 1)))
        life.look(day("2026-01-07"))
        nights = range(day("2026-01-08"), day("2027-02-01"))
        fell_on[cadence] = next(today for today in nights if life.night(today))

    assert fell_on == {
        Cadence.REALTIME: day("2026-03-10"),
        Cadence.DAILY: day("2026-03-10"),
        Cadence.MONTHLY: day("2026-04-01"),
        Cadence.ANNIVERSARY: day("2027-01-08"),
    }
