"""What operations cost: from page sizes and declared weights, before anything is compiled."""

from typing import Any
from unittest.mock import Mock

import pytest

from domain.privacy.viewer import Role, Viewer
from resolvers.readpath.engine import Engine, RefusedRequest, Request
from resolvers.readpath.limits import Limits
from resolvers.schema import schema

LIMIT = Limits().cost


def cost_of(text: str, variables: dict[str, Any] | None = None, limit: int = 10**9) -> int:
    engine = Engine(
        schema=schema, stores=Mock(), own_rows_only=frozenset({Role.CUSTOMER}), limits=Limits(cost=limit)
    )
    context = Mock(viewer=Viewer("somebody", Role.OPERATOR))
    request = Request(text, variables or {})
    operation, prepared = engine.accept(request, context.viewer)
    inputs = engine.inputs(operation, request, context)
    return engine.cost(prepared, operation, inputs, context.viewer)


@pytest.mark.parametrize(
    ("selection", "cost"),
    [
        ('customer(by: {id: "cus_1"}) { id registeredAt profile { kind address { city } } }', 1),
        ('customer(by: {id: "cus_1"}) { profile { name phone } }', 1 + 2),
        ('customer(by: {id: "cus_1"}) { community { name leader { id } } }', 1 + 2),
        ('customer(by: {id: "cus_1"}) { facts { orders90d } }', 1 + 1),
        ('customer(by: {id: "cus_1"}) { facts(asOf: "2026-01-01T00:00:00Z") { orders90d } }', 1 + 1 + 5),
        ("categories { code }", 10),
        ("customers(first: 50) { nodes { id } }", 1 + 50),
        ("customers(first: 50) { nodes { id } edges { node { id } } }", 1 + 50 + 50),
        (
            "customers(last: 7) { nodes { orders(first: 3) { nodes { source { code } } } } }",
            1 + 7 * (1 + 1 + 3 * 2),
        ),
        ("customers(first: 50) { totalCount { value precision } pageInfo { endCursor } }", 1 + 10),
        ('customer(by: {id: "cus_1"}) { recommendations { rank product { name } } }', 1 + 10 + 10 * 2),
        (
            'customer(by: {id: "cus_1"}) { recommendations(first: 3) { rank product { name } } }',
            1 + 10 + 3 * 2,
        ),
        ('tierDistribution(policy: "kuailv_grade") { customers }', 50),
        (
            'tierMigration(policy: "p", from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z") '
            "{ cells { customers } }",
            50 + 10,
        ),
        ('node(id: "cus_1") { id ... on Customer { orders(first: 9) { nodes { id } } } }', 1 + 1 + 9),
        ('node(id: "ord_1") { id ... on Customer { orders(first: 9) { nodes { id } } } }', 1),
        ('nodes(ids: ["cus_1", "ord_1"]) { ... on Customer { orders(first: 9) { nodes { id } } } }', 2 * 11),
        ("__typename viewer { subject }", 1),
        ("customers(first: 500) { nodes { id } }", 1),
    ],
)
def test_rows_cost_one_each_and_pages_multiply(selection: str, cost: int) -> None:
    assert cost_of(f"{{ {selection} }}") == cost


def test_a_field_asked_for_twice_under_one_key_costs_once() -> None:
    once = "categories { code } ...F ...F"

    assert cost_of(f"{{ {once} }} fragment F on Query {{ categories {{ name }} }}") == 10


@pytest.mark.parametrize(("first", "cost"), [(1, 2), (100, 101), (0, 1), (101, 1), (2**31 - 1, 1), (-5, 1)])
def test_the_size_of_a_page_may_come_from_a_variable(first: int, cost: int) -> None:
    assert cost_of("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": first}) == cost


def test_what_is_skipped_costs_nothing() -> None:
    text = "query ($no: Boolean!) { customers(first: 9) @include(if: $no) { nodes { id } } __typename }"

    assert [cost_of(text, {"no": no}) for no in (True, False)] == [10, 0]


def test_what_costs_too_much_is_refused_before_it_is_compiled() -> None:
    lines = "lines(first: 100) { nodes { lineNo } }"
    text = f"{{ customers(first: 100) {{ nodes {{ orders(first: 100) {{ nodes {{ {lines} }} }} }} }} }}"

    with pytest.raises(RefusedRequest) as refused:
        cost_of(text, limit=LIMIT)

    [error] = refused.value.errors
    assert error["message"] == (
        "This operation costs 1020201, more than 20000; ask for smaller pages, or for less in an entry."
    )
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "cost",
        "maximum": LIMIT,
        "found": 1 + 100 * (1 + 1 + 100 * (1 + 1 + 100)),
    }


def test_a_page_of_a_hundred_whole_customers_is_allowed() -> None:
    text = """{ customers(first: 100) { nodes { profile { name phone } facts { spend90d } tiers { score tier { name } }
      labels { definition { code } } orders(first: 10) { nodes { id lines(first: 5) { nodes { lineNo } } } } } } }"""

    assert 5_000 < cost_of(text) <= LIMIT
