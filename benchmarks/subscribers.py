"""Thousands of subscribers in one process, each a bare socket that counts messages instead of parsing them.

Run as `python -m benchmarks.subscribers HOST PORT`, with one line of standard input that says how many, to what
and as whom: `{"subscribers": 1000, "query": "subscription …", "token": "…"}`. It answers `{"subscribed": 1000}`
when the server has them all. Each further line `{"seconds": 30}` waits for one message to everybody and answers
when the first and the last came, in `time.perf_counter` seconds, which all processes of a machine share.
"""

import asyncio
import base64
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

TOGETHER = 100
FINAL_TEXT = 0x81
PING, PONG = 0x89, 0x8A
MASKED = 0x80
SHORT, MEDIUM, LONG = 126, 126, 127
HEAD_END = b"\r\n\r\n"
UPGRADE = (
    "GET /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
    "Sec-WebSocket-Key: {key}\r\n\r\n"
)


@dataclass(slots=True)
class Count:
    """Of messages with results since it was reset."""

    messages: int = 0
    first: float = 0.0
    last: float = 0.0
    wanted: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self, wanted: int) -> None:
        self.messages, self.first, self.last, self.wanted = 0, 0.0, 0.0, wanted
        self.complete.clear()

    def add(self) -> None:
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.messages += 1
        if self.messages == self.wanted:
            self.complete.set()


class Subscriber(asyncio.Protocol):
    """Upgrades, says hello, subscribes; a ping behind it is answered when the server has taken it."""

    def __init__(self, opening: list[bytes], count: Count) -> None:
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._upgrade, self._init, self._subscribe = opening
        self._count = count
        self._buffer = b""
        self._is_open = False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(self._upgrade)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError(f"closed before it was subscribed: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open and not self._opened():
            return
        while (found := next_frame(self._buffer)) is not None:
            kind, payload, self._buffer = found
            if kind == PING:  # the server ends who does not answer
                self._write(bytes([PONG, MASKED | len(payload)]) + bytes(4) + payload)
            else:
                self._take(payload)

    def _opened(self) -> bool:
        head, end, rest = self._buffer.partition(HEAD_END)
        if not end:
            return False
        if b" 101 " not in head[:20]:
            self.subscribed.set_exception(ConnectionError(head[:200].decode(errors="replace")))
            return False
        self._is_open, self._buffer = True, rest
        self._write(self._init)
        return True

    def _take(self, payload: bytes) -> None:
        if b'"next"' in payload[:40]:
            self._count.add()
        elif b"connection_ack" in payload:
            self._write(self._subscribe)
        elif b'"pong"' in payload:
            self.subscribed.set_result(None)
        elif b'"error"' in payload and not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError(payload[:500].decode(errors="replace")))

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def next_frame(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """The first byte and the payload of the first whole frame of a server, and what follows it."""
    if len(buffer) < 2:
        return None
    length, at = buffer[1], 2
    if length == MEDIUM:
        length, at = int.from_bytes(buffer[2:4], "big"), 4
    elif length == LONG:
        length, at = int.from_bytes(buffer[2:10], "big"), 10
    if len(buffer) < at + length:
        return None
    return buffer[0], buffer[at : at + length], buffer[at + length :]


def frame(message: dict[str, Any]) -> bytes:
    """As a client sends it; with a mask of zeros, which changes nothing."""
    payload = json.dumps(message).encode()
    if len(payload) < SHORT:
        return bytes([FINAL_TEXT, MASKED | len(payload)]) + bytes(4) + payload
    return bytes([FINAL_TEXT, MASKED | MEDIUM]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def opening_of(host: str, port: int, asked: dict[str, Any]) -> list[bytes]:
    key = base64.b64encode(os.urandom(16)).decode()
    payload = {"authorization": f"Bearer {asked['token']}"}
    subscribe = {"id": "1", "type": "subscribe", "payload": {"query": asked["query"]}}
    return [
        UPGRADE.format(host=host, port=port, key=key).encode(),
        frame({"type": "connection_init", "payload": payload}),
        frame(subscribe) + frame({"type": "ping"}),
    ]


async def subscribe_all(host: str, port: int, asked: dict[str, Any], count: Count) -> None:
    loop = asyncio.get_running_loop()
    opening = opening_of(host, port, asked)
    for start in range(0, asked["subscribers"], TOGETHER):
        number = min(TOGETHER, asked["subscribers"] - start)
        connecting = (
            loop.create_connection(lambda: Subscriber(opening, count), host, port) for _ in range(number)
        )
        made = await asyncio.gather(*connecting)
        await asyncio.gather(*(subscriber.subscribed for _, subscriber in made))


async def main(host: str, port: int) -> None:
    count = Count()
    asked = json.loads(await asyncio.to_thread(sys.stdin.readline))
    await subscribe_all(host, port, asked, count)
    say({"subscribed": asked["subscribers"]})
    count.reset(asked["subscribers"])
    while line := await asyncio.to_thread(sys.stdin.readline):
        with suppress(TimeoutError):
            await asyncio.wait_for(count.complete.wait(), json.loads(line)["seconds"])
        say({"messages": count.messages, "first": count.first, "last": count.last})
        count.reset(asked["subscribers"])


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
