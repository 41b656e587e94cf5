"""Who may use what of the real schema: each role on each root, and customers on every road to other people's rows."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLOutputType, get_named_type, is_non_null_type
from retailer import Retailer

from domain.privacy.viewer import Purpose, Role
from resolvers.schema import schema

SELECTIONS = {
    "node": '(id: "cus_1") { id }',
    "nodes": '(ids: ["cus_1"]) { id }',
    "customer": '(by: {id: "cus_1"}) { id }',
    "customers": "(first: 1) { nodes { id } }",
    "order": '(by: {id: "ord_1"}) { id }',
    "product": '(by: {id: "prd_1"}) { id }',
    "products": "(first: 1) { nodes { id } }",
    "categories": " { code }",
    "communities": "(first: 1) { nodes { id } }",
    "community": '(code: "Q00001") { id }',
    "tierPolicies": " { id }",
    "tierDistribution": '(policy: "kuailv_grade") { customers }',
    "tierPolicyComparison": '(policy: "kuailv_grade") { share }',
    "tierMigration": '(policy: "kuailv_grade", from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z") '
    "{ cells { customers } }",
    "alerts": "(first: 1) { nodes { id } }",
    "memberDay": " { on }",
    "alertRules": " { kind }",
    "tierTransitions": "(first: 1) { nodes { id } }",
    "labelDefinitions": " { id }",
    "factDefinitions": " { code }",
    "viewer": " { subject }",
    "shop": " { name }",
}
EVERYBODY = set(Role)
STAFF = {Role.AGENT, Role.MARKETER, Role.ANALYST, Role.OPERATOR}
MAY_USE = {
    "node": EVERYBODY,
    "nodes": EVERYBODY,
    "customer": EVERYBODY,
    "customers": STAFF | {Role.PARTNER},
    "order": STAFF | {Role.CUSTOMER, Role.PRIVACY_OFFICER},
    "product": EVERYBODY,
    "products": EVERYBODY,
    "categories": EVERYBODY,
    "communities": STAFF,
    "community": STAFF,
    "tierPolicies": EVERYBODY,
    "tierDistribution": {Role.MARKETER, Role.ANALYST, Role.OPERATOR},
    "tierMigration": {Role.MARKETER, Role.ANALYST, Role.OPERATOR},
    "tierPolicyComparison": {Role.MARKETER, Role.ANALYST, Role.OPERATOR},
    "alerts": STAFF,
    "memberDay": {Role.CUSTOMER, Role.AGENT, Role.MARKETER, Role.OPERATOR},
    "alertRules": {Role.ANALYST, Role.OPERATOR},
    "tierTransitions": STAFF | {Role.PARTNER},
    "labelDefinitions": STAFF | {Role.PARTNER},
    "factDefinitions": STAFF | {Role.PARTNER},
    "viewer": EVERYBODY,
    "shop": EVERYBODY,
}
PARTNER_MAY_NOT = ["profile { kind }", "facts { orders90d }", "orders(first: 1) { nodes { id } }"]
PARTNER_MAY_NOT += [
    "labels { enteredAt }",
    "recommendations { rank }",
    "relationships(first: 1) { nodes { depth } }",
    "community { name }",
    'basketPreview(lines: [{product: "prd_1", quantity: "1"}]) { pointsEarned }',
    "referredBy { id }",
    "registeredAt",
]


def mine(role: Role) -> dict[str, Any]:
    return {"customer_id": 1} if role is Role.CUSTOMER else {}


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def test_every_root_field_is_in_the_table() -> None:
    assert schema._schema.query_type is not None
    assert set(SELECTIONS) == set(MAY_USE) == set(schema._schema.query_type.fields)


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_may_use_exactly_the_roots_of_the_table(retailer: Retailer, role: Role) -> None:
    for root, selection in SELECTIONS.items():
        answer = await retailer.ask(f"{{ {root}{selection} }}", role, **mine(role))

        if role in MAY_USE[root]:
            assert codes(answer) == [], root
            continue
        assert codes(answer) == ["FORBIDDEN"], root
        assert "data" not in answer


@pytest.mark.parametrize("role", list(Role))
async def test_only_partners_and_operators_send_events(retailer: Retailer, role: Role) -> None:
    text = 'mutation { eventIngest(input: {source: "demo", events: []}) { accepted userErrors { code } } }'

    answer = await retailer.ask(text, role, **mine(role))

    assert codes(answer) == ([] if role in {Role.PARTNER, Role.OPERATOR} else ["FORBIDDEN"])


@pytest.mark.parametrize("selection", PARTNER_MAY_NOT)
async def test_a_partner_sees_nothing_that_is_about_a_person(retailer: Retailer, selection: str) -> None:
    answer = await retailer.ask(f'{{ customer(by: {{id: "cus_1"}}) {{ id {selection} }} }}', Role.PARTNER)

    assert codes(answer) == ["FORBIDDEN"]


async def test_a_partner_sees_ids_tiers_and_transitions(retailer: Retailer) -> None:
    seen = "id tier { tier { code } score } tierTransitions(first: 1) { nodes { kind } }"
    text = f"{{ customers(first: 2) {{ nodes {{ {seen} }} }} }}"

    answer = await retailer.ask(text, Role.PARTNER)

    assert codes(answer) == []
    assert all(
        node["tier"] and node["tierTransitions"]["nodes"] for node in answer["data"]["customers"]["nodes"]
    )


async def test_relationships_are_for_those_who_look_behind_a_customer(retailer: Retailer) -> None:
    text = '{ customer(by: {id: "cus_1"}) { relationships(first: 1) { pageInfo { hasNextPage } } } }'

    allowed = {role for role in Role if not codes(await retailer.ask(text, role, **mine(role)))}

    assert allowed == {Role.AGENT, Role.ANALYST, Role.OPERATOR}


OTHER = """
SELECT min(customer_id) FROM orders JOIN customers USING (customer_id) WHERE customer_id > 1 AND phone IS NOT NULL
"""
ORDER_OF = "SELECT min(order_id) FROM orders WHERE customer_id = $1"
REF_OF = "SELECT external_id FROM customer_refs WHERE customer_id = $1"
ROADS = {
    "by an id": ('customer(by: {id: "cus_%s"})', "SELECT $1::bigint", 999_999),
    "by a source's id": ('customer(by: {ref: {source: "demo", externalId: "%s"}})', REF_OF, "nobody"),
    "by a phone": ('customer(by: {phone: "%s"})', None, "+8613900000000"),
    "node": ('node(id: "cus_%s")', "SELECT $1::bigint", 999_999),
    "order": ('order(by: {id: "ord_%s"})', ORDER_OF, 999_999),
    "its order as a node": ('node(id: "ord_%s")', ORDER_OF, 999_999),
}


@pytest.mark.parametrize("road", list(ROADS))
async def test_a_customer_reaches_nobody_else(retailer: Retailer, road: str) -> None:
    """Each road leads an operator there; a customer gets the same null as for something unknown."""
    template, query, nothing = ROADS[road]
    other = await retailer.value(OTHER)
    key = await retailer.value(query, other) if query else await retailer.phone_of(other)
    there, nowhere = (f"{{ found: {template % found} {{ id }} }}" for found in (key, nothing))

    seen = await retailer.ask(there)
    answer = await retailer.ask(there, Role.CUSTOMER, customer_id=1)
    unknown = await retailer.ask(nowhere, Role.CUSTOMER, customer_id=1)

    assert seen["data"]["found"] is not None
    assert answer == unknown == {"data": {"found": None}}


async def test_a_customer_sees_neither_leader_nor_referrer_but_themselves(retailer: Retailer) -> None:
    own = await retailer.value(
        """SELECT min(customer_id) FROM referrals JOIN customers USING (customer_id)
           JOIN communities USING (community_id) WHERE customer_id <> leader_customer_id"""
    )
    text = f"""{{ customer(by: {{id: "cus_{own}"}}) {{ id referredBy {{ id }} community {{ name leader {{ id }} }} }}
      nodes(ids: ["cus_{own}", "cus_{own + 1}", "cus_999999"]) {{ id }} }}"""

    operator = (await retailer.ask(text))["data"]
    customer = (await retailer.ask(text, Role.CUSTOMER, customer_id=own))["data"]

    assert operator["customer"]["referredBy"] is not None
    assert operator["customer"]["community"]["leader"] is not None
    assert customer["customer"]["id"] == f"cus_{own}"
    assert customer["customer"]["referredBy"] is None
    assert customer["customer"]["community"]["leader"] is None
    assert customer["nodes"] == [{"id": f"cus_{own}"}, None, None]


async def test_personal_values_are_open_to_their_owner_and_to_agents_with_a_purpose(
    retailer: Retailer,
) -> None:
    text = '{ customer(by: {id: "cus_1"}) { profile { phone maskedFields } } }'
    phone = await retailer.phone_of(1)
    masked = f"{phone.removeprefix('+86')[:3]}****{phone[-4:]}"

    async def shown(role: Role, **more: Any) -> Any:
        return (await retailer.ask(text, role, **more))["data"]["customer"]["profile"]

    assert (await shown(Role.OPERATOR))["phone"] == (await shown(Role.AGENT))["phone"] == masked
    assert "phone" in (await shown(Role.OPERATOR))["maskedFields"]
    for role, more in (
        (Role.CUSTOMER, {"customer_id": 1}),
        (Role.AGENT, {"purpose": Purpose.CUSTOMER_SERVICE}),
        (Role.PRIVACY_OFFICER, {"purpose": Purpose.LEGAL_DUTY}),
    ):
        assert await shown(role, **more) == {"phone": phone, "maskedFields": []}


def test_no_field_that_a_customer_reaches_promises_somebody_else() -> None:
    """A non-null field to a Customer under a row that is not the customer's own would fail their answers."""
    shared = (
        "Community",
        "Product",
        "Category",
        "TierPolicy",
        "Tier",
        "TierPolicyVersion",
        "LabelDefinition",
    )

    for name in shared:
        type_ = schema._schema.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        promised = [field for field, made in type_.fields.items() if promises_customer(made.type)]
        assert promised == []


def promises_customer(type_: GraphQLOutputType) -> bool:
    return is_non_null_type(type_) and getattr(get_named_type(type_), "name", "") == "Customer"
