"""`facts(asOf:)`: the same fields measured from the orders for a past moment, and any facts by code."""

from typing import Any

import pytest
from retailer import NOW, Retailer

from domain.calendar import end_of_business_day
from domain.customers.facts import FACTS
from domain.privacy.viewer import Role

SHOWN = [fact for fact in FACTS if not fact.per_category]
ALL_FIELDS = " ".join(["asOf", *(fact.graphql_name for fact in SHOWN)])
SHARES = "categoryShares180d(first: 64) { category { code } share orders spend }"
LIVE = end_of_business_day(NOW, "Asia/Shanghai")


async def facts_of(retailer: Retailer, key: int, arguments: str = "", fields: str = "") -> Any:
    wanted = fields or f"{ALL_FIELDS} {SHARES}"
    text = f'{{ customer(by: {{id: "cus_{key}"}}) {{ facts{arguments} {{ {wanted} }} }} }}'
    return (await retailer.ask(text))["data"]["customer"]["facts"]


async def busiest(retailer: Retailer) -> int:
    found: int = await retailer.value(
        "SELECT customer_id FROM customer_facts ORDER BY orders_180d DESC, customer_id LIMIT 1"
    )
    return found


async def test_facts_measured_for_the_live_moment_are_the_stored_ones(retailer: Retailer) -> None:
    for key in (await busiest(retailer), 1, 2, 3):
        stored = await facts_of(retailer, key)

        assert await facts_of(retailer, key, f'(asOf: "{LIVE.isoformat()}")') == stored
        assert await facts_of(retailer, key, "(asOf: null)") == stored


async def test_facts_of_a_past_moment_know_nothing_of_later_orders(retailer: Retailer) -> None:
    key = await busiest(retailer)
    third = await retailer.value(
        "SELECT counted_at FROM orders WHERE customer_id = $1 AND counted_at IS NOT NULL "
        "ORDER BY counted_at OFFSET 2 LIMIT 1",
        key,
    )

    found = await facts_of(
        retailer, key, f'(asOf: "{third.isoformat()}")', "asOf ordersAllTime daysSinceLastOrder lastOrderAt"
    )

    assert found["ordersAllTime"] == 3
    assert found["daysSinceLastOrder"] == 0
    assert found["lastOrderAt"] == found["asOf"]


async def test_before_the_first_order_there_is_nothing(retailer: Retailer) -> None:
    found = await facts_of(retailer, 1, '(asOf: "1970-01-01T00:00:00Z")')

    assert found["neverOrdered"] is True
    assert found["spendAllTime"] == "0.00"
    assert found["daysSinceLastOrder"] is None
    assert found["categoryShares180d"] == []


@pytest.mark.parametrize("moment", ["2027-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
async def test_a_moment_that_makes_no_sense_costs_its_field(retailer: Retailer, moment: str) -> None:
    text = 'query ($at: DateTime) { customer(by: {id: "cus_1"}) { id past: facts(asOf: $at) { asOf } } }'

    answer = await retailer.ask(text, variables={"at": moment})

    assert answer["data"] == {"customer": None}
    [error] = answer["errors"]
    assert error["path"] == ["customer", "past"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["message"].startswith("asOf must lie between 1970-01-01T00:00:00+00:00 and ")


async def test_several_moments_of_several_customers_are_one_statement(retailer: Retailer) -> None:
    text = """{ customers(first: 20) { nodes {
      a: facts(asOf: "2026-03-01T00:00:00Z") { ordersAllTime }
      b: facts(asOf: "2026-05-01T00:00:00Z") { ordersAllTime }
      c: facts { ordersAllTime } } } }"""
    before = retailer.reads.statements

    nodes = (await retailer.ask(text))["data"]["customers"]["nodes"]

    assert retailer.reads.statements == before + 1
    counts = [[node[key]["ordersAllTime"] for key in "abc"] for node in nodes]
    assert all(numbers == sorted(numbers) for numbers in counts)
    assert any(numbers[0] < numbers[2] for numbers in counts)


async def test_a_customer_sees_only_own_facts_of_the_past(retailer: Retailer) -> None:
    text = 'query ($id: ID!) { customer(by: {id: $id}) { facts(asOf: "2026-05-01T00:00:00Z") { asOf } } }'

    own = await retailer.ask(text, Role.CUSTOMER, {"id": "cus_1"}, customer_id=1)
    other = await retailer.ask(text, Role.CUSTOMER, {"id": "cus_2"}, customer_id=1)

    assert own["data"]["customer"]["facts"] == {"asOf": "2026-05-01T00:00:00+00:00"}
    assert other["data"] == {"customer": None}
