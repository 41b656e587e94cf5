"""GraphQL over SSE, distinct connections mode: one request, one stream, resumable by Last-Event-ID."""

import asyncio
import time
from contextlib import aclosing, suppress

from api.engine_port import LiveResult, OperationKind, OperationRefused
from api.graphql_errors import errors_body, graphql_error
from api.operations import Asked, Edge, execute, stop, subscribe
from api.responses import CONTENT_TYPES, GUARDS, Receive, Send, WriteNow

KEEP_ALIVE_SECONDS = 12.0
SSE = "sse", ""
COMPLETE = b"event: complete\ndata:\n\n"
KEEP_ALIVE = b":\n\n"
COME_BACK = b"retry: 1000\n: SERVER_SHUTDOWN, come back with the last id\n\n"


class EventStream:
    """One open stream. It ends without `complete` when the client should come back by itself."""

    def __init__(self, edge: Edge, asked: Asked, send: Send, write_now: WriteNow | None = None) -> None:
        self.expires_at = asked.verified.expires_at
        self.stuck_since: float | None = None
        self._edge = edge
        self._asked = asked
        self._send = send
        self._write_now = write_now
        self._last_words = b""
        self._work: asyncio.Task[None] | None = None

    def expire(self) -> None:
        error = graphql_error("UNAUTHENTICATED", "The token has expired; come back with a new one.")
        self._end(next_event(LiveResult(errors_body([error]))) + COMPLETE)

    def give_up(self) -> None:
        self._end(b"")

    def come_back_later(self) -> None:
        self._end(COME_BACK)

    def _end(self, last_words: bytes) -> None:
        self._last_words = last_words
        if self._work:
            self._work.cancel()

    async def run(self, kind: OperationKind | None, receive: Receive) -> None:
        self._work = asyncio.create_task(self._write_all(kind))
        leaving = asyncio.create_task(_until_left(receive))
        breathing = asyncio.create_task(self._keep_alive())
        self._edge.connections.add(self)
        try:
            await asyncio.wait({self._work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            left = leaving.done()
            await stop([leaving, breathing, self._work])
            if not left:
                await self._say_last_words()
        finally:
            self._edge.connections.remove(self)  # last: the process ends when no connection is left
            await stop([leaving, breathing, self._work])

    async def _say_last_words(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._send({"type": "http.response.body", "body": self._last_words, "more_body": False})

    async def _write_all(self, kind: OperationKind | None) -> None:
        await self._start()
        if kind is OperationKind.SUBSCRIPTION:
            await self._write_results()
        else:
            outcome = await execute(self._edge, self._asked, kind)
            await self._write(next_event(LiveResult(outcome.answer.body)))
        await self._write(COMPLETE)

    async def _write_results(self) -> None:
        try:
            take = None if self._write_now is None else self._take_now
            async with aclosing(subscribe(self._edge, self._asked, take)) as results:
                async for result in results:
                    await self._write(next_event(result))
        except OperationRefused as refused:
            await self._write(next_event(LiveResult(errors_body(refused.errors))))

    def _take_now(self, result: LiveResult) -> bool:
        return self._write_now is not None and self._write_now(next_event(result))

    async def _keep_alive(self) -> None:
        """A line without meaning, so that proxies do not take silence for death."""
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            await self._send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})

    async def _start(self) -> None:
        headers = [
            (b"content-type", CONTENT_TYPES["text/event-stream"]),
            *GUARDS,
            (b"x-accel-buffering", b"no"),
            (b"x-request-id", self._asked.caller.request_id.encode()),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(KEEP_ALIVE)

    async def _write(self, text: bytes) -> None:
        self.stuck_since = time.monotonic()
        await self._send({"type": "http.response.body", "body": text, "more_body": True})
        self.stuck_since = None


async def stream(
    edge: Edge,
    asked: Asked,
    kind: OperationKind | None,
    receive: Receive,
    send: Send,
    write_now: WriteNow | None,
) -> None:
    await EventStream(edge, asked, send, write_now).run(kind, receive)


def next_event(result: LiveResult) -> bytes:
    """In JSON a raw line break is only space between tokens, so one `data:` line can carry it."""
    text = result.framed.get(SSE)
    if not isinstance(text, bytes):
        identity = b"" if result.event_id is None else b"id: " + result.event_id.encode() + b"\n"
        data = b" ".join(result.body.splitlines())
        text = result.framed[SSE] = b"event: next\n" + identity + b"data: " + data + b"\n\n"
    return text


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
