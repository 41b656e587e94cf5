"""What clients see: rights, row scope, bad arguments, broken stores, masking, pages, events."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest
from readpath_example.context import ExampleContext, ExampleViewer, Role
from readpath_example.engine import Example, make_example
from readpath_example.rows import fill

from db.read_pool import ReadPool
from domain.errors import StoreUnavailable
from resolvers.readpath.engine import RefusedRequest, Request

AGENT = ExampleContext(ExampleViewer(Role.AGENT))
ANALYST = ExampleContext(ExampleViewer(Role.ANALYST))
PARTNER = ExampleContext(ExampleViewer(Role.PARTNER))
SEVENTEEN = ExampleContext(ExampleViewer(Role.CUSTOMER, 17))


@pytest.fixture(scope="module")
async def reads(database_url: str) -> AsyncIterator[ReadPool]:
    await fill(database_url)
    pool = ReadPool(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def example(reads: ReadPool) -> Example:
    return make_example(reads)


async def answer(example: Example, text: str, context: ExampleContext = AGENT, **variables: Any) -> Any:
    """Without what it cost."""
    found = json.loads((await example.engine.execute(Request(text, variables), context)).body)
    found.pop("extensions", None)
    return found


@dataclass
class Recorder:
    """Passes statements on and remembers them."""

    reads: ReadPool
    statements: list[str]

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        self.statements.append(sql)
        return await self.reads.fetch(sql, arguments)


# --- one statement ---------------------------------------------------------------------------------------


async def test_a_whole_customer_is_one_statement(reads: ReadPool) -> None:
    recorder = Recorder(reads, [])
    example = make_example(recorder)
    text = """{ customer(by: {id: "cus_17"}) { id memberNumber profile { city kind company { name } }
      facts { orders spend } labels { code } orders(first: 3) {
      nodes { id lines(first: 2) { nodes { net } } } }
      timeline(first: 3) { nodes { __typename } } } }"""

    found = await answer(example, text)

    assert found["data"]["customer"]["id"] == "cus_17"
    assert len(recorder.statements) == 1
    assert example.fallbacks == []


async def test_a_graph_field_is_one_question_and_one_statement_for_all_parents(reads: ReadPool) -> None:
    recorder = Recorder(reads, [])
    example = make_example(recorder)

    found = await answer(example, "{ customers(first: 20) { nodes { recommendations { score } } } }")

    assert len(found["data"]["customers"]["nodes"]) == 20
    assert (example.graph.asked, len(recorder.statements)) == (1, 2)


# --- rights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "context", "field"),
    [
        ("a field", '{ customer(by: {id: "cus_1"}) { profile { note } } }', ANALYST, "Profile.note"),
        ("a type", '{ customer(by: {id: "cus_1"}) { profile { city } } }', PARTNER, "Customer.profile"),
        ("a root", "{ transitions(first: 1) { totalCount { value } } }", PARTNER, "Query.transitions"),
        (
            "a skipped field",
            "{ transitions(first: 1) @skip(if: true) { __typename } }",
            PARTNER,
            "Query.transitions",
        ),
        (
            "in a fragment",
            "{ ...F } fragment F on Query { transitions(first: 1) { __typename } }",
            PARTNER,
            "Query.transitions",
        ),
        ("by node", '{ node(id: "tic_1") { ... on Ticket { subject } } }', ANALYST, "Ticket.subject"),
    ],
)
async def test_a_forbidden_selection_refuses_the_whole_operation_before_anything_runs(
    reads: ReadPool, words: str, text: str, context: ExampleContext, field: str
) -> None:
    recorder = Recorder(reads, [])
    example = make_example(recorder)

    refused = await example.engine.execute(Request(text), context)

    errors = json.loads(refused.body)["errors"]
    assert refused.was_refused
    assert [(e["extensions"]["code"], e["extensions"]["field"]) for e in errors] == [("FORBIDDEN", field)]
    assert recorder.statements == []


async def test_a_forbidden_type_and_an_unknown_id_answer_alike(example: Example) -> None:
    text = "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    found = await answer(example, text, ANALYST, ids=["tic_1", "tic_99999", "zzz_1", "cus_1"])

    assert found == {"data": {"nodes": [None, None, None, {"id": "cus_1"}]}}


async def test_a_customer_reaches_only_their_own_rows(example: Example) -> None:
    text = """{ customers(first: 50) { totalCount { value } nodes {
        id orders(first: 100) { nodes { customer { id } } } } }
      other: customer(by: {id: "cus_18"}) { id } node(id: "ord_1007") { id }
      nodes(ids: ["cus_17", "cus_18"]) { id } }"""

    found = (await answer(example, text, SEVENTEEN))["data"]

    assert found["customers"]["totalCount"] == {"value": 1}
    assert [c["id"] for c in found["customers"]["nodes"]] == ["cus_17"]
    assert {o["customer"]["id"] for c in found["customers"]["nodes"] for o in c["orders"]["nodes"]} <= {
        "cus_17"
    }
    assert (found["other"], found["node"], found["nodes"]) == (None, None, [{"id": "cus_17"}, None])


async def test_plans_of_one_viewer_are_never_used_for_another(example: Example) -> None:
    text = "{ customers(first: 1, where: {}) { totalCount { value } } }"
    eighteen = ExampleContext(ExampleViewer(Role.CUSTOMER, 18))

    counts = [
        (await answer(example, text, c))["data"]["customers"]["totalCount"]["value"]
        for c in (AGENT, SEVENTEEN, eighteen, PARTNER)
    ]

    assert counts == [300, 1, 1, 300]


async def test_a_customer_token_without_a_customer_is_refused(example: Example) -> None:
    nobody = ExampleContext(ExampleViewer(Role.CUSTOMER, None))

    found = await answer(example, "{ customers(first: 1) { nodes { id } } }", nobody)

    assert found["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "data" not in found


# --- arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "Give exactly one of first and last."),
        ("first: 1, last: 1", "Give exactly one of first and last."),
        ("first: 0", "first must be 1 to 100."),
        ("last: 101", "last must be 1 to 100."),
        ("first: 1, before: null, after: null", None),
        ('last: 1, after: "WzFd"', "after goes with first, before goes with last."),
        (
            'first: 1, after: "nonsense"',
            "This is not a cursor of this list: pass a startCursor or endCursor as it was given.",
        ),
    ],
)
async def test_a_page_needs_one_end_and_a_size(example: Example, arguments: str, message: str | None) -> None:
    given = f"({arguments})" if arguments else ""
    text = f'{{ customer(by: {{id: "cus_1"}}) {{ id orders{given} {{ nodes {{ id }} }} }} }}'

    found = await answer(example, text)

    if message is None:
        assert "errors" not in found
        return
    assert found["errors"][0]["message"] == message
    assert found["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert found["errors"][0]["path"] == ["customer", "orders"]
    assert found["data"] == {"customer": None}
    assert example.fallbacks == []


async def test_a_bad_argument_fails_its_field_and_nothing_beside_it(example: Example) -> None:
    text = """query Q($days: Int!) { a: product(code: "Milk 5") { id }
      b: customer(by: {id: "cus_1"}) { window(days: $days) { orders } } }"""

    found = await answer(example, text, days=2**31 - 1)

    assert found["data"] == {"a": {"id": "prd_5"}, "b": None}
    assert found["errors"][0]["message"] == "days must be 1 to 3650."


async def test_not_keeps_the_rows_of_which_nothing_is_known(example: Example) -> None:
    text = '{ customers(first: 1, where: {not: {city: ["Beijing"]}}) { totalCount { value } } }'

    found = await answer(example, text)

    assert found["data"]["customers"]["totalCount"]["value"] == 300 - 65  # 42 of them without a city


async def test_two_records_behind_one_key_are_ambiguous(example: Example) -> None:
    found = await answer(example, '{ customer(by: {phone: "13800000017"}) { id } }')

    assert found["data"] == {"customer": None}
    assert found["errors"][0]["extensions"]["code"] == "AMBIGUOUS"


@pytest.mark.parametrize(
    "text", ["{ nothing }", "{ customers(first: 1) ", "query A { __typename } query B { __typename }"]
)
async def test_a_document_that_cannot_run_is_refused_without_data(example: Example, text: str) -> None:
    refused = await example.engine.execute(Request(text), AGENT)

    assert refused.was_refused
    assert json.loads(refused.body)["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "data" not in json.loads(refused.body)


async def test_errors_do_not_suggest_names_of_the_schema(example: Example) -> None:
    found = await answer(example, "{ custome(first: 1) { id } }")

    assert "Did you mean" not in found["errors"][0]["message"]


# --- pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "start", "more", "cursor"),
    [("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")],
)
async def test_walking_either_way_sees_every_entry_once(
    example: Example, size: str, start: str, more: str, cursor: str
) -> None:
    text = f"""query Q($cursor: String) {{ products({size}: 7, {start}: $cursor) {{ nodes {{ id }}
      pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
      totalCount {{ value precision }} }} }}"""
    seen: list[str] = []
    page = (await answer(example, text))["data"]["products"]
    other = "hasPreviousPage" if more == "hasNextPage" else "hasNextPage"
    assert page["pageInfo"][other] is False
    while True:
        ids = [node["id"] for node in page["nodes"]]
        seen = seen + ids if size == "first" else ids + seen
        if not page["pageInfo"][more]:
            break
        page = (await answer(example, text, cursor=page["pageInfo"][cursor]))["data"]["products"]
        assert page["pageInfo"][other] is True

    assert len(seen) == len(set(seen)) == 40
    assert page["totalCount"] == {"value": 40, "precision": "EXACT"}


@pytest.mark.parametrize(
    ("size", "start", "more", "cursor"),
    [("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")],
)
@pytest.mark.parametrize("field", ["timeline", "history"])
async def test_a_merged_list_is_walked_from_either_end(
    example: Example, field: str, size: str, start: str, more: str, cursor: str
) -> None:
    entries = "... on Node { id } ... on Order { placedAt } ... on Ticket { openedAt }"
    text = f"""query Q($size: Int!, $cursor: String) {{ customer(by: {{id: "cus_17"}}) {{
      {field}({size}: $size, {start}: $cursor) {{
        nodes {{ __typename {entries} }} pageInfo {{ {more} {cursor} }} }} }} }}"""
    seen: list[Any] = []
    wanted: str | None = None
    while True:
        page = (await answer(example, text, size=2, cursor=wanted))["data"]["customer"][field]
        seen = seen + page["nodes"] if size == "first" else page["nodes"] + seen
        if not page["pageInfo"][more]:
            break
        wanted = page["pageInfo"][cursor]

    whole = (await answer(example, text, size=100))["data"]["customer"][field]["nodes"]
    moments = [entry.get("placedAt") or entry["openedAt"] for entry in whole]
    assert seen == whole
    assert len(whole) > 5
    assert moments == sorted(moments, reverse=True)
    assert {entry["__typename"] for entry in whole} == {"Order", "Ticket"}
    assert example.fallbacks == []


async def test_filters_come_as_lists_of_objects_in_variables(example: Example) -> None:
    text = """query Q($any: [CustomerFilter!], $all: [CustomerFilter!]) {
      customers(first: 1, where: {any: $any, all: $all}) { totalCount { value } } }"""

    async def count(**variables: Any) -> int:
        found = await answer(example, text, **variables)
        number: int = found["data"]["customers"]["totalCount"]["value"]
        return number

    beijing, shanghai = {"city": ["Beijing"]}, {"city": ["上海"]}
    both = await count(any=[beijing, shanghai])

    assert both == await count(any=[beijing]) + await count(any=[shanghai]) > 0
    assert await count(any=beijing) == await count(any=[beijing])
    assert await count(all=[beijing, shanghai]) == 0
    assert await count(any=[beijing, shanghai], all=[{"not": beijing}]) == await count(any=[shanghai])
    assert await count(any=[]) == 0
    assert await count(all=[]) == await count() == 300
    assert example.fallbacks == []


async def test_text_that_looks_like_a_mark_stays_text(example: Example) -> None:
    found = await answer(example, '{ customer(by: {id: "cus_3"}) { profile { city extra } } }')

    assert found == {
        "data": {"customer": {"profile": {"city": "Line\nbreak", "extra": {"a": 3, "b": [1, None, "x"]}}}}
    }


# --- what breaks -----------------------------------------------------------------------------------------


async def test_a_broken_graph_costs_one_field(example: Example) -> None:
    example.graph.is_down = True

    found = await answer(example, '{ customer(by: {id: "cus_17"}) { id recommendations { score } } }')

    assert found["data"] == {"customer": {"id": "cus_17", "recommendations": None}}
    assert found["errors"] == [
        {
            "message": "graph does not answer; try again in a moment.",
            "path": ["customer", "recommendations"],
            "extensions": {"code": "STORE_UNAVAILABLE", "store": "graph"},
        }
    ]


async def test_what_changes_while_the_graph_thinks_is_seen_whole_below_it(reads: ReadPool) -> None:
    """ADR 15: each statement reads its own snapshot."""
    writer = await asyncpg.connect(reads.database_url)
    example = make_example(reads)
    thinking = example.graph.answer

    async def renamed_meanwhile(name: str, keys: list[int], parameters: Any) -> Any:
        await writer.execute("UPDATE products SET name = 'renamed ' || product_id WHERE product_id < 41")
        return await thinking(name, keys, parameters)

    example.engine.stores = replace(example.engine.stores, answer_question=renamed_meanwhile)
    before = await reads.fetch("SELECT product_id, name FROM products", [])

    found = await answer(
        example,
        """{ products(first: 40) { nodes { id name } }
      customer(by: {id: "cus_17"}) { recommendations { product { name } again: product { name } } } }""",
    )

    for old in before:
        await writer.execute("UPDATE products SET name = $2 WHERE product_id = $1", *old)
    await writer.close()
    recommended = found["data"]["customer"]["recommendations"]
    assert not any(node["name"].startswith("renamed") for node in found["data"]["products"]["nodes"])
    assert len(recommended) > 2
    for one in recommended:
        assert one["product"] == one["again"]
        assert one["product"]["name"].startswith("renamed")


async def test_a_silent_graph_counts_as_broken(reads: ReadPool) -> None:
    example = make_example(reads)

    async def never(*_: Any) -> Any:
        await asyncio.sleep(3600)

    example.engine.stores = type(example.engine.stores)(reads, never, question_seconds=0.05)

    found = await answer(example, '{ customer(by: {id: "cus_17"}) { recommendations { score } } }')

    assert found["errors"][0]["extensions"] == {"code": "STORE_UNAVAILABLE", "store": "graph"}


async def test_without_its_database_nothing_is_answered() -> None:
    class Gone:
        async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
            raise StoreUnavailable("postgres", "gone")

    with pytest.raises(StoreUnavailable) as lost:
        await answer(make_example(Gone()), "{ customers(first: 1) { nodes { id } } }")

    assert lost.value.store == "postgres"


async def test_a_fault_of_ours_is_masked_and_its_cause_logged(
    example: Example, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "customer360.readpath"):
        found = await answer(example, '{ customer(by: {id: "cus_31"}) { id profile { secret } } }')

    assert found["data"] == {"customer": {"id": "cus_31", "profile": {"secret": None}}}
    assert found["errors"][0]["extensions"] == {"code": "INTERNAL", "id": "id"}
    assert "hunter2" not in json.dumps(found)
    assert "password=hunter2" in caplog.text


async def test_a_missing_value_spreads_to_the_nearest_field_that_may_be_null(example: Example) -> None:
    orphaned = """{ node(id: "cus_13") { ... on Customer { id facts { orders } } }
      kept: product(code: "Milk 5") { id } }"""

    found = await answer(example, orphaned)

    assert found["data"] == {"node": None, "kept": {"id": "prd_5"}}
    assert found["errors"][0]["path"] == ["node", "facts"]
    assert found["errors"][0]["extensions"]["code"] == "INTERNAL"


# --- events ----------------------------------------------------------------------------------------------

TIER_CHANGED = "subscription S { tierChanged { toTier customer { id } } }"


async def test_an_event_prints_the_selection_of_its_row(example: Example) -> None:
    event = example.engine.prepare_event(Request(TIER_CHANGED), AGENT)

    body = await example.engine.run_event(event, 1, AGENT)

    assert body is not None
    assert json.loads(body) == {"data": {"tierChanged": {"toTier": "GOLD", "customer": {"id": "cus_2"}}}}


async def test_an_event_about_somebody_else_is_not_sent(example: Example) -> None:
    event = example.engine.prepare_event(Request(TIER_CHANGED), SEVENTEEN)

    assert await example.engine.run_event(event, 1, SEVENTEEN) is None
    assert await example.engine.run_event(event, 16, SEVENTEEN) is not None


async def test_a_subscription_has_one_root_field(example: Example) -> None:
    with pytest.raises(RefusedRequest):
        example.engine.prepare_event(
            Request("subscription S { a: __typename tierChanged { toTier } }"), AGENT
        )


# --- fallbacks -------------------------------------------------------------------------------------------


async def test_introspection_is_the_references_work_and_counted(example: Example) -> None:
    found = await answer(example, "{ __schema { queryType { name } } }")

    assert found == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert example.fallbacks == ["introspection"]
