import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.engine_port import GraphQLRequest
from api.graphql_errors import Refused
from api.graphql_request import request_from_body, request_from_parameters
from api.media_types import DATA, DATA_OR_PAGE, EVENT_STREAM, GRAPHQL_RESPONSE, HTML, JSON, is_json, preferred

SHORT = st.text(max_size=8)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | SHORT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHORT, inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_worded_refusal(body: bytes) -> None:
    for read in (request_from_body, request_from_parameters):
        try:
            assert isinstance(read(body), GraphQLRequest)
        except Refused as refused:
            assert (refused.status, refused.code) == (400, "BAD_USER_INPUT")  # noqa: PT017


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of ours
@given(
    st.fixed_dictionaries({}, optional={"query": ANY_JSON, "variables": ANY_JSON, "operationName": ANY_JSON})
)
def test_any_json_is_a_request_or_a_worded_refusal(payload: dict[str, Any]) -> None:
    try:
        request = request_from_body(json.dumps(payload).encode())
        assert isinstance(request.query, str)
    except Refused as refused:
        assert refused.status == 400  # noqa: PT017


def test_parameters_carry_variables_as_json_text() -> None:
    request = request_from_parameters(b"query=%7Ba%7D&variables=%7B%22n%22%3A1%7D&operationName=&ignored=1")

    assert (request.query, request.variables, request.operation_name) == ("{a}", {"n": 1}, None)


@pytest.mark.parametrize(
    ("accept", "offered", "best"),
    [
        (None, DATA, JSON),
        ("", DATA, JSON),
        ("*/*", DATA, JSON),
        ("application/*", DATA, JSON),
        ("application/graphql-response+json", DATA, GRAPHQL_RESPONSE),
        ("application/graphql-response+json, application/json;q=0.9", DATA, GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.5, application/json", DATA, JSON),
        ("application/graphql-response+json; charset=utf-8, */*", DATA, GRAPHQL_RESPONSE),
        ("text/event-stream", DATA, EVENT_STREAM),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", DATA_OR_PAGE, HTML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", DATA, JSON),
        ("*/*;q=0.1, application/json;q=0", DATA, GRAPHQL_RESPONSE),
        ("image/png", DATA, None),
        ("application/json;q=nonsense", DATA, None),
    ],
)
def test_the_client_gets_what_it_likes_best(
    accept: str | None, offered: tuple[str, ...], best: str | None
) -> None:
    assert preferred(accept, offered) == best


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ('application/json; charset="utf-8"', True),
        ("application/json; charset=latin-1", False),
        ("application/jsonx", False),
        ("text/plain, application/json", False),
        (None, False),
    ],
)
def test_only_json_itself_is_json(content_type: str | None, expected: bool) -> None:
    assert is_json(content_type) is expected
