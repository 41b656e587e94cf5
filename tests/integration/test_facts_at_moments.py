"""`facts(asOf:)`: the same fields measured from the orders for a past moment, and any facts by code."""

from decimal import Decimal
from typing import Any

import pytest
from retailer import NOW, Retailer

from domain.calendar import end_of_business_day
from domain.customers.fact import FactType
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


async def test_values_by_code_are_those_of_the_fields(retailer: Retailer) -> None:
    codes = [fact.graphql_name for fact in SHOWN]
    text = """query ($id: ID!, $codes: [String!]!) { customer(by: {id: $id}) { facts { %s
      values(codes: $codes) { fact { code unit } number text } } } }"""
    variables = {"id": f"cus_{await busiest(retailer)}", "codes": codes}

    found = (await retailer.ask(text % ALL_FIELDS, variables=variables))["data"]["customer"]["facts"]

    assert [value["fact"]["code"] for value in found["values"]] == codes
    for fact, value in zip(SHOWN, found["values"], strict=True):
        shown = found[fact.graphql_name]
        if isinstance(shown, bool) or fact.type is FactType.MOMENT:
            assert (value["number"], value["text"]) == (None, {True: "yes", False: "no"}.get(shown, shown))
        else:
            assert Decimal(value["number"]) == Decimal(shown), fact.name
            assert value["text"] == f"{value['number']} {fact.unit or ''}".strip()


async def test_values_of_a_past_moment_are_measured_like_the_fields(retailer: Retailer) -> None:
    fields = 'daysSinceLastOrder values(codes: ["daysSinceLastOrder", "neverOrdered"]) { number text }'

    found = await facts_of(retailer, await busiest(retailer), '(asOf: "2026-04-01T00:00:00Z")', fields)

    assert found["values"][0]["number"] == str(found["daysSinceLastOrder"])
    assert found["values"][1] == {"number": None, "text": "no"}


async def test_an_unknown_value_says_so(retailer: Retailer) -> None:
    fields = 'values(codes: ["lastOrderAt", "averageOrderValue90d"]) { number text }'

    found = await facts_of(retailer, 1, '(asOf: "1970-01-01T00:00:00Z")', fields)

    assert found["values"] == [{"number": None, "text": "unknown"}, {"number": None, "text": "unknown"}]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (["orders90d", "nothing"], "There is no fact 'nothing': see factDefinitions."),
        (["orders_90d"], "There is no fact 'orders_90d': see factDefinitions."),
        (["orders90d"] * 101, "At most 100 codes at once."),
    ],
)
async def test_codes_that_make_no_sense_cost_their_field(
    retailer: Retailer, codes: list[str], message: str
) -> None:
    text = 'query ($codes: [String!]!) { customer(by: {id: "cus_1"}) { facts { values(codes: $codes) { text } } } }'

    answer = await retailer.ask(text, variables={"codes": codes})

    assert [(e["message"], e["extensions"]["code"]) for e in answer["errors"]] == [
        (message, "BAD_USER_INPUT")
    ]


async def test_a_leader_names_the_communities_they_lead(retailer: Retailer) -> None:
    leader = await retailer.value("SELECT min(leader_customer_id) FROM communities")
    nobody = await retailer.value(
        "SELECT min(customer_id) FROM customers WHERE customer_id NOT IN (SELECT leader_customer_id "
        "FROM communities WHERE leader_customer_id IS NOT NULL)"
    )
    led = await retailer.column(
        "SELECT name FROM communities WHERE leader_customer_id = $1 ORDER BY community_id", leader
    )
    led_by = "... on Customer { leader { id customer { id } communities { name } } }"
    text = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {led_by} }} }}"

    found = (await retailer.ask(text, variables={"ids": [f"cus_{leader}", f"cus_{nobody}"]}))["data"]["nodes"]

    names = [{"name": name} for name in led]
    wanted = {"id": f"ldr_{leader}", "customer": {"id": f"cus_{leader}"}, "communities": names}
    assert found == [{"leader": wanted}, {"leader": None}]
