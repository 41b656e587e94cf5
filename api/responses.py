"""Answers as ASGI messages, with the headers that every answer of ours carries."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

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


async def send_whole(send: Send, status: int, media: str, body: bytes, extra: HeaderLines = ()) -> None:
    """One answer in two messages; `extra` comes after the guards."""
    content_type = CONTENT_TYPES.get(media) or media.encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", content_type), (b"content-length", length), *GUARDS, *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
