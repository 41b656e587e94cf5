"""The bytes of one connection to Valkey: commands of one moment leave in one write, replies come in their order."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from db.resp3 import Parser, ProtocolFault, Push, Reply
from domain.errors import StoreUnavailable

STORE = "cache"
MOST_WAITING = 10_000


@dataclass(slots=True, eq=False)
class Waiting:
    """A command that left: where its reply goes, and when it was given to us."""

    future: "asyncio.Future[Reply]"
    since: float


class Wire(asyncio.Protocol):
    """The bytes of one connection. `on_lost` is called once, whatever ends it."""

    def __init__(
        self, on_push: Callable[[Push], None], on_lost: Callable[["Wire", str], None], answer_seconds: float
    ) -> None:
        self._on_push = on_push
        self._on_lost = on_lost
        self.answer_seconds = answer_seconds
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
            self._timer = self._loop.call_later(self.answer_seconds, self._look_at_time)
        return waiting.future

    def expect_within(self, seconds: float) -> None:
        """From now on; nothing waits."""
        self.answer_seconds = seconds
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self, reason: str) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._fail(reason)

    # --- asyncio.Protocol -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not of that class

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
        late = time.monotonic() - self._waiting[0].since - self.answer_seconds
        if late >= 0:  # if it was our own loop that stood still, the reply lies in the socket: read first
            self._timer = self._loop.call_later(0.002, self._give_up, self._waiting[0])
        else:
            self._timer = self._loop.call_later(-late, self._look_at_time)

    def _give_up(self, waiting: Waiting) -> None:
        self._timer = None
        if self._waiting and self._waiting[0] is waiting:
            self.end(f"no answer within {self.answer_seconds:g} s")
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
            self._on_lost(self, reason)
