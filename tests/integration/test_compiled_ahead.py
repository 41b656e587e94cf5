"""The documented operations: compiled before anybody asks, for every role, and never left to the reference."""

import json
from pathlib import Path
from typing import Any

import pytest
from retailer import Retailer, viewer

from api.engine_port import GraphQLRequest
from api.query_page.examples import Example, read_examples
from api.warm_up import compile_examples
from domain.privacy.viewer import Role
from resolvers.readpath.planner import Planner

EXAMPLES = read_examples(Path(__file__).parent.parent.parent / "examples")
QUERIES = [example for example in EXAMPLES if example.query.lstrip("#").find("query ") > 0]


async def answer(retailer: Retailer, example: Example, role: Role) -> dict[str, Any]:
    request = GraphQLRequest(query=example.query, variables=example.variables)
    asking = viewer(role, customer_id=1) if role is Role.CUSTOMER else viewer(role)
    found: dict[str, Any] = json.loads((await retailer.api.execute(request, asking)).body)
    return found


async def test_no_role_waits_for_the_compiler_once_a_server_has_started(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await compile_examples(retailer.api, EXAMPLES)
    monkeypatch.setattr(Planner, "compile", lambda *_: pytest.fail("compiled again"))

    found = [await answer(retailer, example, role) for example in QUERIES for role in Role]

    codes = {error["extensions"]["code"] for one in found for error in one.get("errors", ())}
    assert len(QUERIES) == 7
    assert codes == {"FORBIDDEN"}
    assert retailer.fallbacks == []


@pytest.mark.parametrize("example", QUERIES, ids=lambda example: example.name)
async def test_an_answer_says_what_it_cost(retailer: Retailer, example: Example) -> None:
    request = GraphQLRequest(query=example.query, variables=example.variables)

    answer = await retailer.api.execute(request, viewer(Role.OPERATOR))

    assert answer.cost is not None
    assert json.loads(answer.body)["extensions"] == {"cost": answer.cost}
    assert 0 < answer.cost < 1_000


async def test_an_operation_that_costs_too_much_is_refused(retailer: Retailer) -> None:
    lines = "lines(first: 100) { nodes { lineNo } }"
    text = f"{{ customers(first: 100) {{ nodes {{ orders(first: 100) {{ nodes {{ {lines} }} }} }} }} }}"
    statements = retailer.reads.statements

    answer = await retailer.api.execute(GraphQLRequest(query=text), viewer(Role.OPERATOR))

    assert answer.request_error
    assert answer.codes == ("LIMIT_EXCEEDED",)
    assert "data" not in json.loads(answer.body)
    assert retailer.reads.statements == statements


async def test_an_event_is_taken_in_by_a_planned_mutation(retailer: Retailer) -> None:
    example = next(one for one in EXAMPLES if "mutation" in one.query)

    first = await answer(retailer, example, Role.OPERATOR)
    second = await answer(retailer, example, Role.OPERATOR)

    counted = [one["data"]["eventIngest"] for one in (first, second)]
    assert [(one["accepted"], one["duplicates"]) for one in counted] == [(1, 0), (0, 1)]
    assert retailer.fallbacks == []
