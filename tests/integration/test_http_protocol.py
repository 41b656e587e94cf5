"""One connection as bytes: answers come whole, in their order, whichever way they are made."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from live_server import OPERATOR, Running, running, toy_parts
from small_engine import SmallEngine
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from api.auth import Tokens
from api.engine_port import GraphQLAnswer, Tell
from api.http_protocol import HeadWithBody
from api.plain_posts import Answering, PlainPosts
from domain.privacy.viewer import Viewer

KEPT = b'{"query":"query Kept { hello }"}'
MADE = b'{"query":"{ hello }"}'
HELLO = {"hello": "Hello world"}


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


@cache
def bearer(tokens: Tokens) -> str:
    """The same each time, as clients send it."""
    return f"Bearer {tokens.sign(OPERATOR, timedelta(hours=1))}"


def request(api: Running, body: bytes, *more: str) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "host: here", "content-type: application/json"]
    lines += [f"authorization: {bearer(api.parts.tokens)}", f"content-length: {len(body)}", *more, "", ""]
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


# --- a head that came before ------------------------------------------------------------------------------


async def asked_again(api: Running, engine: Hesitating, reader: Any, writer: Any, body: bytes) -> Any:
    """The second request has a known head, and waits for what is returned to be called."""
    writer.write(request(api, body))
    (await engine.next())()
    await next_answer(reader)
    writer.write(request(api, body))
    return await engine.next()


@pytest.fixture
def admitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the heads that were read."""
    seen: list[str] = []
    admit = PlainPosts.admit

    def noting(posts: PlainPosts, scope: Any) -> Any:
        seen.append(scope["path"])
        return admit(posts, scope)

    monkeypatch.setattr(PlainPosts, "admit", noting)
    return seen


async def test_a_head_is_read_once_a_connection(admitted: list[str]) -> None:
    async with connected(keeping()) as (api, reader, writer):
        for body, data in ((KEPT, "kept"), (MADE, HELLO), (KEPT, "kept"), (MADE, HELLO), (MADE, HELLO)):
            writer.write(request(api, body))
            assert (await next_answer(reader))[2]["data"] == data
        assert admitted == ["/graphql"] * 2  # one for each length


async def test_a_head_that_names_its_request_is_read_each_time(admitted: list[str]) -> None:
    async with connected(SmallEngine()) as (api, reader, writer):
        for name in ("one", "two", "two"):
            writer.write(request(api, MADE, f"x-request-id: {name}"))
            assert (await next_answer(reader))[1]["x-request-id"] == name
        assert len(admitted) == 3


async def test_each_answer_to_a_known_head_has_an_id_of_its_own() -> None:
    async with connected(SmallEngine()) as (api, reader, writer):
        found = set()
        for _ in range(4):
            writer.write(request(api, MADE))
            found.add((await next_answer(reader))[1]["x-request-id"])
        assert len(found) == 4


async def test_a_token_that_ends_is_refused_with_its_known_head(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(SmallEngine()) as (api, reader, writer):
        for _ in range(2):
            writer.write(request(api, MADE))
            assert (await next_answer(reader))[0] == "HTTP/1.1 200 OK"
        monkeypatch.setattr(api.parts.tokens, "_clock", lambda: time.time() + 7200)
        writer.write(request(api, MADE))
        assert (await next_answer(reader))[0] == "HTTP/1.1 401 Unauthorized"
        assert len(api.engine.seen) == 2


async def test_a_known_request_inside_the_body_of_another_is_a_part_of_that_body() -> None:
    async with connected(SmallEngine()) as (api, reader, writer):
        known = request(api, MADE)
        writer.write(known)
        assert (await next_answer(reader))[2]["data"] == HELLO
        whole = b'{"query":"{ role }","note":"' + json.dumps(known.decode())[1:-1].encode() + b'"}'
        outer = request(api, b" " * len(known) + whole)
        writer.write(outer[: -len(known) - len(whole)])
        await asyncio.sleep(0.02)
        writer.write(known)
        await asyncio.sleep(0.02)
        writer.write(whole)
        status, _, found = await next_answer(reader)
        assert (status, found["errors"][0]["message"][:8]) == ("HTTP/1.1 400 Bad Request", "The body")
        assert [seen.query for seen in api.engine.seen] == ["{ hello }"]


async def test_the_end_of_a_head_is_no_head() -> None:
    async with connected(SmallEngine()) as (api, reader, writer):
        sent = request(api, MADE)
        for part in (sent[:30], sent[30:]):
            writer.write(part)
            await asyncio.sleep(0.02)
        assert (await next_answer(reader))[2]["data"] == HELLO
        writer.write(sent[30:])
        assert (await reader.readline()) == b"HTTP/1.1 400 Bad Request\r\n"


async def test_a_known_head_whose_body_comes_late_is_answered_when_it_has_come() -> None:
    async with connected(SmallEngine()) as (api, reader, writer):
        for cut in (0, 5, len(MADE)):
            sent = request(api, MADE)
            writer.write(sent[: len(sent) - cut])
            await asyncio.sleep(0.02)
            writer.write(sent[len(sent) - cut :])
            assert (await next_answer(reader))[2]["data"] == HELLO
        assert len(api.engine.seen) == 3


async def test_what_comes_behind_a_known_request_waits_for_its_answer() -> None:
    engine = Hesitating()
    async with connected(engine) as (api, reader, writer):
        tell = await asked_again(api, engine, reader, writer, KEPT)
        writer.write(request(api, MADE) + request(api, KEPT))
        await asyncio.sleep(0.02)
        tell()
        assert (await next_answer(reader))[2] == {"data": "kept"}
        (await engine.next())()
        assert (await next_answer(reader))[2]["data"] == HELLO
        assert (await next_answer(reader))[2] == {"data": "kept"}


async def test_a_mutation_with_a_known_head_runs_once_each_time() -> None:
    body = b'{"query":"mutation { add(number: 1) }"}'
    async with connected(SmallEngine()) as (api, reader, writer):
        for number in (1, 2, 3):
            writer.write(request(api, body))
            assert (await next_answer(reader))[2] == {"data": {"add": number}}


async def test_what_is_no_request_is_refused_with_a_known_head_too() -> None:
    async with connected(SmallEngine()) as (api, reader, writer):
        for body in (b"{}", b"[]", b"{}"):
            writer.write(request(api, body))
            assert (await next_answer(reader))[0] == "HTTP/1.1 400 Bad Request"


async def test_a_client_that_leaves_a_known_request_stops_its_query() -> None:
    slow = "{ slow(seconds: 30) }"
    quick = "{ hello }".ljust(len(slow))
    async with connected(SmallEngine()) as (api, reader, writer):
        writer.write(request(api, json.dumps({"query": quick}).encode()))
        assert (await next_answer(reader))[2]["data"] == HELLO
        writer.write(request(api, json.dumps({"query": slow}).encode()))
        await until(lambda: len(api.engine.seen) == 2)
        writer.transport.abort()
        await until(lambda: api.engine.root.stopped == ["slow"])


async def test_who_leaves_before_the_caches_have_told_asks_nothing() -> None:
    engine = Hesitating()
    async with connected(engine) as (api, reader, writer):
        tell = await asked_again(api, engine, reader, writer, MADE)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        tell()
        await asyncio.sleep(0.05)
        assert len(engine.seen) == 1


async def test_a_server_that_ends_answers_a_known_request_and_closes() -> None:
    engine = Hesitating()
    async with connected(engine) as (api, reader, writer):
        tell = await asked_again(api, engine, reader, writer, KEPT)
        api.server.should_exit = True
        await asyncio.sleep(0.3)
        tell()
        _, headers, found = await next_answer(reader)
        assert (headers["connection"], found) == ("close", {"data": "kept"})
        assert await reader.read() == b""


async def test_what_was_answered_is_forgotten_without_the_collector() -> None:
    async with connected(keeping()) as (api, reader, writer):
        writer.write(request(api, MADE))
        await next_answer(reader)
        gc.collect()
        gc.disable()
        try:
            for body in (KEPT, MADE) * 10:
                writer.write(request(api, body, "x-request-id: read-each-time"))
                await next_answer(reader)
                writer.write(request(api, body))
                await next_answer(reader)
            await asyncio.sleep(0.02)
            left = [one for one in gc.get_objects() if isinstance(one, RequestResponseCycle | Answering)]
        finally:
            gc.enable()
    assert len(left) <= 2, "the newest of the connection, and what it asks"


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


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
