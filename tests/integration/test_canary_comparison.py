"""A canary compared with the rest: sizes, tiers, moves and orders of each arm, as a fold in Python gives them."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from own_policy import END_CANARY, changed
from policy_canary import asked, begun, ids, taken, tiers
from policy_life import act, activated, five_policies, work
from retailer import NOW, Retailer
from retailer_operations import comparison_over

from db.business_days import PostgresBusinessDays
from domain.privacy.viewer import Role
from domain.standings.open_business_day import open_business_day

LENIENT = changed(("tiers", 1, "threshold"), "100")
COMPARE = """{ tierPolicyComparison(policy: "own") {
  policy { code } control { number } treatment { number status } share period { from to } outcome
  arms { kind customers tiers { tierCode name customers share } moves { fromCode toCode customers } }
  metrics { kpi unit control treatment difference interval { min max } pValue } sampleRatioPValue valid } }"""
BUY = """
INSERT INTO orders (customer_id, source_id, external_id, placed_at, paid_at, status, stated_at, channel, charged_cents)
SELECT customer_id, source_id, 'again ' || extra, $1::timestamptz, $1::timestamptz, status, $1::timestamptz, channel,
       charged_cents + 1000 * extra
FROM (SELECT DISTINCT ON (customer_id) * FROM orders WHERE counted_at IS NOT NULL ORDER BY customer_id, order_id)
       AS old, generate_series(1, 2) AS extra
WHERE customer_id % 4 >= extra
"""
"""Of four customers who ever bought, one buys nothing, one once, two twice."""
REGISTER = """
INSERT INTO customers (kind, registered_at) SELECT 'HOUSEHOLD', $1 FROM generate_series(1, 4) RETURNING customer_id
"""
BOUGHT = "SELECT customer_id, count(*), sum(net_cents) FROM orders WHERE counted_at > $1 GROUP BY 1"


@pytest_asyncio.fixture
async def shop(retailer: Retailer) -> AsyncIterator[Retailer]:
    async with five_policies(retailer) as found:
        yield found
    await retailer.stores.pool.execute("DELETE FROM orders WHERE external_id LIKE 'again %'")


async def compared(shop: Retailer) -> Any:
    answer = await shop.ask(COMPARE, Role.ANALYST)
    assert "errors" not in answer, answer
    assert shop.fallbacks == []
    return answer["data"]["tierPolicyComparison"]


def arm_of(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(one for one in found["arms"] if one["kind"] == kind)


def counted(arm: dict[str, Any]) -> dict[tuple[str | None, str | None], int]:
    return {(move["fromCode"], move["toCode"]): move["customers"] for move in arm["moves"]}


async def test_before_any_canary_there_is_nothing_to_compare(shop: Retailer) -> None:
    await activated(shop)

    assert await compared(shop) is None


async def test_each_arm_has_its_customers_their_tiers_and_their_moves(shop: Retailer) -> None:
    await activated(shop)
    before = await tiers(shop)
    await begun(shop, "0.3", LENIENT)
    after, in_it = await tiers(shop), taken(await ids(shop), 3_000)

    found = await compared(shop)

    assert (found["control"], found["treatment"]) == ({"number": 1}, {"number": 2, "status": "CANARY"})
    assert (found["share"], found["outcome"], found["policy"]) == ("0.3", None, {"code": "own"})
    assert found["period"] == {"from": "2026-06-01T04:00:00+00:00", "to": "2026-06-01T16:00:00+00:00"}
    for kind, members in (("TREATMENT", in_it), ("CONTROL", set(after) - in_it)):
        arm = arm_of(found, kind)
        assert arm["customers"] == len(members)
        assert counted(arm) == Counter((before[one], after[one]) for one in members)
        spread = Counter(after[one] for one in members)
        assert {one["tierCode"]: one["customers"] for one in arm["tiers"]} == spread
        assert sum(Decimal(one["share"]) for one in arm["tiers"]) == pytest.approx(1, abs=Decimal("0.00001"))
    assert ("GUEST", "FRIEND") in counted(arm_of(found, "TREATMENT"))
    assert all(old == new for old, new in counted(arm_of(found, "CONTROL")))


async def test_numbers_are_those_of_the_orders_since_then(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.3", LENIENT)
    await shop.stores.pool.execute(BUY, NOW + timedelta(hours=1))
    rows = await shop.stores.pool.fetch(BOUGHT, NOW)
    bought = {row[0]: (row[1], Decimal(row[2]) / 100) for row in rows}
    everybody, in_it = set(await ids(shop)), taken(await ids(shop), 3_000)

    found = await compared(shop)

    shown = {one["kpi"]: one for one in found["metrics"]}
    for side, members in (("treatment", in_it), ("control", everybody - in_it)):
        own = [bought[one] for one in members if one in bought]
        wanted = {
            "ARPU": sum(spend for _, spend in own) / len(members),
            "ORDERS_PER_CUSTOMER": Decimal(sum(orders for orders, _ in own)) / len(members),
            "ACTIVE_SHARE": Decimal(len(own)) / len(members),
            "REPURCHASE_RATE": Decimal(sum(orders > 1 for orders, _ in own)) / len(own),
        }
        assert {kpi: Decimal(one[side]) for kpi, one in shown.items()} == {
            kpi: round(value, 6) for kpi, value in wanted.items()
        }
    assert [one["unit"] for one in found["metrics"]] == ["CNY", "orders", "share", "share"]
    for one in found["metrics"]:
        assert Decimal(one["interval"]["min"]) < Decimal(one["difference"]) < Decimal(one["interval"]["max"])
        assert 0 < Decimal(one["pValue"]) <= 1
    assert found["valid"] is True


async def test_before_anybody_ordered_nothing_is_claimed(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.3", LENIENT)

    found = await compared(shop)

    assert [(one["control"], one["pValue"], one["interval"]) for one in found["metrics"]] == [
        ("0.000000", None, None),
        ("0.000000", None, None),
        ("0.000000", None, None),
        (None, None, None),
    ]


async def test_a_wider_share_is_measured_from_its_own_beginning(shop: Retailer) -> None:
    await activated(shop)
    version = await begun(shop, "0.1", LENIENT)
    early, everybody = await tiers(shop), await ids(shop)

    await asked(shop, version, "0.3")
    await work(shop)
    found = await compared(shop)

    in_it = taken(everybody, 3_000)
    after = await tiers(shop)
    assert (found["share"], arm_of(found, "TREATMENT")["customers"]) == ("0.3", len(in_it))
    assert counted(arm_of(found, "TREATMENT")) == Counter((early[one], after[one]) for one in in_it)


async def test_an_ended_canary_still_shows_what_it_did(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.3", LENIENT)
    running = await compared(shop)

    await act(shop, END_CANARY, policy="own", reason="enough")
    await work(shop)
    found = await compared(shop)
    await open_business_day(PostgresBusinessDays(shop.stores.pool), NOW + timedelta(days=1))

    assert (found["outcome"], found["arms"]) == ("ENDED", running["arms"])
    assert found["period"]["to"] == "2026-06-01T04:00:00+00:00"
    assert await compared(shop) == found


async def test_whoever_registers_after_the_end_is_of_no_arm(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.3", LENIENT)
    await act(shop, END_CANARY, policy="own", reason="enough")
    await work(shop)
    found = await compared(shop)

    late = await shop.column(REGISTER, NOW + timedelta(seconds=1))
    try:
        assert await compared(shop) == found
    finally:
        await shop.stores.pool.execute("DELETE FROM customers WHERE customer_id = ANY($1::bigint[])", late)


async def test_planner_and_reference_compare_alike(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.3", LENIENT)
    comparison = await comparison_over(shop, ["tierPolicyComparison"])
    comparison = replace(
        comparison, values=replace(comparison.values, by_name={"policy": ["own", "nothing"]})
    )

    await comparison.run(15, seed=1)

    assert comparison.disagreements == []
    assert shop.fallbacks == []


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.AGENT, Role.PARTNER])
async def test_others_do_not_see_it(retailer: Retailer, role: Role) -> None:
    own_id = {"customer_id": 1} if role is Role.CUSTOMER else {}

    assert "errors" in await retailer.ask(COMPARE, role, **own_id)
