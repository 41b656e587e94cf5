"""Requests made to hurt: refused with a code that names the limit, before any store is asked, in bounded steps."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

import pytest
from graphql.language.lexer import Lexer
from hypothesis import given
from hypothesis import strategies as st

from api.graphql_errors import Refused as RefusedByEdge
from api.graphql_request import MAX_BODY_BYTES, request_from_body
from domain.privacy.viewer import Role, Viewer
from resolvers.context import Context
from resolvers.readpath.engine import Engine, Request
from resolvers.readpath.execution import Stores
from resolvers.readpath.limits import Limits, Measure
from resolvers.schema import schema

ROOM = MAX_BODY_BYTES - 300
CUSTOMERS = "query Q($x: CustomerFilter) { customers(first: 1, where: $x) { nodes { id } } }"
NODES = "query Q($x: [ID!]!) { nodes(ids: $x) { id } }"


class Untouchable:
    """Neither stores nor context may be asked by what is refused."""

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> NoReturn:
        raise AssertionError(f"a refused request was read: {sql}")

    async def __call__(self, name: str, keys: list[int], parameters: Mapping[str, Any]) -> NoReturn:
        raise AssertionError(f"a refused request asked the graph: {name}")


class Asker:
    """As much of a context as a refusal needs."""

    viewer = Viewer("somebody", Role.OPERATOR)


@pytest.fixture(scope="module")
def engine() -> Engine:
    stores = Stores(Untouchable(), Untouchable(), 1.0)
    return Engine(schema=schema, stores=stores, own_rows_only=frozenset({Role.CUSTOMER}))


async def errors_of(engine: Engine, body: bytes) -> list[dict[str, Any]]:
    """What the sender of these bytes reads."""
    try:
        request = request_from_body(body)
    except RefusedByEdge as refused:
        return [{"message": refused.message, "extensions": {"code": refused.code}}]
    asked = Request(request.query, request.variables or {}, request.operation_name)
    answer = await engine.execute(asked, cast(Context, Asker()))
    errors: list[dict[str, Any]] = json.loads(answer.body)["errors"]
    return errors


def sent(query: str, variables: Any = None) -> bytes:
    return json.dumps({"query": query, "variables": variables}, ensure_ascii=False).encode()


def filled(before: str, unit: str, after: str) -> bytes:
    """As often as a body has room for."""
    size = len(json.dumps(unit, ensure_ascii=False).encode()) - 2
    return sent(before + unit * ((ROOM - len(before) - len(after)) // size) + after)


def raw(before: bytes, unit: bytes, after: bytes) -> bytes:
    return before + unit * ((MAX_BODY_BYTES - len(before) - len(after)) // len(unit)) + after


def bomb(levels: int) -> str:
    spreads = [f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(levels)]
    return "{ ...F0 } " + " ".join(spreads) + f" fragment F{levels} on Query {{ shop {{ name }} }}"


def beside(unit: str, times: int) -> str:
    return "{ " + " ".join(unit.replace("#", str(i)) for i in range(times)) + " }"


LIMITED = {
    "braces": ("characters", filled("", "{", "")),
    "closing braces": ("characters", filled("", "}", "")),
    "comments": ("characters", filled("", "#\n", "{ shop { name } }")),
    "commas": ("characters", filled("", ",", "{ shop { name } }")),
    "a name": ("characters", filled("{ ", "a", " }")),
    "a number": ("characters", filled("{ products(first: ", "1", ") { nodes { id } } }")),
    "a string": ("characters", filled('{ node(id: "', "x", '") { id } }')),
    "a block string": ("characters", filled('{ node(id: """', "x\n", '""") { id } }')),
    "smileys": ("characters", filled('{ node(id: "', "\u4e00", '") { id } }')),
    "escapes": ("characters", raw(b'{"query":"{ node(id: \\"', rb"\\u0041", b'\\") { id } }"}')),
    "nested braces": ("nesting", sent("{a" * 10_000)),
    "nested lists": ("nesting", sent("{ a(x: " + "[" * 60_000)),
    "deep selections": ("depth", sent("{ customer " * 20 + "}" * 20)),
    "aliases": ("tokens", sent(beside("a#: shop { name }", 2_500))),
    "31 aliases": ("aliases", sent(beside("a#: shop { name }", 31))),
    "directives": ("tokens", sent("{ shop " + "@include(if: true) " * 3_000 + "{ name } }")),
    "arguments": ("tokens", sent("{ shop(" + "a: 1 " * 10_000 + ") { name } }")),
    "variable definitions": ("tokens", sent(f"query Q({'$v: Int ' * 6_000}) {{ shop {{ name }} }}")),
    "operations": ("operations", sent("query Q { shop { name } } " * 11)),
    "a bomb": ("fields", sent(bomb(20))),
    "a long bomb": ("nesting", sent(bomb(150))),
    "the same field": ("comparisons", sent("{ shop { " + "name " * 990 + "} }")),
    "the same tree": (
        "comparisons",
        sent(beside("customer(by: {id: 1}) { id tier { score tier { name } } }", 90)),
    ),
    "the same field of a mutation": (
        "comparisons",
        sent("mutation Q($i: EventIngestInput!) { eventIngest(input: $i) { " + "accepted " * 900 + "} }"),
    ),
    "introspection": ("introspections", sent(beside("a#: __schema { types { name } }", 29))),
    "filters": ("objects", sent(CUSTOMERS, {"x": {"any": [{}] * 1_000}})),
    "unknown keys": ("values", sent(CUSTOMERS, {"x": {f"k{i}": 1 for i in range(20_000)}})),
    "values": ("values", sent(NODES, {"x": ["cus_1"] * 20_001})),
    "deep variables": (
        "nesting",
        sent(CUSTOMERS, json.loads('{"x":' + '{"all":[' * 150 + "{}" + "]}" * 150 + "}")),
    ),
}
SENSELESS = {
    "a cycle": sent("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
    "bad ids": sent(NODES, {"x": [7.5] * 19_000}),
    "keys that nobody knows": sent(CUSTOMERS, {"x": {f"k{i}": 1 for i in range(19_000)}}),
    "a huge integer": b'{"query":"{ shop { name } }","variables":{"a":' + b"1" * 260_000 + b"}}",
    "brackets without end": raw(b'{"query":"{ shop { name } }","variables":{"a":', b"[", b""),
    "objects without end": raw(b'{"query":"{ shop { name } }","variables":{"a":', b'{"a":', b""),
    "half characters": raw(b'{"query":"{ shop { name } }","variables":{"a":"', rb"\ud800", b'"}}'),
    "not a number": b'{"query":"{ shop { name } }","variables":{"a":NaN}}',
    "a long name": sent("{ " + "a" * 60_000 + " }"),
    "an open string": sent('{ node(id: "' + "x" * 60_000),
}


@pytest.mark.parametrize("name", LIMITED)
async def test_what_is_too_large_is_refused_by_the_name_of_the_limit(engine: Engine, name: str) -> None:
    limit, body = LIMITED[name]

    (error,) = await errors_of(engine, body)

    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["extensions"]["limit"] == limit
    assert str(error["extensions"]["maximum"]) in error["message"]


@pytest.mark.parametrize("name", SENSELESS)
async def test_what_makes_no_sense_is_refused_in_few_words(engine: Engine, name: str) -> None:
    errors = await errors_of(engine, SENSELESS[name])

    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
    assert len(errors) <= 11
    assert len(json.dumps(errors)) < 6_000


async def test_nonsense_does_not_drive_out_what_others_use(engine: Engine) -> None:
    engine.documents.prepare("{ shop { name } }", None)
    for number in range(2_000):
        engine.documents.prepare(f"{{ nonsense{number}", None)

    assert ("{ shop { name } }", None) in engine.documents.kept
    assert len(engine.documents.refused) <= 50


WORDS = """
{ } ( ) [ ] : | & ! $a a ... ...F shop customers nodes id name null 1 -1e9 __schema mutation \ufeff \u4e00
"""
LINES = """
fragment F on Query
query Q
@skip(if: true)
"x"
#
first: 1
a: shop { name }
$a: Int = 1
"""
PIECES = st.sampled_from([*WORDS.split(), *LINES.splitlines(), '"""', "#\n"])
DOCUMENTS = st.lists(st.tuples(PIECES, st.integers(1, 400)), max_size=30).map(
    lambda parts: " ".join(" ".join([piece] * times) for piece, times in parts)
)


@given(text=DOCUMENTS)
def test_reading_any_document_takes_bounded_steps(engine: Engine, text: str) -> None:
    tokens = visits = 0
    read, below = Lexer.read_next_token, Measure.below

    def counted_read(self: Lexer, start: int) -> Any:
        nonlocal tokens
        tokens += 1
        return read(self, start)

    def counted_below(self: Measure, node: object, level: int) -> Any:
        nonlocal visits
        visits += 1
        return below(self, node, level)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lexer, "read_next_token", counted_read)
        patch.setattr(Measure, "below", counted_below)
        prepared = engine.documents.read(text, None)

    assert tokens <= 2 * (Limits().tokens + 2)  # once to count, once to parse
    assert visits <= Limits().tokens  # each selection once, however often its fragment is spread
    assert prepared.operation is not None or prepared.errors
