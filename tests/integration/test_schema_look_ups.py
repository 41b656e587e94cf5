"""Looking things up by the ids that sources gave, and filtering by what other rows say."""

from typing import Any

import pytest
from retailer import SOURCE, Retailer

from domain.privacy.viewer import Role

ORDER = "SELECT 'ord_' || order_id, external_id FROM orders WHERE customer_id = $1 ORDER BY order_id LIMIT 1"
BY_REF = "query ($ref: ExternalRefInput!) { order(by: {ref: $ref}) { id } product(by: {ref: $ref}) { id } }"


async def found_by(retailer: Retailer, ref: dict[str, Any], role: Role = Role.OPERATOR, **more: Any) -> Any:
    return (await retailer.ask(BY_REF, role, {"ref": ref}, **more))["data"]


async def test_an_order_is_found_by_its_source_and_the_id_it_gave(retailer: Retailer) -> None:
    wanted, external_id = (await retailer.stores.pool.fetch(ORDER, 1))[0]

    found = await found_by(retailer, {"source": SOURCE, "externalId": external_id})

    assert found == {"order": {"id": wanted}, "product": None}
    assert await found_by(retailer, {"source": "nothing", "externalId": external_id}) == {
        "order": None,
        "product": None,
    }


async def test_a_customer_finds_only_own_orders_by_reference(retailer: Retailer) -> None:
    wanted, external_id = (await retailer.stores.pool.fetch(ORDER, 1))[0]
    ref = {"source": SOURCE, "externalId": external_id}

    own = await found_by(retailer, ref, Role.CUSTOMER, customer_id=1)
    another = await found_by(retailer, ref, Role.CUSTOMER, customer_id=2)

    assert own["order"] == {"id": wanted}
    assert another["order"] is None


async def test_a_product_is_found_by_its_source_and_the_id_it_gave(retailer: Retailer) -> None:
    wanted, external_id = (
        await retailer.stores.pool.fetch("SELECT 'prd_' || product_id, external_id FROM products LIMIT 1")
    )[0]

    found = await found_by(retailer, {"source": SOURCE, "externalId": external_id})

    assert found == {"order": None, "product": {"id": wanted}}


@pytest.mark.parametrize("kind", ["order", "product", "customer"])
@pytest.mark.parametrize("external_id", ["", "\ud800", "a\0"])
async def test_a_reference_that_names_nothing_finds_nothing(
    retailer: Retailer, kind: str, external_id: str
) -> None:
    text = f"query ($ref: ExternalRefInput!) {{ {kind}(by: {{ref: $ref}}) {{ id }} }}"

    answer = await retailer.ask(text, variables={"ref": {"source": SOURCE, "externalId": external_id}})

    assert answer["data"] == {kind: None}


async def test_products_of_a_category_are_all_of_that_category(retailer: Retailer) -> None:
    code = await retailer.value("SELECT code FROM categories ORDER BY category_id LIMIT 1")
    text = """query ($where: ProductFilter) { products(first: 100, where: $where) {
      nodes { category { code } } totalCount { value } } }"""

    found = (await retailer.ask(text, variables={"where": {"categories": [code]}}))["data"]["products"]

    count = "SELECT count(*) FROM products JOIN categories USING (category_id) WHERE code = $1"
    assert found["totalCount"]["value"] == await retailer.value(count, code) > 0
    assert {node["category"]["code"] for node in found["nodes"]} == {code}
