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

from domain.errors import StatementTimedOut, StoreUnavailable

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
)
SETTLE_SECONDS = 0.4
LOST_CLIENT_CHECK = "400ms"
"""How often PostgreSQL looks whether the one who asked is still there: what ends the statements of a process
that was killed, or of a connection that could not be settled. With SETTLE_SECONDS less than a second."""


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

    Opened on first use and reopened when broken. Errors: StoreUnavailable when PostgreSQL does not answer,
    StatementTimedOut when it ended a statement over its time, ValueRefused when it fails on a value.
    """

    database_url: str
    settings: ReadSettings = field(default_factory=ReadSettings)
    free: list[Connection] = field(default_factory=list)
    slots: asyncio.Semaphore = field(init=False)
    settling: set[asyncio.Task[None]] = field(default_factory=set)
    closed: bool = False

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.settings.connections)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """Rows of one prepared statement. Cancelling the caller cancels the statement in PostgreSQL."""
        await self.take_slot()
        connection = None
        try:
            connection = await self.connection()
            rows = await connection.fetch(sql, *arguments)
        except BaseException as fault:
            self.give_back_after(fault, connection)
            known = in_our_words(fault)
            if known is None:
                raise
            raise known from fault
        self.give_back(connection)
        return rows

    async def take_slot(self) -> None:
        if not self.slots.locked():
            await self.slots.acquire()  # returns at once, without the timer below
            return
        try:
            async with asyncio.timeout(self.settings.wait_seconds):
                await self.slots.acquire()
        except TimeoutError as error:
            raise StoreUnavailable(STORE, "all read connections are busy") from error

    def give_back(self, connection: Connection | None) -> None:
        if connection is not None:
            if connection.is_closed() or self.closed:
                connection.terminate()
            else:
                self.free.append(connection)
        self.slots.release()

    def give_back_after(self, fault: BaseException, connection: Connection | None) -> None:
        """Who was cancelled leaves a statement behind: its connection is nobody's until that has ended."""
        if connection is None or isinstance(fault, Exception):
            self.give_back(connection)
            return
        task = asyncio.ensure_future(self.settle(connection))
        self.settling.add(task)
        task.add_done_callback(self.settling.discard)

    async def settle(self, connection: Connection) -> None:
        """Waits until the cancelled statement has ended, for which the driver asks before the next one.

        One that does not end in time is given up with its connection: the next reader must not wait for it.
        """
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await connection.fetchval("SELECT 1")
        except (*LOST, asyncpg.PostgresError):
            connection.terminate()
        finally:
            self.give_back(connection)

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
            statement_cache_size=200,  # of a large statement PostgreSQL keeps 2 MB in each connection
            max_cached_statement_lifetime=0,  # no end: the driver's own, 300 s, drops the busiest statements too
            max_cacheable_statement_size=0,  # no bound: a statement of a plan is large and used again
            server_settings=self.session_settings(),
        )

    def session_settings(self) -> dict[str, str]:
        return {
            "timezone": "UTC",  # to_json prints moments in the session's zone
            "jit": "off",
            "default_transaction_read_only": "on",
            "statement_timeout": f"{self.settings.statement_seconds:g}s",
            "client_connection_check_interval": LOST_CLIENT_CHECK,
            "application_name": "customer360 read",
        }

    async def close(self) -> None:
        """Waits for no one: a running statement ends with its caller."""
        self.closed = True
        await asyncio.gather(*self.settling)
        while self.free:
            with suppress(*LOST):
                await self.free.pop().close(timeout=1)


def in_our_words(fault: BaseException) -> Exception | None:
    """None: let it pass as it is. An expired statement is its own thing: the store answers, too late."""
    if isinstance(fault, asyncpg.DataError | ValueError):  # the latter: a value the driver cannot send
        return ValueRefused(str(fault))
    if isinstance(fault, asyncpg.QueryCanceledError):
        return StatementTimedOut(STORE, str(fault))
    if isinstance(fault, LOST):
        return StoreUnavailable(STORE, f"{type(fault).__name__}: {fault}")
    return None
