"""Answers as ASGI messages, with the headers that every answer of ours carries."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
HeaderLines = tuple[tuple[bytes, bytes], ...]

GUARDS: HeaderLines = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
CONTENT_TYPES = {
    "application/json": b"application/json; charset=utf-8",
    "application/graphql-response+json": b"application/graphql-response+json; charset=utf-8",
    "text/html": b"text/html; charset=utf-8",
    "text/css": b"text/css; charset=utf-8",
    "text/javascript": b"text/javascript; charset=utf-8",
    "text/plain": b"text/plain; charset=utf-8",
    "text/event-stream": b"text/event-stream; charset=utf-8",
}


WRITE_NOW = "c360.write_now"
"""Extension of a scope, where the server has it: `call` writes bytes as they are, if the reader keeps up."""
WriteNow = Callable[[bytes], bool]


def write_now_of(scope: Scope) -> WriteNow | None:
    found = scope.get("extensions", {}).get(WRITE_NOW)
    return found["call"] if found else None


class Ready(NamedTuple):
    """An answer as bytes. `head`: our headers and the empty line, without the status and what the server adds."""

    status: int
    head: bytes
    body: bytes


TellReady = Callable[[Ready | None], None]
READY_HEADS = {media: b"content-type: %b\r\ncontent-length: " % name for media, name in CONTENT_TYPES.items()}
READY_GUARDS = b"".join((b"\r\n", *(b"%b: %b\r\n" % line for line in GUARDS), b"x-request-id: "))


def ready_answer(status: int, media: str, body: bytes, request_id: str) -> Ready:
    """What `send_whole` would send; the id must be checked or our own."""
    length = str(len(body)).encode()
    head = b"".join((READY_HEADS[media], length, READY_GUARDS, request_id.encode(), b"\r\n\r\n"))
    return Ready(status, head, body)


async def send_whole(send: Send, status: int, media: str, body: bytes, extra: HeaderLines = ()) -> None:
    """One answer in two messages; `extra` comes after the guards."""
    content_type = CONTENT_TYPES.get(media) or media.encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", content_type), (b"content-length", length), *GUARDS, *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
