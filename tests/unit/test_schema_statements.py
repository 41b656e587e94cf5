"""What the statements of the schema read, and how often."""

from unittest.mock import Mock

from domain.privacy.viewer import Role, Viewer
from resolvers.readpath.engine import Engine, Request
from resolvers.schema import schema


def statement(text: str) -> str:
    engine = Engine(schema=schema, stores=Mock(), own_rows_only=frozenset({Role.CUSTOMER}))
    context = Mock(viewer=Viewer("somebody", Role.OPERATOR))
    request = Request(text)
    operation, prepared = engine.accept(request, context.viewer)
    inputs = engine.inputs(operation, request, context)
    return engine.plan(prepared, operation, inputs, context.viewer).statement.sql


def test_a_page_of_customers_is_read_once_and_not_again_for_the_facts_of_each() -> None:
    sql = statement("{ customers(first: 50) { nodes { facts { orders90d } tiers { since score } } } }")

    assert sql.count("LIMIT $1::INTEGER") == 1


def test_a_page_is_numbered_only_where_cursors_or_filters_need_it() -> None:
    page = "{ customers(first: 50 %s) { nodes { id } pageInfo { hasPreviousPage hasNextPage %s } } }"
    filtered = 'where: {label: {code: "night_owl"}}'

    assert "OVER" not in statement(page % ("", ""))
    assert "OFFSET $1::INTEGER LIMIT 1" in statement(page % ("", ""))
    assert "OVER" in statement(page % (filtered, ""))
    assert "available" in statement(page % ("", "endCursor"))


def test_whether_more_follow_needs_no_page() -> None:
    sql = statement("{ customers(first: 50) { pageInfo { hasNextPage } } }")

    assert sql.count("FROM customers") == 1


def test_the_facts_of_a_customer_do_not_look_the_customer_up_once_more() -> None:
    sql = statement('{ customer(by: {id: "cus_1"}) { facts { orders90d } } }')

    assert sql.count("FROM customers") == 1


def test_amounts_do_not_read_their_currency_each() -> None:
    sql = statement('{ node(id: "ord_1") { ... on Order { netAmount { amount currencyCode } } } }')

    assert "shop" not in sql
