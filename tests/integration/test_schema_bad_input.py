"""What makes no sense ends in one coded error that says what to do, and nothing is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from retailer import Retailer

from domain.privacy.viewer import Role

BAD_PAGES = {
    "(first: 101)": "first must be 1 to 100.",
    "(first: 0)": "first must be 1 to 100.",
    "(last: -1)": "last must be 1 to 100.",
    "": "Give exactly one of first and last.",
    "(first: 1, last: 1)": "Give exactly one of first and last.",
    '(first: 1, before: "WzFd")': "after goes with first, before goes with last.",
    '(first: 1, after: "nonsense")': "This is not a cursor of this list",
    '(first: 1, after: "WzFd")': "This is not a cursor of this list",
}


async def errors_of(retailer: Retailer, text: str, variables: dict[str, Any] | None = None) -> Any:
    answer = await retailer.ask(text, Role.OPERATOR, variables)
    return [(error["extensions"]["code"], error["message"]) for error in answer["errors"]]


@pytest.mark.parametrize("arguments", list(BAD_PAGES))
async def test_a_page_that_makes_no_sense_is_refused(retailer: Retailer, arguments: str) -> None:
    [(code, message)] = await errors_of(retailer, f"{{ customers{arguments} {{ nodes {{ id }} }} }}")

    assert code == "BAD_USER_INPUT"
    assert message.startswith(BAD_PAGES[arguments])


@pytest.mark.parametrize("after", ["WzBd", "WzEwMDAxXQ==", "Wy0xXQ==", "x"])
async def test_a_place_in_a_graph_answer_that_cannot_be_is_refused(retailer: Retailer, after: str) -> None:
    """0, 10,001, -1 and nonsense."""
    page = "relationships(first: 1, after: $after) { nodes { depth } }"
    text = f'query ($after: String) {{ customer(by: {{id: "cus_1"}}) {{ id {page} }} }}'

    answer = await retailer.ask(text, variables={"after": after})

    assert answer["data"] == {"customer": {"id": "cus_1", "relationships": None}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("value", ["cus_x", "", "cus_0", "cus_99999999999999999999", "zzz_1", "cus_1 ", "\0"])
async def test_an_id_that_names_nothing_answers_null(retailer: Retailer, value: str) -> None:
    text = "query ($id: ID!) { node(id: $id) { id } customer(by: {id: $id}) { id } nodes(ids: [$id]) { id } }"

    answer = await retailer.ask(text, variables={"id": value})

    assert answer == {"data": {"node": None, "customer": None, "nodes": [None]}}


async def test_more_than_a_hundred_ids_at_once_are_refused(retailer: Retailer) -> None:
    variables = {"ids": ["cus_1"] * 101}

    found = await errors_of(retailer, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", variables)

    assert found == [("BAD_USER_INPUT", "At most 100 ids at once.")]


@pytest.mark.parametrize(
    "variables",
    [{}, {"id": None}, {"id": ["cus_1"]}, {"id": {"id": "cus_1"}}],
    ids=["missing", "null", "a list", "an object"],
)
async def test_variables_of_the_wrong_shape_are_refused_before_anything_runs(
    retailer: Retailer, variables: dict[str, Any]
) -> None:
    answer = await retailer.ask("query ($id: ID!) { node(id: $id) { id } }", variables=variables)

    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("by", ["{}", "{id: null}", '{id: "cus_1", phone: "1"}'])
async def test_exactly_one_key_names_a_customer(retailer: Retailer, by: str) -> None:
    [(code, _)] = await errors_of(retailer, f"{{ customer(by: {by}) {{ id }} }}")

    assert code == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "selection",
    [
        'tier(policy: "nothing") { score }',
        'labels(families: ["nothing"]) { enteredAt }',
        "labels(families: []) { enteredAt }",
    ],
)
async def test_an_unknown_code_finds_nothing(retailer: Retailer, selection: str) -> None:
    answer = await retailer.ask(f'{{ customer(by: {{id: "cus_1"}}) {{ found: {selection} }} }}')

    assert answer in ({"data": {"customer": {"found": None}}}, {"data": {"customer": {"found": []}}})


async def test_the_distribution_of_an_unknown_policy_is_null(retailer: Retailer) -> None:
    answer = await retailer.ask('{ tierDistribution(policy: "nothing") { customers } }')

    assert answer == {"data": {"tierDistribution": None}}


@pytest.mark.parametrize("where", ["{}", "{all: []}", "{facts: {}}", "{not: {any: []}}", "null"])
async def test_an_empty_filter_lets_everybody_through(retailer: Retailer, where: str) -> None:
    answer = await retailer.ask(f"{{ customers(first: 1, where: {where}) {{ totalCount {{ value }} }} }}")

    assert answer == {"data": {"customers": {"totalCount": {"value": 300}}}}


async def test_a_filter_for_any_of_nothing_finds_nobody(retailer: Retailer) -> None:
    answer = await retailer.ask("{ customers(first: 1, where: {any: []}) { totalCount { value } } }")

    assert answer == {"data": {"customers": {"totalCount": {"value": 0}}}}


@pytest.mark.parametrize("depth", [0, 4, 2**31 - 1])
async def test_referrals_are_followed_one_to_three_steps(retailer: Retailer, depth: int) -> None:
    text = f'{{ customer(by: {{id: "cus_1"}}) {{ relationships(first: 1, depth: {depth}) {{ nodes {{ depth }} }} }} }}'

    assert await errors_of(retailer, text) == [("BAD_USER_INPUT", "depth must be 1 to 3.")]


async def test_there_are_words_in_two_languages_only(retailer: Retailer) -> None:
    text = '{ labelDefinitions { words(locale: "fr") } }'

    assert {code for code, _ in await errors_of(retailer, text)} == {"BAD_USER_INPUT"}


# --- events ---------------------------------------------------------------------------------------------

INGEST = """
mutation ($input: EventIngestInput!) {
  eventIngest(input: $input) { accepted rejected { index code field } userErrors { field code } }
}
"""


def order_event(**changes: Any) -> dict[str, Any]:
    order = {
        "externalId": "bad-order",
        "status": "PAID",
        "channel": "STORE",
        "netAmount": {"amount": "12.50"},
        "lines": [{"lineNo": 1, "product": "P00001", "quantity": "1", "netAmount": {"amount": "12.50"}}],
    }
    event = {"id": "bad-1", "occurredAt": "2026-05-31T12:00:00+08:00", "customer": {"externalId": "C0000001"}}
    order_changes = {
        key: value for key, value in changes.items() if key in order or key in ("paidAt", "credit")
    }
    rest = {key: value for key, value in changes.items() if key not in order_changes}
    return {**event, "data": {"order": {**order, **order_changes}}, **rest}


BAD_EVENTS: dict[str, tuple[dict[str, Any], str, list[str] | None]] = {
    "money with three decimals": (
        {"netAmount": {"amount": "12.505"}},
        "INVALID",
        ["data", "order", "netAmount", "amount"],
    ),
    "money of another currency": (
        {"netAmount": {"amount": "12.50", "currencyCode": "USD"}},
        "WRONG_UNIT",
        ["data", "order", "netAmount", "currencyCode"],
    ),
    "a time in the future": ({"occurredAt": "2026-06-02T00:00:00+08:00"}, "IN_THE_FUTURE", ["occurredAt"]),
    "credit for no days": (
        {"credit": {"confirmedAt": "2026-05-31T12:00:00+08:00", "days": 0}},
        "OUT_OF_RANGE",
        ["data", "order", "credit", "days"],
    ),
    "nobody's event": ({"customer": {}}, "REQUIRED", ["customer"]),
    "an unknown customer": ({"customer": {"externalId": "nobody"}}, "NOT_FOUND", None),
}


@pytest.mark.parametrize("what", list(BAD_EVENTS))
async def test_a_bad_event_is_rejected_and_the_good_one_beside_it_is_stored(
    retailer: Retailer, what: str
) -> None:
    changes, code, field = BAD_EVENTS[what]
    good = order_event(id=f"good {what}", externalId=f"good {what}")
    variables = {"input": {"source": "demo", "events": [order_event(**changes), good]}}

    answer = (await retailer.ask(INGEST, variables=variables))["data"]["eventIngest"]

    [rejected] = answer["rejected"]
    assert answer["accepted"] == 1
    assert (rejected["index"], rejected["code"]) == (0, code)
    assert field is None or rejected["field"] == field
    assert await retailer.value("SELECT count(*) FROM orders WHERE external_id = 'bad-order'") == 0
    assert await retailer.value("SELECT count(*) FROM orders WHERE external_id = $1", f"good {what}") == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"source": "demo", "events": []}, "REQUIRED"),
        ({"source": "demo", "events": [order_event()] * 1_001}, "TOO_MANY"),
        ({"source": "nobody", "events": [order_event()]}, "UNKNOWN_SOURCE"),
    ],
    ids=["no events", "too many", "an unknown source"],
)
async def test_a_batch_that_cannot_be_taken_stores_nothing(
    retailer: Retailer, given: dict[str, Any], code: str
) -> None:
    before = await retailer.value("SELECT count(*) FROM orders")

    answer = (await retailer.ask(INGEST, variables={"input": given}))["data"]["eventIngest"]

    assert [error["code"] for error in answer["userErrors"]] == [code]
    assert answer["accepted"] == 0
    assert await retailer.value("SELECT count(*) FROM orders") == before


async def test_amounts_that_are_no_numbers_are_refused_before_anything_runs(retailer: Retailer) -> None:
    for amount in ("NaN", "Infinity", "1e500000", "twelve", True):
        variables = {"input": {"source": "demo", "events": [order_event(netAmount={"amount": amount})]}}

        answer = await retailer.ask(INGEST, variables=variables)

        assert "data" not in answer
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


FULL_DISK = """
CREATE FUNCTION fill_up() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER fill_up BEFORE INSERT ON ingested_events FOR EACH ROW EXECUTE FUNCTION fill_up()
"""


async def test_a_mutation_that_finds_the_disk_full_names_the_store_and_changes_nothing(
    retailer: Retailer,
) -> None:
    text = Path("examples/07_send_an_order.graphql").read_text()
    variables = json.loads(Path("examples/07_send_an_order.json").read_text())
    before = await retailer.value("SELECT count(*) FROM orders")

    await retailer.stores.pool.execute(FULL_DISK)
    answer = await retailer.ask(text, variables=variables)
    await retailer.stores.pool.execute("DROP FUNCTION fill_up CASCADE")

    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "STORE_UNAVAILABLE", "store": "postgres"}
    assert await retailer.value("SELECT count(*) FROM orders") == before
