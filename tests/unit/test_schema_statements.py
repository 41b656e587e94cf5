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


def test_a_page_is_numbered_only_where_something_is_asked_of_the_page() -> None:
    page = "{ customers(first: 50) { nodes { id } pageInfo { hasPreviousPage %s } } }"

    assert "OVER" not in statement(page % "")
    assert "OVER" in statement(page % "more: hasNextPage")
    assert "available" in statement(page % "endCursor")
