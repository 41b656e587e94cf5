"""A partner's webhook on a port of this machine: keeps what is posted and answers as it is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def answer(status: int, *, before: bytes = b"") -> bytes:
    return before + b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status


@dataclass(frozen=True, slots=True)
class Posted:
    """`line` is the request line; names of headers are in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """`answers(posted)` gives the bytes to send back; None: nothing ever."""

    answers: Callable[[Posted], bytes | None] = lambda _: OK
    posted: list[Posted] = field(default_factory=list)
    url: str = ""
    delay_seconds: float = 0.0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            posted = await read_post(reader)
            self.posted.append(posted)
            await asyncio.sleep(self.delay_seconds)
            if (given := self.answers(posted)) is None:
                await reader.read()  # until the sender has had enough
            else:
                writer.write(given)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    def ids(self) -> list[str]:
        return [posted.json["id"] for posted in self.posted]


async def read_post(reader: asyncio.StreamReader) -> Posted:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    pairs = [line.split(": ", 1) for line in head[1:] if line]
    headers = {name.lower(): value for name, value in pairs}
    return Posted(head[0], headers, await reader.readexactly(int(headers["content-length"])))


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://localhost:{port}/notices?from=c360"
    try:
        yield receiver
    finally:
        server.close()
