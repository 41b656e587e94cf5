"""The sockets and streams that are open: who has expired, who is stuck, and what all are told at the end."""

import asyncio
import time
from contextlib import suppress
from typing import Protocol

PATROL_SECONDS = 1.0
STUCK_SECONDS = 10.0
SHUTDOWN_SECONDS = 3.0


class LiveConnection(Protocol):
    """`stuck_since`: when the write that still waits for the reader began, in time.monotonic(); else None."""

    expires_at: float | None
    stuck_since: float | None

    def expire(self) -> None:
        """The token is no longer good: say so and end."""

    def give_up(self) -> None:
        """The reader does not read: end, without waiting for it."""

    def come_back_later(self) -> None:
        """This process ends: say from where to resume, and end."""


class LiveConnections:
    """One patrol for all of them costs less than a timer for each."""

    def __init__(self) -> None:
        self._open: set[LiveConnection] = set()
        self._patrol: asyncio.Task[None] | None = None
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: LiveConnection) -> None:
        self._open.add(connection)
        self._all_gone.clear()
        if self._patrol is None or self._patrol.done():
            self._patrol = asyncio.create_task(self._walk())

    def remove(self, connection: LiveConnection) -> None:
        self._open.discard(connection)
        if not self._open:
            self._all_gone.set()

    def inspect(self, *, wall_seconds: float, monotonic_seconds: float) -> None:
        for connection in tuple(self._open):
            if connection.expires_at is not None and connection.expires_at <= wall_seconds:
                connection.expire()
            since = connection.stuck_since
            if since is not None and monotonic_seconds - since > STUCK_SECONDS:
                connection.give_up()

    async def end_all(self) -> None:
        """Asks everybody to come back later; returns when they are gone or after SHUTDOWN_SECONDS."""
        for connection in tuple(self._open):
            connection.come_back_later()
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await self._all_gone.wait()

    async def _walk(self) -> None:
        """Ends with the last connection; the next one starts it again."""
        while self._open:
            await asyncio.sleep(PATROL_SECONDS)
            self.inspect(wall_seconds=time.time(), monotonic_seconds=time.monotonic())
