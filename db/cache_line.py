"""One connection to Valkey for the hot path: commands of one moment leave in one write, pushes come in between.

A store that is away, slow or silent costs a request ANSWER_SECONDS once: the line goes down, everything that waits
fails with StoreUnavailable, everything after fails at once, and only a probe in the background tries again.
"""

import asyncio
import logging
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import SSLConnection, parse_url

from db.resp3 import Parser, ProtocolFault, Push, Reply, ReplyError, encode
from domain.errors import StoreUnavailable

logger = logging.getLogger("c360.cache")

ANSWER_SECONDS = 0.05
"""A request waits for the cache at most twice."""
CONNECT_SECONDS = 1.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0
MOST_WAITING = 10_000
STORE = "cache"
LOST = (OSError, TimeoutError, ProtocolFault, StoreUnavailable)


def ignore_push(_: Push) -> None:
    """Nothing was asked to be pushed."""


def nothing() -> None:
    """Nobody needs to know."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A command that left: where its reply goes, and when it was given to us."""

    future: "asyncio.Future[Reply]"
    since: float


class Wire(asyncio.Protocol):
    """The bytes of one connection. `on_lost` is called once, whatever ends it."""

    def __init__(
        self, on_push: Callable[[Push], None], on_lost: Callable[["Wire"], None], answer_seconds: float
    ) -> None:
        self._on_push = on_push
        self._on_lost = on_lost
        self._answer_seconds = answer_seconds
        self._parser = Parser()
        self._out: list[bytes] = []
        self._waiting: deque[Waiting] = deque()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.confirmed_at = float("-inf")
        """When the last command was given that has its reply: every push from before it has come."""

    def send(self, command: bytes) -> "asyncio.Future[Reply]":
        """The reply comes as a value, also an error of the server; raises StoreUnavailable when it cannot come."""
        if self._transport is None or len(self._waiting) >= MOST_WAITING:
            raise StoreUnavailable(STORE, "not connected, or too much is waiting")
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(command)
        waiting = Waiting(self._loop.create_future(), time.monotonic())
        self._waiting.append(waiting)
        if self._timer is None:
            self._timer = self._loop.call_later(self._answer_seconds, self._look_at_time)
        return waiting.future

    def end(self, reason: str) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._fail(reason)

    # --- asyncio.Protocol -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            replies = self._parser.feed(data)
            for reply in replies:
                self._take(reply)
        except ProtocolFault as fault:
            self.end(str(fault))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(repr(exc) if exc else "closed by the server")

    # --- inside -----------------------------------------------------------------------------------------

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, Push):
            self._on_push(reply)
            return
        if not self._waiting:
            raise ProtocolFault("a reply that nobody asked for")
        waiting = self._waiting.popleft()
        self.confirmed_at = waiting.since
        if not waiting.future.done():  # who asked may have left; the reply is theirs all the same
            waiting.future.set_result(reply)

    def _flush(self) -> None:
        if self._transport is not None and self._out:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _look_at_time(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        late = time.monotonic() - self._waiting[0].since - self._answer_seconds
        if late >= 0:  # if it was our own loop that stood still, the reply lies in the socket: read first
            self._timer = self._loop.call_later(0.002, self._give_up, self._waiting[0])
        else:
            self._timer = self._loop.call_later(-late, self._look_at_time)

    def _give_up(self, waiting: Waiting) -> None:
        self._timer = None
        if self._waiting and self._waiting[0] is waiting:
            self.end(f"no answer within {self._answer_seconds:g} s")
        else:
            self._look_at_time()

    def _fail(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        was_open, self._transport = self._transport is not None, None
        while self._waiting:
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(StoreUnavailable(STORE, reason))
                future.exception()  # somebody who left does not look at it
        if was_open:
            self._on_lost(self)


@dataclass(slots=True, kw_only=True)
class CacheLine:
    """A wire that is kept up by `run`. With `tracked` the server pushes which keys of that prefix change."""

    url: str
    tracked: bytes | None = None
    on_push: Callable[[Push], None] = ignore_push
    on_up: Callable[[], None] = nothing
    on_down: Callable[[], None] = nothing
    answer_seconds: float = ANSWER_SECONDS
    _wire: Wire | None = None
    _went_down: asyncio.Event = field(default_factory=asyncio.Event)
    _first_try: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_up(self) -> bool:
        return self._wire is not None

    @property
    def confirmed_at(self) -> float:
        """time.monotonic() up to which every change of a tracked key is known here; -inf when down."""
        return self._wire.confirmed_at if self._wire is not None else float("-inf")

    def send(self, *parts: bytes) -> "asyncio.Future[Reply]":
        """Raises StoreUnavailable, at once while the line is down; so does awaiting the reply."""
        if self._wire is None:
            raise StoreUnavailable(STORE, "not connected")
        return self._wire.send(encode(*parts))

    async def ask(self, *parts: bytes) -> Reply:
        """The reply to one command. Raises StoreUnavailable, also for what the server refuses."""
        reply = await self.send(*parts)
        if isinstance(reply, ReplyError):
            raise StoreUnavailable(STORE, reply.message)
        return reply

    def drop(self, reason: str) -> None:
        """Begins anew: what was told on this connection is not to be relied on."""
        if self._wire is not None:
            self._wire.end(reason)

    async def run(self) -> None:
        """Keeps the line up until it is cancelled."""
        pause = FIRST_PAUSE_SECONDS
        try:
            while True:
                self._went_down.clear()
                if await self._connect():
                    pause = FIRST_PAUSE_SECONDS
                    await self._went_down.wait()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        finally:
            if self._wire is not None:
                self._wire.end("this process ends")

    async def first_try(self) -> None:
        """Waits until it is known whether the store answers; `run` must be running."""
        await self._first_try.wait()

    async def _connect(self) -> bool:
        wire: Wire | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                wire = await self._open()
                await self._greet(wire)
            self._wire = wire
            self.on_up()
            return True
        except LOST as fault:
            logger.warning("cache unavailable", extra={"fields": {"reason": str(fault) or repr(fault)}})
            return False
        finally:
            if wire is not None and wire is not self._wire:
                wire.end("the greeting failed")
            self._first_try.set()

    async def _open(self) -> Wire:
        def make() -> Wire:
            return Wire(self.on_push, self._lose, self.answer_seconds)

        loop, place = asyncio.get_running_loop(), parse_url(self.url)
        if "path" in place:
            return (await loop.create_unix_connection(make, place["path"]))[1]
        secure = ssl.create_default_context() if place.get("connection_class") is SSLConnection else None
        host, port = place.get("host", "localhost"), place.get("port", 6379)
        return (await loop.create_connection(make, host, port, ssl=secure))[1]

    async def _greet(self, wire: Wire) -> None:
        place: dict[str, Any] = dict(parse_url(self.url))
        hello = [b"HELLO", b"3"]
        if "password" in place:
            hello += [b"AUTH", place.get("username", "default").encode(), place["password"].encode()]
        commands = [encode(*hello), encode(b"CLIENT", b"SETNAME", b"customer360-cache")]
        if place.get("db"):
            commands.append(encode(b"SELECT", b"%d" % place["db"]))
        if self.tracked is not None:
            commands.append(
                encode(b"CLIENT", b"TRACKING", b"ON", b"BCAST", b"NOLOOP", b"PREFIX", self.tracked)
            )
        for reply in [wire.send(command) for command in commands]:
            answer = await reply
            if isinstance(answer, ReplyError):
                raise StoreUnavailable(STORE, answer.message)

    def _lose(self, wire: Wire) -> None:
        if self._wire is wire:
            self._wire = None
            with suppress(RuntimeError):  # the loop may be closing
                self.on_down()
            self._went_down.set()
