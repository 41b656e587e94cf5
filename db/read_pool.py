"""Connections for the read path: few, long-lived, with prepared statements that stay warm.

asyncpg's own pool resets a connection after each use, which costs a second round trip: a third to two
thirds of a small query. Nothing here changes a session, so nothing needs a reset.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg

from domain.errors import StoreUnavailable

Connection: TypeAlias = "asyncpg.Connection[Any]"
STORE = "postgres"
LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # a full disk, no memory, too many connections
    asyncpg.QueryCanceledError,
)


class ValueRefused(ValueError):
    """PostgreSQL failed on a value inside a statement, such as an overflow or a division by zero."""


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Seconds unless the name says otherwise."""

    connections: int = 4
    connect_seconds: float = 3.0
    wait_seconds: float = 3.0
    statement_seconds: float = 10.0


@dataclass(slots=True)
class ReadPool:
    """Last used, first out, so that under little load few connections stay warm.

    Opened on first use and reopened when broken. Errors: StoreUnavailable when PostgreSQL does not answer (a
    statement over its time counts as that), ValueRefused when it fails on a value.
    """

    database_url: str
    settings: ReadSettings = field(default_factory=ReadSettings)
    free: list[Connection] = field(default_factory=list)
    slots: asyncio.Semaphore = field(init=False)
    closed: bool = False

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.settings.connections)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """Rows of one prepared statement. Cancelling the caller cancels the statement in PostgreSQL."""
        await self.take_slot()
        try:
            return await self.fetch_on(await self.connection(), sql, arguments)
        except (asyncpg.DataError, ValueError) as error:  # the latter: a value the driver cannot send
            raise ValueRefused(str(error)) from error
        except LOST as error:
            raise StoreUnavailable(STORE, f"{type(error).__name__}: {error}") from error
        finally:
            self.slots.release()

    async def take_slot(self) -> None:
        try:
            async with asyncio.timeout(self.settings.wait_seconds):
                await self.slots.acquire()
        except TimeoutError as error:
            raise StoreUnavailable(STORE, "all read connections are busy") from error

    async def fetch_on(self, connection: Connection, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            if connection.is_closed() or self.closed:
                connection.terminate()
            else:
                self.free.append(connection)

    async def connection(self) -> Connection:
        """A free connection, or a new one: at most as many as there are slots."""
        if self.closed:
            raise StoreUnavailable(STORE, "the read pool is closed")
        while self.free:
            kept = self.free.pop()
            if not kept.is_closed():
                return kept
        return await asyncpg.connect(
            self.database_url,
            timeout=self.settings.connect_seconds,
            statement_cache_size=1_000,
            max_cacheable_statement_size=0,  # no bound: a statement of a plan is large and used again
            server_settings=self.session_settings(),
        )

    def session_settings(self) -> dict[str, str]:
        return {
            "timezone": "UTC",  # to_json prints moments in the session's zone
            "jit": "off",
            "default_transaction_read_only": "on",
            "statement_timeout": f"{self.settings.statement_seconds:g}s",
            "application_name": "customer360 read",
        }

    async def close(self) -> None:
        """Waits for no one: a running statement ends with its caller."""
        self.closed = True
        while self.free:
            with suppress(*LOST):
                await self.free.pop().close(timeout=1)
