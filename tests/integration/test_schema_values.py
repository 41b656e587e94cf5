"""Values that fields work out of stored rows: shares of categories, reasons of labels, pages of relationships."""

from decimal import Decimal
from typing import Any

from retailer import Retailer

from domain.labels.rules import LABELS

BOUGHT = """
SELECT code, sum(spend_cents)::bigint FROM category_days JOIN categories USING (category_id), shop
WHERE customer_id = $1 AND day > (live_as_of AT TIME ZONE time_zone)::date - 181
  AND day < (live_as_of AT TIME ZONE time_zone)::date
GROUP BY category_id, code ORDER BY sum(spend_cents) DESC, category_id
"""


async def busiest(retailer: Retailer) -> int:
    found: int = await retailer.value(
        "SELECT customer_id FROM customer_facts ORDER BY orders_180d DESC, customer_id LIMIT 1"
    )
    return found


async def test_shares_of_categories_divide_line_amounts_by_line_amounts(retailer: Retailer) -> None:
    key = await busiest(retailer)
    bought = [(row[0], row[1]) for row in await retailer.stores.pool.fetch(BOUGHT, key)]
    total = sum(cents for _, cents in bought)
    shares = "found: categoryShares180d(first: 3) { category { code } share spend }"
    text = f'{{ customer(by: {{id: "cus_{key}"}}) {{ facts {{ {shares} }} }} }}'

    found = (await retailer.ask(text))["data"]["customer"]["facts"]["found"]

    assert len(bought) > 3
    assert [(one["category"]["code"], one["spend"]) for one in found] == [
        (code, f"{Decimal(cents) / 100:.2f}") for code, cents in bought[:3]
    ]
    for one, (_, cents) in zip(found, bought, strict=False):
        assert abs(Decimal(one["share"]) - Decimal(cents) / total) <= Decimal("0.0000005")


async def test_each_computed_label_shows_a_test_that_passed(retailer: Retailer) -> None:
    labels = "labels { definition { code } reasons { words wanted found passed } }"
    text = f"{{ customers(first: 100) {{ nodes {{ {labels} }} }} }}"

    nodes = (await retailer.ask(text))["data"]["customers"]["nodes"]

    by_hand = {label.code for label in LABELS if label.condition is None}
    held = [label for node in nodes for label in node["labels"]]
    assert {label["definition"]["code"] for label in held} & by_hand
    assert len({label["definition"]["code"] for label in held}) > 20
    for label in held:
        if label["definition"]["code"] in by_hand:
            assert label["reasons"] == []
        else:
            assert any(check["passed"] for check in label["reasons"]), label


async def test_relationships_are_the_same_page_by_page(retailer: Retailer) -> None:
    leader = await retailer.value("SELECT min(leader_customer_id) FROM communities")

    async def read(**variables: Any) -> Any:
        text = """query ($id: ID!, $first: Int!, $after: String) { customer(by: {id: $id}) {
          relationships(first: $first, after: $after, depth: 2) {
            edges { cursor node { kind depth customer { id } } }
            pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
        answer = await retailer.ask(text, variables={"id": f"cus_{leader}", **variables})
        return answer["data"]["customer"]["relationships"]

    whole = (await read(first=30))["edges"]
    pages: list[Any] = []
    after, previous = None, []
    while len(pages) < len(whole):
        found = await read(first=7, after=after)
        pages += found["edges"]
        previous.append(found["pageInfo"]["hasPreviousPage"])
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert len(whole) > 7
    assert pages[: len(whole)] == whole
    assert previous[:2] == [False, True]
    assert (await read(first=100))["pageInfo"]["hasNextPage"] is False or len(whole) == 30
