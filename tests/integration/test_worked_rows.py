"""Rows that a function works out of a row and an argument, read beside real tables."""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from compare_readers import Comparison
from readpath_example.context import ExampleContext, ExampleViewer, Role
from readpath_example.engine import CONTEXTS, VALUES, make_example
from readpath_example.rows import fill

from db.read_pool import ReadPool
from resolvers.readpath.engine import Request

AGENT = ExampleContext(ExampleViewer(Role.AGENT))
TEXT = """query Q($lines: [LineInput!]!) { customer(by: {id: "cus_17"}) { basket(lines: $lines) {
  quantity lines { quantity words product { name } } } } }"""


@dataclass
class Recorder:
    """Passes statements on and remembers them."""

    reads: ReadPool
    statements: list[str] = field(default_factory=list)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        self.statements.append(sql)
        return await self.reads.fetch(sql, arguments)


@pytest.fixture(scope="module")
async def reads(database_url: str) -> AsyncIterator[ReadPool]:
    await fill(database_url)
    pool = ReadPool(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def recorder(reads: ReadPool) -> Recorder:
    return Recorder(reads)


async def ask(recorder: Recorder, text: str, context: ExampleContext = AGENT, **variables: Any) -> Any:
    found = await make_example(recorder).engine.execute(Request(text, variables), context)
    return json.loads(found.body)


def line(product: str, quantity: str = "1") -> dict[str, str]:
    return {"product": product, "quantity": quantity}


async def test_they_keep_their_order_and_reach_rows_of_the_database(recorder: Recorder) -> None:
    found = await ask(recorder, TEXT, lines=[line("prd_40", "2.50"), line("prd_2")])

    basket = found["data"]["customer"]["basket"]
    assert basket["quantity"] == "5.50"
    assert [(one["quantity"], one["product"] and one["product"]["name"]) for one in basket["lines"]] == [
        ("2.50", 'Apple "Fuji" 40'),
        ("1", None),
        ("1", "Rice 米 2"),
        ("1", "Tab\t 3"),
    ]
    assert len(recorder.statements) == 2


async def test_one_statement_reads_the_rows_of_all_parents(recorder: Recorder) -> None:
    text = """{ customers(first: 20) { nodes { id basket(lines: [{product: "prd_1", quantity: "1"}]) {
      lines { quantity } } } } }"""

    found = await ask(recorder, text)

    nodes = found["data"]["customers"]["nodes"]
    assert [len(node["basket"]["lines"]) for node in nodes] == [2] * 20
    assert len(recorder.statements) == 2


async def test_no_rows_are_an_empty_list(recorder: Recorder) -> None:
    found = await ask(recorder, TEXT, lines=[])

    assert found["data"]["customer"]["basket"] == {"quantity": "0", "lines": []}


async def test_baskets_of_any_length_share_one_plan(reads: ReadPool) -> None:
    example = make_example(reads)
    for lines in ([line("prd_1")], [line("prd_2"), line("prd_3", "4")], []):
        await example.engine.execute(Request(TEXT, {"lines": lines}), AGENT)

    assert len(example.engine.planner.documents.plans.kept) == 1
    assert example.fallbacks == []


async def test_variables_inside_of_a_literal_are_filled_in(recorder: Recorder) -> None:
    text = """query Q($p: ID!, $q: Decimal!) { customer(by: {id: "cus_17"}) { basket(
      lines: [{product: $p, quantity: "3"}, {product: "prd_1", quantity: $q}]) { quantity } } }"""

    found = await ask(recorder, text, p="prd_8", q="0.5")

    assert found["data"]["customer"]["basket"] == {"quantity": "5.5"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line("prd_1")] * 4, "At most 3 lines."),
        ([line("cus_1")], "Name products by their ids."),
        ([line("prd_1"), line("prd_12")], "prd_12 is not for sale."),
    ],
)
async def test_a_clients_mistake_is_said_and_fails_its_field(
    recorder: Recorder, lines: list[dict[str, str]], message: str
) -> None:
    found = await ask(recorder, TEXT, lines=lines)

    assert found["data"] == {"customer": {"basket": None}}
    assert {(e["message"], e["extensions"]["code"]) for e in found["errors"]} == {(message, "BAD_USER_INPUT")}


async def test_a_fault_of_ours_is_masked(recorder: Recorder) -> None:
    logging.getLogger("customer360.readpath").setLevel(logging.CRITICAL + 1)

    found = await ask(recorder, TEXT, lines=[line("prd_5")])

    assert found["data"] == {"customer": {"basket": None}}
    assert {e["extensions"]["code"] for e in found["errors"]} == {"INTERNAL"}
    assert "hunter2" not in json.dumps(found)


async def test_the_rows_of_somebody_else_are_not_worked_out(recorder: Recorder) -> None:
    somebody = ExampleContext(ExampleViewer(Role.CUSTOMER, 18))

    found = await ask(recorder, TEXT, somebody, lines=[line("prd_1")])

    assert found["data"] == {"customer": None}


async def test_both_readers_agree_on_random_baskets(reads: ReadPool) -> None:
    for name in ("customer360.readpath", "strawberry.execution"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    example = make_example(reads)
    values = replace(VALUES, favoured=["basket", "lines"])
    comparison = Comparison(example.engine, CONTEXTS, values, lambda _: None, ["customer", "customers"])

    await comparison.run(60, seed=4)

    assert comparison.disagreements == []
    assert example.fallbacks == []
