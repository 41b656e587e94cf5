"""A cheap HTTP/1.1 client that keeps a number of connections busy and notes how long each answer took."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
CHUNKED = b"transfer-encoding: chunked"
LENGTH = b"content-length:"
LAST_CHUNK = b"0\r\n\r\n"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where POST requests go. `headers`: more of them, such as a token."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()

    def request(self, body: bytes) -> bytes:
        address = urlsplit(self.url)
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        head = (
            f"POST {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/json\r\n"
            f"accept: application/json\r\n{more}content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(slots=True)
class Turn:
    """What one server did while it was its turn. `latencies` in seconds, one a request.

    `failed`: how many of the answers say that something in them failed.
    """

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: int = 0


class HttpFault(Exception):
    """A status other than 200, or an answer that did not come."""


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        body = whole_body(self._received)
        if body is not None and self._answer and not self._answer.done():
            status = self._received[9:12]
            fault = None if status == b"200" else HttpFault(f"{status.decode()}: {body[:500]!r}")
            self._received = b""
            self._finish(body, fault)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._finish(b"", HttpFault(f"The server closed the connection: {exc}"))

    async def ask(self, request: bytes) -> bytes:
        """The body of the answer. Raises HttpFault."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    def _finish(self, body: bytes, fault: HttpFault | None) -> None:
        assert self._answer is not None
        if fault:
            self._answer.set_exception(fault)
        else:
            self._answer.set_result(body)


def whole_body(received: bytes) -> bytes | None:
    """The body of a response that has arrived whole; chunks are left as they came."""
    end = received.find(HEAD_END)
    if end < 0:
        return None
    head, body = received[:end].lower(), received[end + len(HEAD_END) :]
    if CHUNKED in head:
        return body if body.endswith(LAST_CHUNK) else None
    length = int(head.partition(LENGTH)[2].partition(b"\r\n")[0])
    return body if len(body) >= length else None


async def drive(target: Target, bodies: Iterator[bytes], *, connections: int, seconds: float) -> Turn:
    """Every connection asks again as soon as it has its answer, until the time is over."""
    turn = Turn()
    open_connections = [await connect(target) for _ in range(connections)]
    started = time.perf_counter()

    async def keep_busy(connection: Connection) -> None:
        while (asked := time.perf_counter()) - started < seconds:
            answer = await connection.ask(target.request(next(bodies)))
            turn.latencies.append(time.perf_counter() - asked)
            turn.failed += b'"errors":' in answer

    try:
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            await asyncio.gather(*map(keep_busy, open_connections))
    finally:
        for connection in open_connections:
            connection.close()
    turn.seconds = time.perf_counter() - started
    return turn


async def ask_once(target: Target, body: bytes) -> bytes:
    connection = await connect(target)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return unchunked(await connection.ask(target.request(body)))
    finally:
        connection.close()


async def connect(target: Target) -> Connection:
    address = urlsplit(target.url)
    loop = asyncio.get_running_loop()
    assert address.hostname
    assert address.port
    _, connection = await loop.create_connection(Connection, address.hostname, address.port)
    return connection


def unchunked(body: bytes) -> bytes:
    """JSON begins with a brace: what does not is cut in chunks."""
    if body.startswith(b"{"):
        return body
    whole = bytearray()
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        whole += rest[:length]
        body = rest[length + 2 :]
    return bytes(whole)
