"""What an operator sees of how a query is answered, and that nobody else does."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from retailer import Retailer, viewer
from rich.console import Console

from api.commands.explanation import print_explanation
from api.engine_port import GraphQLRequest
from domain.privacy.viewer import Purpose, Role

WHOLE = (Path(__file__).parent.parent.parent / "examples" / "01_whole_customer.graphql").read_text("utf-8")
SMALL = "{ customer(by: { id: 1 }) { id facts { orders90d } orders(first: 2) { nodes { id } } } }"


async def explained(
    retailer: Retailer, text: str, role: Role = Role.OPERATOR, asked: object = True, **variables: Any
) -> dict[str, Any]:
    request = GraphQLRequest(query=text, variables=variables, extensions={"explain": asked})
    purpose = Purpose.CUSTOMER_SERVICE if role is Role.AGENT else None
    customer = 1 if role is Role.CUSTOMER else None
    answer = await retailer.api.execute(request, viewer(role, purpose=purpose, customer_id=customer))
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def test_the_answer_is_the_same_and_the_explanation_stands_beside_it(retailer: Retailer) -> None:
    plain = await retailer.ask(WHOLE, variables={"id": "cus_1"})
    found = await explained(retailer, WHOLE, id="cus_1")

    assert found["data"] == plain["data"]
    assert set(found["extensions"]["explain"]) == {"planMs", "fields", "steps"}


async def test_every_statement_and_every_question_is_a_step_with_its_text_rows_and_time(
    retailer: Retailer,
) -> None:
    steps = (await explained(retailer, WHOLE, id="cus_1"))["extensions"]["explain"]["steps"]

    statements = [step for step in steps if step["store"] == "postgres"]
    questions = [step for step in steps if step["store"] == "graph"]
    assert len(statements) == 3  # the customer, the recommendations, the relationships
    assert statements[0]["sql"].startswith("SELECT")
    assert statements[0]["rows"] == 1
    assert statements[0]["plan"]["runMs"] > 0
    assert {"own_purchases", "bought_together"} <= {step["question"] for step in questions}
    assert all("MATCH" in step["cypher"] for step in questions)
    assert all(step["ms"] > 0 for step in steps)


async def test_each_field_says_where_its_value_comes_from(retailer: Retailer) -> None:
    (customer,) = (await explained(retailer, SMALL.replace("id: 1", 'id: "cus_1"')))["extensions"]["explain"][
        "fields"
    ]

    assert customer == {
        "field": "customer",
        "from": "look-up of one row of customers",
        "fields": [
            {"columns": ["id"]},
            {
                "field": "facts",
                "from": "one row of facts_of_customers",
                "fields": [{"columns": ["orders90d"]}],
            },
            {
                "field": "orders",
                "from": "a page of orders",
                "fields": [{"field": "nodes", "fields": [{"columns": ["id"]}]}],
            },
        ],
    }


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_no_other_role_is_told(retailer: Retailer, role: Role) -> None:
    statements = retailer.reads.statements
    found = await explained(retailer, SMALL, role)

    assert "data" not in found
    assert "extensions" not in found
    assert found["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert retailer.reads.statements == statements


@pytest.mark.parametrize("asked", [False, None, "true", 1, {}])
async def test_anything_but_true_asks_for_nothing(retailer: Retailer, asked: object) -> None:
    found = await explained(retailer, "{ shop { name } }", asked=asked)

    assert "explain" not in found["extensions"]


async def test_a_mutation_is_not_run_to_be_explained(retailer: Retailer) -> None:
    before = await retailer.value("SELECT count(*) FROM ingested_events")
    text = 'mutation { eventIngest(input: { source: "demo", events: [] }) { accepted } }'

    found = await explained(retailer, text)

    assert found["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await retailer.value("SELECT count(*) FROM ingested_events") == before


async def test_what_has_no_plan_says_why(retailer: Retailer) -> None:
    found = await explained(retailer, "{ __schema { queryType { name } } }")

    assert found["data"] == {"__schema": {"queryType": {"name": "Query"}}}
    assert found["extensions"]["explain"] == {"reference": "introspection"}


async def test_a_person_reads_a_tree(retailer: Retailer) -> None:
    explanation = (await explained(retailer, WHOLE, id="cus_1"))["extensions"]["explain"]
    console = Console(file=io.StringIO(), width=120)

    print_explanation(console, explanation)

    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "customer  look-up of one row of customers" in printed
    assert "the graph: recommended_products" in printed
    assert "Index Scan using pk_customers on customers" in printed
    assert "\x01" not in printed
