"""Mutations: the use case runs once, its payload is printed by a plan, and both readers agree on it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from compare_readers import comparable
from readpath_example.context import ExampleContext, ExampleViewer, Role
from readpath_example.engine import Example, make_example
from readpath_example.rows import fill

from db.read_pool import ReadPool
from resolvers.readpath import mutation
from resolvers.readpath.engine import Request

AGENT = ExampleContext(ExampleViewer(Role.AGENT))
SEVENTEEN = ExampleContext(ExampleViewer(Role.CUSTOMER, 17))
TOUCH = """mutation Touch($id: ID!, $first: Int!, $days: Int! = 90) { __typename touched: customerTouch(id: $id) {
  done customer { id city: profile { city secret } window(days: $days) { orders }
    orders(first: $first) { nodes { id } totalCount { value } } recommendations { score product { id } } }
  orders { id customer { id } } reasons { words at } } }"""


@pytest.fixture(scope="module")
async def reads(database_url: str) -> AsyncIterator[ReadPool]:
    await fill(database_url)
    pool = ReadPool(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def example(reads: ReadPool) -> Example:
    return make_example(reads)


async def both(
    example: Example, text: str, context: ExampleContext = AGENT, **variables: Any
) -> dict[str, Any]:
    """The plan's answer, once the reference gave the same."""
    request = Request(text, variables)
    answer = await example.engine.execute(request, context)
    assert comparable(answer.body) == comparable(await example.engine.reference(request, context))
    assert example.fallbacks == []
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def test_a_payload_shows_values_and_whole_entities(example: Example) -> None:
    found = (await both(example, TOUCH, id="cus_17", first=2))["data"]

    assert found["__typename"] == "Mutation"
    touched = found["touched"]
    assert touched["done"] is True
    assert touched["customer"]["id"] == "cus_17"
    assert len(touched["customer"]["orders"]["nodes"]) == 2
    assert touched["customer"]["recommendations"][0]["product"] is not None
    assert [order["id"] for order in touched["orders"]] == ["ord_1007", "ord_1011"]
    assert touched["reasons"][0] == {"words": 'touched "it"', "at": "2026-11-01T00:00:00+00:00"}
    assert touched["reasons"][1] == {"words": "\x01!\x02", "at": None}


async def test_a_viewer_sees_only_own_rows_in_a_payload(example: Example) -> None:
    found = (await both(example, TOUCH, SEVENTEEN, id="cus_18", first=1))["data"]["touched"]

    assert found["customer"] is None
    assert found["orders"] == [None, None]


async def test_a_bad_argument_below_a_payload_fails_its_field_alone(example: Example) -> None:
    found = await both(example, TOUCH, id="cus_17", first=0)

    [error] = found["errors"]
    assert (error["path"], error["message"]) == (["touched", "customer", "orders"], "first must be 1 to 100.")
    assert found["data"]["touched"]["done"] is True
    assert found["data"]["touched"]["customer"] is None


async def test_a_use_case_runs_once_though_its_payload_cannot_be_read(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is done: the answer says so, and nothing is tried again."""
    asked: list[type] = []
    original = mutation.MutationContext.find_where

    async def find_where(self: Any, target: type, condition: Any) -> Any:
        asked.append(target)
        return await original(self, target, condition)

    async def refuse(*_: Any) -> None:
        raise ValueError("SQL failed on a value")

    monkeypatch.setattr(mutation.MutationContext, "find_where", find_where)
    monkeypatch.setattr(ReadPool, "fetch", refuse)
    text = 'mutation { customerTouch(id: "cus_17") { done customer { id } reasons { words } } }'

    answer = await example.engine.execute(Request(text), AGENT)

    found = json.loads(answer.body)
    assert len(asked) == 1
    assert found["data"]["customerTouch"]["done"] is True
    assert found["data"]["customerTouch"]["customer"] is None
    assert [error["extensions"]["code"] for error in found["errors"]] == ["INTERNAL"]
    assert found["errors"][0]["path"] == ["customerTouch", "customer"]


async def test_a_promised_payload_that_fails_ends_the_operation(example: Example) -> None:
    text = """mutation { first: customerTouch(id: "cus_1") { done } second: customerTouch(id: "cus_31") { done }
      third: customerTouch(id: "cus_2") { done } }"""

    found = await both(example, text)

    assert found["data"] is None
    assert [(error["path"], error["extensions"]["code"]) for error in found["errors"]] == [
        (["second"], "INTERNAL")
    ]
    assert "hunter2" not in json.dumps(found)


async def test_a_nullable_payload_that_fails_leaves_the_others(example: Example) -> None:
    text = """mutation { a: customerTry(by: {phone: "1"}) { done } b: customerTry(by: {memberNumber: "M1"}) { done }
      c: customerTouch(id: "cus_2") { done } }"""

    found = await both(example, text)

    assert found["data"] == {"a": None, "b": None, "c": {"done": True}}
    assert found["errors"][0]["extensions"] == {"code": "STORE_UNAVAILABLE", "store": "graph"}


@pytest.mark.parametrize("by", [{}, {"phone": "1", "memberNumber": "2"}, {"phone": None}])
async def test_an_input_that_its_type_refuses_is_coded(example: Example, by: dict[str, Any]) -> None:
    text = "mutation ($by: CustomerBy!) { customerTry(by: $by) { done } }"

    found = json.loads((await example.engine.execute(Request(text, {"by": by}), AGENT)).body)

    assert found["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert found.get("data", {"customerTry": None}) == {"customerTry": None}


async def test_a_mutation_is_validated_once(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(TOUCH, {"id": "cus_17", "first": 1})
    first = await example.engine.execute(request, AGENT)
    monkeypatch.setattr("resolvers.readpath.documents.find_mistakes", lambda *_, **__: pytest.fail("again"))
    monkeypatch.setattr("resolvers.readpath.documents.parse_within", lambda *_: pytest.fail("again"))

    assert (await example.engine.execute(request, AGENT)).body == first.body
