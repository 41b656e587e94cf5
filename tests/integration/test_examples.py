"""Each example of the checkout answers over real data, in one statement, with no word left to the reference."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from retailer import Retailer, viewer

from api.engine_port import GraphQLRequest
from domain.privacy.viewer import Purpose, Role
from domain.tiers.presets import PRESETS

FOLDER = Path(__file__).parent.parent.parent / "examples"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.graphql"))}
RICH = """
SELECT customer_id FROM customers JOIN referrals USING (customer_id) JOIN customer_facts USING (customer_id)
WHERE community_id IS NOT NULL AND phone IS NOT NULL ORDER BY orders_90d DESC, customer_id LIMIT 1
"""


@pytest.fixture(scope="module")
async def rich(retailer: Retailer) -> int:
    """A customer about whom there is much to say."""
    found: int = await retailer.value(RICH)
    return found


async def answer(
    retailer: Retailer, name: str, role: Role = Role.OPERATOR, **variables: Any
) -> dict[str, Any]:
    purpose = Purpose.CUSTOMER_SERVICE if role is Role.AGENT else None
    found = await retailer.ask(TEXTS[name], role, variables, purpose=purpose)
    assert "errors" not in found
    data: dict[str, Any] = found["data"]
    return data


STATEMENTS = {
    "01_whole_customer": (3, 2),
    "02_find_by_phone": (1, 0),
    "03_find_customers": (1, 0),
    "04_why_this_tier": (1, 0),
    "05_tier_distribution": (1, 0),
    "06_policies_and_labels": (1, 0),
    "09_basket_price": (3, 0),
}


def test_every_example_is_tried_here() -> None:
    assert sorted(TEXTS) == sorted([*STATEMENTS, "07_send_an_order", "08_tier_feed"])


@pytest.mark.parametrize("name", list(STATEMENTS))
async def test_an_example_costs_one_statement_and_one_more_for_each_graph_field(
    retailer: Retailer, rich: int, name: str
) -> None:
    given: dict[str, Any] = {"id": f"cus_{rich}", "phone": await retailer.phone_of(rich), "where": {}}
    given["lines"] = [{"product": "prd_1", "quantity": "2"}]
    retailer.reads.statements = retailer.graph.questions = 0

    await answer(retailer, name, **{key: value for key, value in given.items() if f"${key}:" in TEXTS[name]})

    assert (retailer.reads.statements, retailer.graph.questions) == STATEMENTS[name]
    assert retailer.fallbacks == []


async def test_the_whole_customer(retailer: Retailer, rich: int) -> None:
    stored = await retailer.stores.pool.fetchrow("SELECT * FROM customer_facts WHERE customer_id = $1", rich)
    assert stored is not None

    found = (await answer(retailer, "01_whole_customer", id=f"cus_{rich}"))["customer"]

    assert found["id"] == f"cus_{rich}"
    assert found["facts"]["orders90d"] == stored["orders_90d"]
    assert found["facts"]["spend90d"] == f"{stored['spend_90d'] / 100:.2f}"
    assert [tier["policy"]["code"] for tier in found["tiers"]] == [policy.code for policy in PRESETS]
    assert [part["code"] for part in found["tiers"][0]["parts"]] == ["R", "F", "M"]
    assert len(found["orders"]["nodes"]) == 5
    assert len(found["recommendations"]) == 5
    assert found["relationships"]["nodes"]
    assert found["community"]["leader"] is not None
    assert found["referredBy"] is not None


async def test_personal_values_are_masked_for_an_operator_and_open_to_an_agent_with_a_purpose(
    retailer: Retailer, rich: int
) -> None:
    phone = await retailer.phone_of(rich)

    masked = (await answer(retailer, "02_find_by_phone", phone=phone))["customer"]
    unmasked = (await answer(retailer, "02_find_by_phone", Role.AGENT, phone=phone))["customer"]

    assert masked["id"] == unmasked["id"] == f"cus_{rich}"
    assert masked["profile"]["phone"] == f"{phone.removeprefix('+86')[:3]}****{phone[-4:]}"
    assert unmasked["profile"]["phone"] == phone
    assert "*" in masked["profile"]["name"]
    assert "*" not in unmasked["profile"]["name"]


async def test_a_phone_is_found_in_any_spelling(retailer: Retailer, rich: int) -> None:
    digits = (await retailer.phone_of(rich)).removeprefix("+86")
    spelled = f"0086 {digits[:3]}-{digits[3:7]} {digits[7:]}"

    assert (await answer(retailer, "02_find_by_phone", phone=spelled))["customer"]["id"] == f"cus_{rich}"


async def test_customers_are_found_by_what_is_measured(retailer: Retailer) -> None:
    where = {"facts": {"spend90d": {"gt": "200"}, "daysSinceLastOrder": {"gte": 5}}}
    expected = await retailer.value(
        """SELECT count(*) FROM customer_facts, shop
           WHERE spend_90d > 20000 AND last_order_at <= live_as_of - INTERVAL '120 hours'"""
    )

    found = (await answer(retailer, "03_find_customers", where=where))["customers"]

    assert 0 < expected < 300
    assert found["totalCount"] == {"value": expected, "precision": "EXACT"}
    assert len(found["nodes"]) == min(20, expected)
    assert all(float(node["facts"]["spend90d"]) > 200 for node in found["nodes"])


async def test_pages_follow_one_another_and_miss_nobody(retailer: Retailer) -> None:
    where = {"facts": {"orders90d": {"gte": 1}}}
    seen: list[str] = []
    after = None
    while True:
        page = (await answer(retailer, "03_find_customers", where=where, after=after))["customers"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert len(seen) == len(set(seen)) == page["totalCount"]["value"]


async def test_why_a_customer_holds_a_tier(retailer: Retailer, rich: int) -> None:
    found = (await answer(retailer, "04_why_this_tier", id=f"cus_{rich}"))["customer"]

    tier = found["tier"]
    explanation = tier["explanation"]
    passed = [check["tierCode"] for check in explanation["checks"] if check["passed"]]
    assert explanation["words"] != explanation["inEnglish"]
    assert len(explanation["checks"]) == 5
    assert passed[-1] == "BRONZE"
    assert all(check["observed"] == tier["score"] for check in explanation["checks"])
    assert explanation["contributingOrders"]["totalCount"]["value"] == await retailer.value(
        "SELECT orders_90d FROM customer_facts WHERE customer_id = $1", rich
    )
    assert found["tierTransitions"]["nodes"][-1]["kind"] == "JOINED"


async def test_the_distribution_adds_up(retailer: Retailer) -> None:
    found = (await answer(retailer, "05_tier_distribution"))["tierDistribution"]

    assert found["customers"] == 300
    assert sum(tier["customers"] for tier in found["tiers"]) == 300
    assert [tier["targetShare"]["min"] for tier in found["tiers"]] == ["0.10", "0.40", "0.30", "0.15", "0.05"]


async def test_the_published_rules(retailer: Retailer) -> None:
    found = await answer(retailer, "06_policies_and_labels")

    assert found["shop"]["currencyCode"] == "CNY"
    assert [tier["code"] for tier in found["tierPolicies"][0]["tiers"]] == [
        "BRONZE",
        "SILVER",
        "GOLD",
        "PLATINUM",
        "DIAMOND",
    ]
    assert {label["code"] for label in found["labelDefinitions"]} >= {"lifecycle_mature"}
    assert len(found["factDefinitions"]) == 41


async def test_an_order_is_sent_once(retailer: Retailer) -> None:
    variables = json.loads((FOLDER / "07_send_an_order.json").read_text(encoding="utf-8"))
    count = "SELECT count(*) FROM orders WHERE external_id = 'till-order-1'"

    first = (await answer(retailer, "07_send_an_order", **variables))["eventIngest"]
    again = (await answer(retailer, "07_send_an_order", **variables))["eventIngest"]

    assert (first["accepted"], first["duplicates"], first["rejected"]) == (1, 0, [])
    assert (again["accepted"], again["duplicates"], again["rejected"]) == (0, 1, [])
    assert await retailer.value(count) == 1


async def test_a_tier_change_reaches_its_subscriber(retailer: Retailer) -> None:
    """The newest event of the outbox, after the one before it; streams and lists have the same cursors."""
    of_policy = '(policy: "kuailv_grade", last: 2)'
    text = f"{{ tierTransitions{of_policy} {{ edges {{ cursor node {{ kind customer {{ id }} to {{ name }} }} }} }} }}"
    before, newest = (await retailer.ask(text, Role.PARTNER))["data"]["tierTransitions"]["edges"]
    request = GraphQLRequest(query=TEXTS["08_tier_feed"], variables={"after": before["cursor"]})

    results = retailer.api.subscribe(request, viewer(Role.PARTNER))
    result = await asyncio.wait_for(anext(results), 10)
    await results.aclose()

    body = json.loads(result.body)
    changed = body["data"]["tierChanged"]
    assert body.keys() == {"data"}
    assert changed["cursor"] == result.event_id == newest["cursor"]
    assert {key: changed[key] for key in ("kind", "customer", "to")} == newest["node"]
    assert retailer.fallbacks == []
