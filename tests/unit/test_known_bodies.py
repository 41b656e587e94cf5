"""A body whose beginning is known is read as if it were not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.engine_port import GraphQLRequest
from api.graphql_errors import Refused
from api.graphql_request import request_from_body
from api.known_bodies import KnownBodies

QUERY = "query A($id: ID!) { customer(by: { id: $id }) { id } }"
TEXTS = st.text(max_size=12) | st.sampled_from(
    [QUERY, '"variables":', '{"variables":{}}', "\\", '"', "{", "}", ","]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PAYLOADS = st.lists(
    st.tuples(st.just("query"), TEXTS)
    | st.tuples(st.just("operationName"), TEXTS)
    | st.tuples(st.sampled_from(["variables", "extensions"]), st.dictionaries(TEXTS, VALUES, max_size=3))
    | st.tuples(TEXTS, VALUES),
    max_size=5,
)
SPACES = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", ":  ")])


def outcome(read: Any, body: bytes) -> GraphQLRequest | tuple[int, str]:
    try:
        found: GraphQLRequest = read(body)
        return found
    except Refused as refused:
        return refused.status, refused.message


def body_of(members: list[tuple[str, Any]], spaces: tuple[str, str]) -> bytes:
    """Also with a name twice, which JSON allows."""
    comma, colon = spaces
    parts = [json.dumps(name) + colon + json.dumps(value, ensure_ascii=False) for name, value in members]
    return ("{" + comma.join(parts) + "}").encode("utf-8", "surrogatepass")


@given(st.lists(st.tuples(PAYLOADS, SPACES), min_size=1, max_size=6), st.binary(max_size=4))
def test_what_was_read_before_changes_nothing(given_bodies: list[Any], dirt: bytes) -> None:
    known = KnownBodies()
    bodies = [body_of(*one) for one in given_bodies]
    for body in [*bodies, *bodies, *(body + dirt for body in bodies), *(body[:-1] for body in bodies)]:
        assert outcome(known.read, body) == outcome(request_from_body, body)


def test_the_text_is_the_same_object_each_time() -> None:
    known = KnownBodies()
    first, second = (
        known.read(json.dumps({"query": QUERY, "variables": {"id": key}}, separators=(",", ":")).encode())
        for key in ("cus_1", "cus_2")
    )
    third = known.read(
        json.dumps({"query": QUERY, "variables": {"id": "cus_3"}}, separators=(",", ":")).encode()
    )

    assert [one.variables for one in (first, second, third)] == [{"id": f"cus_{n}"} for n in (1, 2, 3)]
    assert third.query is second.query


@pytest.mark.parametrize(
    "tail", [b'{"id":1},"query":"{ other }"}', b'{"id":1}}}', b'{"id":1}', b"[1]}", b"null}"]
)
def test_what_stands_behind_a_known_head_is_the_variables_or_is_parsed_whole(tail: bytes) -> None:
    known, head = KnownBodies(), b'{"query":"{ a }","variables":'
    known.read(head + b'{"id":2}}')

    assert outcome(known.read, head + tail) == outcome(request_from_body, head + tail)


def test_heads_are_bounded_by_bytes() -> None:
    known = KnownBodies(most_bytes=1_000)
    for number in range(100):
        known.read(b'{"query":"{ a%d }","variables":{}}' % number)

    assert known.size <= 1_000
    assert known.size == sum(map(len, known._known))
