"""The matrix of moves between two moments is what a fold over the log of decisions gives (S0-22)."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from retailer import FIRST_LOOK, NOW, Retailer
from retailer_operations import comparison_over

from domain.privacy.viewer import Role

MATRIX = """query ($policy: String!, $from: DateTime!, $to: DateTime!) {
  tierMigration(policy: $policy, from: $from, to: $to) { policy { code } period { from to } cells {
    from { code } to { code name } customers flowRate spend { amount currencyCode } } } }"""
LOG = """
SELECT customer_id, effective_at, tiers.code FROM tier_transitions AS log
LEFT JOIN tiers ON tiers.version_id = log.version_id AND tiers.rank = log.to_rank
WHERE policy_id = (SELECT policy_id FROM tier_policies WHERE code = $1) ORDER BY transition_id
"""
SPENT = "SELECT customer_id, sum(net_cents) FROM orders WHERE counted_at > $1 AND counted_at <= $2 GROUP BY 1"
LEAVE = """
INSERT INTO tier_transitions SELECT (decision).* FROM (
  SELECT jsonb_populate_record(log, jsonb_build_object('transition_id', 1000000000, 'kind', 'LEFT',
    'from_rank', to_rank, 'to_rank', NULL, 'effective_at', $2::timestamptz)) AS decision
  FROM tier_transitions AS log WHERE policy_id = 0 AND effective_at <= $1 ORDER BY transition_id LIMIT 1
) AS made
"""
BETWEEN = NOW - FIRST_LOOK / 2
"""After the first look at everybody and before the second."""
LATEST = datetime(2026, 6, 1, 16, tzinfo=UTC)


async def matrix(retailer: Retailer, policy: str, first: datetime, last: datetime) -> dict[str, Any] | None:
    variables = {"policy": policy, "from": first.isoformat(), "to": last.isoformat()}
    answer = await retailer.ask(MATRIX, Role.ANALYST, variables)
    assert "errors" not in answer
    assert retailer.fallbacks == []
    found: dict[str, Any] | None = answer["data"]["tierMigration"]
    return found


async def held(retailer: Retailer, policy: str, moment: datetime) -> dict[int, str | None]:
    rows = await retailer.stores.pool.fetch(LOG, policy)
    return {customer_id: code for customer_id, effective_at, code in rows if effective_at <= moment}


@pytest.mark.parametrize("policy", ["kuailv_grade", "chuanwei_value", "wanxiang_member", "xiaoxiang_layer"])
async def test_the_matrix_is_a_fold_over_the_log(retailer: Retailer, policy: str) -> None:
    before, after = await held(retailer, policy, BETWEEN), await held(retailer, policy, LATEST)
    spent = {row[0]: row[1] for row in await retailer.stores.pool.fetch(SPENT, BETWEEN, LATEST)}
    customers: Counter[tuple[str | None, str | None]] = Counter()
    cents: Counter[tuple[str | None, str | None]] = Counter()
    for one in after:
        pair = before.get(one), after[one]
        customers[pair] += 1
        cents[pair] += spent.get(one, 0)
    del customers[None, None]

    found = await matrix(retailer, policy, BETWEEN, LATEST)

    assert found is not None
    cells = {
        tuple(one[side]["code"] if one[side] else None for side in ("from", "to")): one
        for one in found["cells"]
    }
    assert {pair: one["customers"] for pair, one in cells.items()} == dict(customers)
    assert {pair: Decimal(one["spend"]["amount"]) * 100 for pair, one in cells.items()} == {
        pair: cents[pair] for pair in customers
    }
    assert any(before != after for before, after in cells)


async def test_whoever_came_later_is_new_and_flows_of_a_tier_add_up_to_one(retailer: Retailer) -> None:
    found = await matrix(retailer, "kuailv_grade", datetime(2020, 1, 1, tzinfo=UTC), BETWEEN)
    assert found is not None
    assert {one["from"] for one in found["cells"]} == {None}
    assert {one["flowRate"] for one in found["cells"]} == {None}

    moved = await matrix(retailer, "xiaoxiang_layer", BETWEEN, LATEST)
    assert moved is not None
    rates: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in moved["cells"]:
        if one["from"]:
            rates[one["from"]["code"]] += Decimal(one["flowRate"])
    assert all(abs(total - 1) <= Decimal("0.00001") for total in rates.values())


async def test_between_a_moment_and_itself_nobody_moves(retailer: Retailer) -> None:
    found = await matrix(retailer, "kuailv_grade", LATEST, LATEST)

    assert found is not None
    assert all(one["from"]["code"] == one["to"]["code"] for one in found["cells"])
    assert {one["flowRate"] for one in found["cells"]} == {"1.000000"}
    assert {one["spend"]["amount"] for one in found["cells"]} == {"0.00"}


async def test_whoever_left_has_no_tier_to_go_to(retailer: Retailer) -> None:
    async with retailer.stores.pool.acquire() as connection:
        await connection.execute(LEAVE, BETWEEN, LATEST)
        found = await matrix(retailer, "kuailv_grade", BETWEEN, LATEST)
        after = await matrix(retailer, "kuailv_grade", LATEST, LATEST)
        await connection.execute("DELETE FROM tier_transitions WHERE transition_id = 1000000000")

    assert found is not None
    assert after is not None
    gone = [one for one in found["cells"] if one["to"] is None]
    assert [one["customers"] for one in gone] == [1]
    assert gone[0]["from"]
    assert all(one["from"] and one["to"] for one in after["cells"])


async def test_an_unknown_policy_and_a_period_that_runs_backwards_answer_null(retailer: Retailer) -> None:
    assert await matrix(retailer, "nothing", BETWEEN, LATEST) is None
    assert await matrix(retailer, "kuailv_grade", LATEST, BETWEEN) is None


async def test_the_future_is_refused_by_name(retailer: Retailer) -> None:
    variables = {"policy": "kuailv_grade", "from": BETWEEN.isoformat(), "to": "2027-01-01T00:00:00Z"}

    answer = await retailer.ask(MATRIX, Role.ANALYST, variables)

    assert answer["data"] == {"tierMigration": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer["errors"][0]["message"].startswith("to must lie between")


async def test_both_readers_agree_on_what_is_watched(retailer: Retailer) -> None:
    comparison = await comparison_over(retailer, ["tierMigration", "tierDistribution"])

    await comparison.run(15, seed=1)

    assert comparison.disagreements == []
    assert retailer.fallbacks == []
