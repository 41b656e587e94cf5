"""One connection to Valkey for the hot path: commands of one moment leave in one write, pushes come in between.

A store that is away, slow or silent costs a request ANSWER_SECONDS once: the line goes down, everything that waits
fails with StoreUnavailable, everything after fails at once, and only a probe in the background tries again. It must
answer a command in time before the line is up again.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import SSLConnection, parse_url

from db.cache_wire import STORE, Wire
from db.resp3 import ProtocolFault, Push, Reply, ReplyError, encode
from domain.errors import StoreUnavailable

logger = logging.getLogger("c360.cache")

ANSWER_SECONDS = 0.05
"""A request waits for the cache at most twice."""
CONNECT_SECONDS = 1.0
"""For a new connection, its greeting and its first words; nobody but who has a change to tell waits for it."""
RETURN_SECONDS = 2.0
STEADY_SECONDS = 1.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0
RUN_ID = re.compile(rb"run_id:(\w+)")
LOST = (OSError, TimeoutError, ProtocolFault, StoreUnavailable)


def ignore_push(_: Push) -> None:
    """Nothing was asked to be pushed."""


def nothing() -> None:
    """Nobody needs to know."""


@dataclass(slots=True, kw_only=True)
class CacheLine:
    """A wire that is kept up by `run`. With `tracked` the server pushes which keys of that prefix change."""

    url: str
    tracked: bytes | None = None
    first_words: Callable[[], bytes] = lambda: encode(b"PING")
    """The command that is said before anything else on each new connection."""
    on_push: Callable[[Push], None] = ignore_push
    on_up: Callable[[], None] = nothing
    on_down: Callable[[], None] = nothing
    answer_seconds: float = ANSWER_SECONDS
    server_life: bytes = b""
    """Names one run of the server: one that was restarted, or another that took over, has another."""
    _wire: Wire | None = None
    _went_down: asyncio.Event = field(default_factory=asyncio.Event)
    _first_try: asyncio.Event = field(default_factory=asyncio.Event)
    _returning: "asyncio.Future[bool] | None" = None

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
        return await accepted(self.send(*parts))

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
                tried_at = time.monotonic()
                if await self._connect():
                    pause = FIRST_PAUSE_SECONDS
                    await self._went_down.wait()
                    if time.monotonic() - tried_at > STEADY_SECONDS:
                        continue  # at once: somebody may wait to say what changed
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        finally:
            wire, self._wire = self._wire, None
            if wire is not None:
                wire.end("nobody needs it any more")

    async def first_try(self) -> None:
        """Waits until it is known whether the store answers; `run` must be running."""
        await self._first_try.wait()

    async def returned(self) -> bool:
        """Whether the connection that was lost just now is made again; False at once while it is known to be away."""
        if self._returning is None:
            return self.is_up
        try:
            async with asyncio.timeout(RETURN_SECONDS):
                return await asyncio.shield(self._returning)
        except TimeoutError:
            return False

    async def _connect(self) -> bool:
        wire: Wire | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                wire = await self._open()
                await self._greet(wire)
                since = time.monotonic()
                await accepted(wire.send(self.first_words()))
            if time.monotonic() - since > self.answer_seconds:
                raise StoreUnavailable(STORE, "it answers slowly")
            wire.expect_within(self.answer_seconds)
            self._wire = wire
            self.on_up()
            return True
        except LOST as fault:
            self._say_lost(str(fault) or repr(fault))
            return False
        finally:
            if wire is not None and wire is not self._wire:
                wire.end("it was not taken into use")
            self._first_try.set()
            if self._returning is not None:
                self._returning.set_result(self.is_up)
                self._returning = None

    def _say_lost(self, reason: str) -> None:
        logger.warning("cache unavailable", extra={"fields": {"reason": reason}})

    async def _open(self) -> Wire:
        def make() -> Wire:
            return Wire(self.on_push, self._lose, CONNECT_SECONDS)

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
        name = encode(b"CLIENT", b"SETNAME", b"customer360-cache")
        commands = [encode(*hello), encode(b"INFO", b"server"), name]
        if place.get("db"):
            commands.append(encode(b"SELECT", b"%d" % place["db"]))
        if self.tracked is not None:
            commands.append(
                encode(b"CLIENT", b"TRACKING", b"ON", b"BCAST", b"NOLOOP", b"PREFIX", self.tracked)
            )
        answers = [await accepted(reply) for reply in [wire.send(command) for command in commands]]
        self.server_life = life_of(answers[1])

    def _lose(self, wire: Wire, reason: str) -> None:
        if self._wire is wire:
            self._wire = None
            self._say_lost(reason)
            self._returning = asyncio.get_running_loop().create_future()
            with suppress(RuntimeError):  # the loop may be closing
                self.on_down()
            self._went_down.set()


async def accepted(reply: "asyncio.Future[Reply]") -> Reply:
    """Raises StoreUnavailable for what the server refuses as well."""
    answer = await reply
    if isinstance(answer, ReplyError):
        raise StoreUnavailable(STORE, answer.message)
    return answer


def life_of(answer: Reply) -> bytes:
    """`run_id` of INFO."""
    found = RUN_ID.search(answer) if isinstance(answer, bytes) else None
    return found[1] if found else b""
