"""One connection as bytes: answers come whole, in their order, whichever way they are made."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from live_server import OPERATOR, Running, running, toy_parts
from small_engine import SmallEngine

from api.engine_port import GraphQLAnswer, Tell
from api.http_protocol import HeadWithBody
from domain.privacy.viewer import Viewer

KEPT = b'{"query":"query Kept { hello }"}'
MADE = b'{"query":"{ hello }"}'


class Hesitating(SmallEngine):
    """Tells what is kept when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Any] = []
        self.kept[KEPT, OPERATOR.role] = GraphQLAnswer(body=b'{"data":"kept"}', operation_name="Kept")

    def recall(self, raw: bytes, viewer: Viewer, tell: Tell) -> None:
        self.waiting.append(lambda: tell(self.kept.get((raw, viewer.role))))

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            while not self.waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        return self.waiting.pop(0)


@asynccontextmanager
async def connected(engine: SmallEngine) -> AsyncIterator[tuple[Running, Any, Any]]:
    async with running(toy_parts(engine=engine)) as api:
        host, port = api.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield api, reader, writer
        finally:
            writer.close()


def request(api: Running, body: bytes, *more: str) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "host: here", "content-type: application/json"]
    lines += [f"authorization: {api.bearer()}", f"content-length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode() + body


async def next_answer(reader: Any) -> tuple[bytes, dict[str, str], Any]:
    async with asyncio.timeout(5):
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        return status, headers, json.loads(await reader.readexactly(int(headers["content-length"])))


def keeping() -> SmallEngine:
    engine = SmallEngine()
    engine.kept[KEPT, OPERATOR.role] = GraphQLAnswer(body=b'{"data":"kept"}', operation_name="Kept")
    return engine


async def test_requests_sent_together_are_answered_in_their_order() -> None:
    async with connected(keeping()) as (api, reader, writer):
        bodies = [KEPT, MADE, KEPT, KEPT, MADE]
        writer.write(b"".join(request(api, body) for body in bodies))
        found = [(await next_answer(reader))[2]["data"] for _ in bodies]

    hello = {"hello": "Hello world"}
    assert found == ["kept", hello, "kept", "kept", hello]


async def test_a_body_that_comes_in_parts_is_answered_all_the_same() -> None:
    async with connected(keeping()) as (api, reader, writer):
        sent = request(api, KEPT)
        for part in (sent[:40], sent[40:-10], sent[-10:]):
            writer.write(part)
            await asyncio.sleep(0.02)
        assert (await next_answer(reader))[2] == {"data": "kept"}


async def test_a_client_that_asks_first_whether_to_send_its_body_is_told_to() -> None:
    async with connected(keeping()) as (api, reader, writer):
        sent = request(api, KEPT, "expect: 100-continue")
        writer.write(sent[: -len(KEPT)])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(KEPT)
        assert (await next_answer(reader))[2] == {"data": "kept"}


async def test_a_connection_that_is_to_be_closed_is() -> None:
    async with connected(keeping()) as (api, reader, writer):
        writer.write(request(api, KEPT, "connection: close"))
        _, headers, found = await next_answer(reader)
        assert (headers["connection"], found) == ("close", {"data": "kept"})
        assert await reader.read() == b""


async def test_what_is_told_later_keeps_its_place() -> None:
    engine = Hesitating()
    async with connected(engine) as (api, reader, writer):
        writer.write(request(api, KEPT) + request(api, MADE))
        tell = await engine.next()
        await asyncio.sleep(0.02)
        tell()
        assert (await next_answer(reader))[2] == {"data": "kept"}
        assert (await next_answer(reader))[2] == {"data": {"hello": "Hello world"}}


async def test_what_turns_out_not_to_be_kept_is_made() -> None:
    engine = Hesitating()
    async with connected(engine) as (api, reader, writer):
        writer.write(request(api, MADE))
        (await engine.next())()
        assert (await next_answer(reader))[2] == {"data": {"hello": "Hello world"}}


async def test_who_left_meanwhile_is_told_nothing_and_others_are() -> None:
    engine = Hesitating()
    async with connected(engine) as (api, _, writer):
        writer.write(request(api, KEPT))
        tell = await engine.next()
        writer.transport.abort()
        await asyncio.sleep(0.02)
        tell()

        host, port = api.url.removeprefix("http://").split(":")
        reader, other = await asyncio.open_connection(host, int(port))
        other.write(request(api, KEPT))
        (await engine.next())()
        assert (await next_answer(reader))[2] == {"data": "kept"}
        other.close()


async def test_a_server_that_ends_meanwhile_answers_and_closes() -> None:
    engine = Hesitating()
    async with connected(engine) as (api, reader, writer):
        writer.write(request(api, KEPT))
        tell = await engine.next()
        api.server.should_exit = True
        await asyncio.sleep(0.3)
        tell()
        _, headers, found = await next_answer(reader)
        assert (headers["connection"], found) == ("close", {"data": "kept"})
        assert await reader.read() == b""


class Written:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.is_closed = False

    def write(self, part: bytes) -> None:
        self.parts.append(part)

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.parts.append(b"".join(parts))

    def close(self) -> None:
        self.is_closed = True


def test_a_head_leaves_with_what_follows_it_or_with_the_end() -> None:
    whole, broken_off = Written(), Written()
    first, second = HeadWithBody(whole), HeadWithBody(broken_off)  # type: ignore[arg-type]
    for part in (b"head ", b"body", b"more"):
        first.write(part)
    second.write(b"head")
    assert broken_off.parts == []
    second.close()

    assert whole.parts == [b"head body", b"more"]
    assert (broken_off.parts, broken_off.is_closed) == ([b"head"], True)
