"""Stopping work that nobody waits for any more."""

import asyncio
from types import TracebackType

from api.responses import Receive

WATCH_AFTER_SECONDS = 0.05
"""A client that leaves sooner than this is not noticed: most answers are out by then, and watching costs."""


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


class StopWhenClientLeaves:
    """Cancels what runs inside when the client hangs up; raises ClientLeft then. The body must be read."""

    __slots__ = ("_has_left", "_receive", "_timer", "_watching", "_work")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._has_left = False
        self._watching: asyncio.Task[None] | None = None
        self._work = asyncio.current_task()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(WATCH_AFTER_SECONDS, self._begin)

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watching:
            self._watching.cancel()
        if kind is asyncio.CancelledError and self._has_left and self._work:
            self._work.uncancel()
            raise ClientLeft from None

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_left = True
        if self._work:
            self._work.cancel()
