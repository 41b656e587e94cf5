"""Messages of graphql-transport-ws: how those of a client are read, and those of a server framed."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.engine_port import GraphQLRequest, LiveResult
from api.graphql_errors import Refused
from api.graphql_request import MAX_BODY_BYTES, json_object, request_from_payload

TEXT, FRAME = "text", "frame"
KEPT_FRAMES = 16
FINAL_TEXT = 0x81


@dataclass(frozen=True, slots=True)
class Close(Exception):
    """How a socket ends: a code of the protocol and a reason of at most 123 bytes."""

    code: int
    reason: str


def next_text(result: LiveResult, identity: str) -> str:
    """Of one result made once for each id that subscribers gave it: most clients count from 1."""
    text = result.framed.get((TEXT, identity))
    if not isinstance(text, str):
        text = f'{{"type":"next","id":{json.dumps(identity)},"payload":{result.body.decode()}}}'
        if len(result.framed) < KEPT_FRAMES:
            result.framed[TEXT, identity] = text
    return text


def next_frame(result: LiveResult, identity: str) -> bytes:
    """The same with the head of a WebSocket frame."""
    frame = result.framed.get((FRAME, identity))
    if not isinstance(frame, bytes):
        frame = text_frame(next_text(result, identity).encode())
        if len(result.framed) < KEPT_FRAMES:
            result.framed[FRAME, identity] = frame
    return frame


def text_frame(payload: bytes) -> bytes:
    """As a server sends it: whole and not masked (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", FINAL_TEXT, length) + payload
    if length < 65536:
        return struct.pack("!BBH", FINAL_TEXT, 126, length) + payload
    return struct.pack("!BBQ", FINAL_TEXT, 127, length) + payload


def read_message(message: Mapping[str, Any]) -> dict[str, Any]:
    text = message.get("text")
    if text is None:
        raise Close(4400, "Send text, not binary")
    if len(text) > MAX_BODY_BYTES:
        raise Close(1009, "Message too large")
    try:
        value = json_object(text.encode("utf-8", "surrogatepass"), "The message")
    except Refused as refused:
        raise Close(4400, refused.message) from None
    if not isinstance(value.get("type"), str):
        raise Close(4400, "A message needs a type")
    return value


def read_subscribe(message: Mapping[str, Any]) -> GraphQLRequest:
    payload = message.get("payload")
    if not isinstance(payload, dict):
        raise Close(4400, "subscribe needs a payload")
    try:
        return request_from_payload(payload, raw=spelled(payload))
    except Refused as refused:
        raise Close(4400, refused.message[:120]) from None


def spelled(payload: Mapping[str, Any]) -> bytes:
    """Stands for the bytes of a body; begins as none does."""
    return b"ws:" + json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def operation_id(message: Mapping[str, Any]) -> str:
    identity = message.get("id")
    if not isinstance(identity, str) or not identity or len(identity) > 128:
        raise Close(4400, "A message needs an id")
    return identity


def optional_object(message: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = message.get(name)
    if value is not None and not isinstance(value, dict):
        raise Close(4400, f"{name} must be an object")
    return value


def token_in(payload: Mapping[str, Any]) -> str | None:
    """Clients write the header's name as they like; a bare token is taken as a bearer token."""
    found = next((value for key, value in payload.items() if key.lower() == "authorization"), None)
    if not isinstance(found, str) or not found.strip():
        return None
    return found if " " in found.strip() else f"Bearer {found.strip()}"
