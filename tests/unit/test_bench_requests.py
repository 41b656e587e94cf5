import json
from itertools import islice

import pytest
from graphql import parse, validate

from benchmarks.http_load import Target, unchunked, whole_body
from benchmarks.operations import CUSTOMER_LIST, EXAMPLE, IMPERSONAL, TINY, WHOLE_CUSTOMER, Dialect, Operation
from resolvers.schema import schema

OPERATIONS = (WHOLE_CUSTOMER, IMPERSONAL, CUSTOMER_LIST, TINY, EXAMPLE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.words)
def test_every_operation_is_valid_in_our_schema(operation: Operation) -> None:
    assert validate(schema._schema, parse(operation.text(Dialect.OURS))) == []


@pytest.mark.parametrize("operation", [WHOLE_CUSTOMER, CUSTOMER_LIST, TINY], ids=lambda one: one.words)
def test_every_dialect_is_asked_for_the_same_customers(operation: Operation) -> None:
    ours, theirs = (
        [json.loads(body)["variables"] for body in islice(bodies, 3)]
        for bodies in (operation.bodies(range(1, 200), dialect, seed=3) for dialect in Dialect)
    )

    assert json.loads(json.dumps(ours).replace("cus_", "")) == theirs
    assert len({str(variables) for variables in ours}) == 3


def test_a_body_made_by_hand_is_the_body_that_is_generated() -> None:
    made = json.loads(next(CUSTOMER_LIST.bodies(range(1, 51), Dialect.OURS, seed=1)))
    ids = [int(one.removeprefix("cus_")) for one in made["variables"]["ids"]]

    assert sorted(ids) == list(range(1, 51))
    assert made == json.loads(CUSTOMER_LIST.body(ids, Dialect.OURS))


def test_a_request_carries_its_length_and_token() -> None:
    head, _, body = (
        Target("http://127.0.0.1:80/graphql", (("authorization", "Bearer x"),))
        .request(b"{}")
        .partition(b"\r\n\r\n")
    )

    assert head.startswith(b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:80\r\n")
    assert b"authorization: Bearer x\r\n" in head
    assert head.endswith(b"content-length: 2")
    assert body == b"{}"


@pytest.mark.parametrize(
    ("words", "received", "body"),
    [
        ("half a head", HEAD, None),
        ("half a body", HEAD + b"Content-Length: 4\r\n\r\n{}", None),
        ("a whole body", HEAD + b"content-length: 2\r\n\r\n{}", b"{}"),
        ("half of the chunks", HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", None),
        (
            "all chunks",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
            b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        ),
    ],
)
def test_a_response_is_whole_when_its_last_byte_is_there(
    words: str, received: bytes, body: bytes | None
) -> None:
    assert whole_body(received) == body


def test_chunks_are_put_together() -> None:
    assert unchunked(b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n') == b'{"a":1}'
    assert unchunked(b'{"a":1}') == b'{"a":1}'
