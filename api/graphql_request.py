"""Bytes and parameters to a GraphQLRequest: checks the shape of what came in, never its meaning."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from api.engine_port import GraphQLRequest
from api.graphql_errors import Refused

MAX_BODY_BYTES = 256 * 1024
PARAMETERS = {"query", "operationName", "variables", "extensions"}


def bad_request(message: str) -> Refused:
    return Refused(400, "BAD_USER_INPUT", message)


def request_from_body(body: bytes) -> GraphQLRequest:
    payload = json_object(body, "The body")
    return request_from_payload(payload, raw=body)


def request_from_parameters(query_string: bytes) -> GraphQLRequest:
    """GET: `variables` and `extensions` are JSON text. A question mark may come first."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii").removeprefix("?"),
            keep_blank_values=True,
            max_num_fields=20,
            errors="strict",
        )
    except ValueError:
        raise bad_request("The query string is not URL-encoded UTF-8.") from None
    payload: dict[str, Any] = {name: value for name, value in pairs if name in PARAMETERS}
    for name in ("variables", "extensions"):
        if payload.get(name):
            payload[name] = json_object(payload[name].encode(), f"Parameter `{name}`")
        else:
            payload.pop(name, None)
    if payload.get("operationName") == "":
        del payload["operationName"]
    return request_from_payload(payload, raw=query_string)


def request_from_payload(payload: Mapping[str, Any], raw: bytes = b"") -> GraphQLRequest:
    query = payload.get("query")
    if not isinstance(query, str) or not query:
        raise bad_request("Give the operation as a string in `query`.")
    name = payload.get("operationName")
    if name is not None and not isinstance(name, str):
        raise bad_request("`operationName` must be a string.")
    return GraphQLRequest(
        query=query,
        operation_name=name,
        variables=_optional_object(payload, "variables"),
        extensions=_optional_object(payload, "extensions"),
        raw=raw,
    )


def json_object(text: bytes, what: str) -> dict[str, Any]:
    """Refuses what JSON or UTF-8 do not allow, also NaN, single surrogates and nesting without end."""
    try:
        value = read_json(text.decode("utf-8"))
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise bad_request(f"{what} is not valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise bad_request(f"{what} must be one JSON object.")
    return value


def _optional_object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = payload.get(name)
    if value is not None and not isinstance(value, dict):
        raise bad_request(f"`{name}` must be a JSON object.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


read_json = json.JSONDecoder(parse_constant=_refuse_constant).decode
"""Made once: `json.loads` makes a decoder for each call with options."""
