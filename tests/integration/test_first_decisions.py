"""First decisions written as columns are those that the state machine takes one by one."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from published import published
from shops import TestShop, days, event, open_shop, order

from api.recompute import recompute_all
from domain.ingest.events import ProfileChangeEvent
from domain.standings import first_decisions
from domain.tiers.presets import timings
from domain.tiers.presets.kuailv_grade import kuailv_rule
from domain.tiers.rule_json import rule_to_json
from domain.tiers.timing import ExpiryAnchor, TierTiming

CUSTOMERS = 120
WRITTEN = {
    "transitions": "SELECT *, evidence::jsonb AS evidence FROM tier_transitions ORDER BY customer_id, policy_id",
    "standings": "SELECT * FROM tier_standings ORDER BY customer_id, policy_id",
    "rows": "SELECT customer_id, tiers, raw_tiers, versions, tiers_due_on, label_bits, review_on "
    "FROM customer_standings ORDER BY customer_id",
    "versions": "SELECT customer_id, version FROM customers ORDER BY customer_id",
}
FORGET = """
TRUNCATE customer_facts, customer_standings, tier_standings, tier_transitions, tier_signals, label_changes, outbox;
UPDATE customers SET version = 1
"""
TRY_ON_THIRTY_PERCENT = """
WITH tried AS (
  INSERT INTO tier_policy_versions (policy_id, number, status, rule)
  SELECT 0, 2, 'CANARY', jsonb_set(rule, '{tiers,1,threshold}', '"20"') FROM tier_policy_versions
  WHERE policy_id = 0 RETURNING version_id
)
INSERT INTO tier_policy_canaries
  (version_id, policy_id, control_version_id, share, began_at, share_since, share_event_id)
SELECT tried.version_id, 0, active.version_id, 0.3, now(), now(), 0
FROM tried, tier_policy_versions AS active WHERE active.policy_id = 0 AND active.number = 1
"""
FEW, NEVER = 1, 10**9


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        yield opened


async def _buy(shop: TestShop, seed: int) -> None:
    """Everything from nothing at all to a thousand times the highest cut; some have the same."""
    random = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(CUSTOMERS)]
    await shop.ingest(*(event(name, ProfileChangeEvent(city="上海"), ago=days(400)) for name in names))
    bought = []
    for name in names:
        for number in range(int(random.choice([0, 1, 1, 2, 6, 20]))):
            ago = float(random.choice([0, 3, 20, 45, 100, 300])) + int(random.integers(2)) / 2
            cents = int(random.choice([0, 1, 999, 50_000, 300_000, 2_000_000, 2**36 // 20]))
            bought.append(event(name, order(f"{name}-{number}", cents), ago=days(ago)))
    for start in range(0, len(bought), 400):
        assert (await shop.ingest(*bought[start : start + 400])).rejected == ()


async def _mark(shop: TestShop, reasons: Sequence[str]) -> None:
    """Some for one reason, some for another, some for none."""
    await shop.pool.execute("TRUNCATE dirty_customers")
    marks = list(enumerate(reasons * (CUSTOMERS // 5)))
    await shop.pool.executemany(
        "INSERT INTO dirty_customers (customer_id, reason) VALUES ($1 + 1, $2)", marks
    )


async def _written(shop: TestShop) -> dict[str, list[Any]]:
    """Ids of decisions are left out, as their place in the order of ids is another."""
    found = {name: [dict(row) for row in await shop.pool.fetch(query)] for name, query in WRITTEN.items()}
    for row in (*found["transitions"], *found["standings"]):
        assert row.pop("transition_id") > 0
    told = [(event.customer_id, event.kind, event.payload) for event in await published(shop.pool)]
    return found | {"published": sorted(told, key=str)}


async def _computed(shop: TestShop, monkeypatch: pytest.MonkeyPatch, *, fewest: int) -> dict[str, list[Any]]:
    monkeypatch.setattr(first_decisions, "FEWEST", fewest)
    await shop.pool.execute(FORGET)
    await _mark(shop, ["EVENT", "NIGHT", "POLICY_CHANGE"])
    await recompute_all(shop.settings, shop.stores)
    return await _written(shop)


async def _decide_by(shop: TestShop, timing: TierTiming) -> None:
    rule = json.dumps(rule_to_json(replace(kuailv_rule(), timing=timing)))
    await shop.pool.execute("UPDATE tier_policy_versions SET rule = $1::jsonb WHERE policy_id = 0", rule)


@pytest.mark.parametrize(
    ("words", "timing"),
    [
        ("shipped", timings.KUAILV_GRADE),
        ("to an anniversary", timings.WANXIANG_MEMBER),
        ("to the end of a year", replace(timings.WANXIANG_MEMBER, expiry_anchor=ExpiryAnchor.CALENDAR)),
    ],
)
async def test_columns_and_single_decisions_are_the_same(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch, words: str, timing: TierTiming
) -> None:
    await _decide_by(shop, timing)
    await _buy(shop, seed=len(words))
    await recompute_all(shop.settings, shop.stores)  # places everybody, once

    one_by_one = await _computed(shop, monkeypatch, fewest=NEVER)
    by_columns = await _computed(shop, monkeypatch, fewest=FEW)

    assert len(one_by_one["transitions"]) > 4 * CUSTOMERS
    assert by_columns == one_by_one


async def test_a_version_that_is_tried_on_some_decides_about_them(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.pool.execute(TRY_ON_THIRTY_PERCENT)
    await _buy(shop, seed=2)
    await recompute_all(shop.settings, shop.stores)

    one_by_one = await _computed(shop, monkeypatch, fewest=NEVER)
    by_columns = await _computed(shop, monkeypatch, fewest=FEW)

    versions = Counter(row["version_id"] for row in by_columns["transitions"] if row["policy_id"] == 0)
    assert len(versions) == 2
    assert min(versions.values()) > CUSTOMERS // 5
    assert by_columns == one_by_one


async def test_a_policy_that_comes_later_is_joined_beside_standings_that_stay(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _buy(shop, seed=1)
    await recompute_all(shop.settings, shop.stores)
    of_others = "SELECT * FROM tier_transitions WHERE policy_id <> 3 ORDER BY transition_id"
    before = await shop.pool.fetch(of_others)
    found = []
    for fewest in (NEVER, FEW):
        monkeypatch.setattr(first_decisions, "FEWEST", fewest)
        await shop.pool.execute("DELETE FROM tier_transitions WHERE policy_id = 3")
        await shop.pool.execute("DELETE FROM tier_standings WHERE policy_id = 3")
        others = (
            "tiers & ~(255::bigint << 24), raw_tiers & ~(255::bigint << 24), versions & ~(255::bigint << 24)"
        )
        await shop.pool.execute(f"UPDATE customer_standings SET (tiers, raw_tiers, versions) = ROW({others})")
        await recompute_all(shop.settings, shop.stores)
        found.append(await _written(shop))

    assert found[0]["transitions"] == found[1]["transitions"]
    assert found[0]["standings"] == found[1]["standings"]
    assert found[0]["rows"] == found[1]["rows"]
    assert await shop.pool.fetch(of_others) == before
