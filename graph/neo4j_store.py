"""The graph on a Neo4j server, reached over Bolt."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Self, cast

from neo4j import (
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    NotificationMinimumSeverity,
    unit_of_work,
)
from neo4j.exceptions import AuthError, ClientError, DriverError, Neo4jError

from domain.errors import StoreUnavailable
from domain.relationships.edges import Changes
from domain.relationships.moments import moment_of
from domain.relationships.ports import Answer, GraphRefused, Value
from graph.changes import Step, steps_of
from graph.questions import Statement, catalogue, checked

CLEAR_NODES = 5_000
REFUSED = (
    "Neo.ClientError.Schema.",
    "Neo.ClientError.Statement.",
)
RETRY_SECONDS = 2.0
HEALTH_SECONDS = 1.0


class Neo4jGraph:
    """A `GraphStore` over the official driver; reads and writes use sessions of their own kind.

    Every call has an own deadline: the driver alone waits for ever on a server that is frozen.
    """

    def __init__(self, driver: AsyncDriver, *, ask_seconds: float = 3.0, apply_seconds: float = 60.0) -> None:
        self._driver = driver
        self._ask_seconds = ask_seconds
        self._apply_seconds = apply_seconds

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        user: str = "",
        password: str = "",
        ask_seconds: float = 3.0,
        apply_seconds: float = 60.0,
    ) -> Self:
        """Connects and makes sure of the constraints. *Errors*: `StoreUnavailable`."""
        driver = open_driver(url, user=user, password=password)
        graph = cls(driver, ask_seconds=ask_seconds, apply_seconds=apply_seconds)
        try:
            await graph._constrain()
        except StoreUnavailable:
            await graph.close()
            raise
        return graph

    async def ask(self, question: str, **parameters: Value) -> list[Answer]:
        statement = checked(question, parameters)

        @unit_of_work(timeout=self._ask_seconds)
        async def read(transaction: AsyncManagedTransaction) -> list[Answer]:
            result = await transaction.run(statement.text, dict(parameters))
            return cast("list[Answer]", await result.data())

        async with (
            self._bounded(self._ask_seconds),
            self._driver.session(default_access_mode="READ") as session,
        ):
            return await session.execute_read(read)

    async def apply(self, changes: Changes) -> None:
        await self._write(steps_of(changes))

    async def watermark(self) -> datetime | None:
        answers = await self.ask("watermark")
        return moment_of(int(str(answers[0]["at"]))) if answers else None

    async def clear(self) -> None:
        await self._write([("clear_watermark", {})])
        while await self._write([("clear_some", {"limit": CLEAR_NODES})]):
            continue

    async def health(self) -> None:
        async with self._bounded(HEALTH_SECONDS):
            await self._driver.verify_connectivity()

    async def close(self) -> None:
        await self._driver.close()

    async def _write(self, steps: Sequence[Step]) -> int:
        """Runs the steps in one transaction; returns what the last one changed."""

        @unit_of_work(timeout=self._apply_seconds)
        async def write(transaction: AsyncManagedTransaction) -> int:
            changed = 0
            for name, parameters in steps:
                changed = await _changed(transaction, catalogue()[name], parameters)
            return changed

        async with self._bounded(self._apply_seconds), self._driver.session() as session:
            return await session.execute_write(write)

    async def _constrain(self) -> None:
        async with self._bounded(self._apply_seconds), self._driver.session() as session:
            for statement in catalogue().values():
                if statement.folder == "schema":
                    await (await session.run(statement.text)).consume()

    @asynccontextmanager
    async def _bounded(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise StoreUnavailable("graph", f"no answer within {seconds} s") from error
        except OverflowError as error:
            raise GraphRefused(str(error)) from error
        except ClientError as error:
            raise _client_error(error) from error
        except (Neo4jError, DriverError) as error:
            raise StoreUnavailable("graph", str(error)) from error


def open_driver(url: str, *, user: str = "", password: str = "") -> AsyncDriver:
    """A driver that gives up in seconds and prints no advice; it connects on first use."""
    return AsyncGraphDatabase.driver(
        url,
        auth=(user, password) if user else None,
        max_connection_pool_size=50,
        connection_timeout=3,
        connection_acquisition_timeout=2,
        connection_write_timeout=5,
        max_transaction_retry_time=RETRY_SECONDS,
        max_connection_lifetime=600,
        liveness_check_timeout=15,
        fetch_size=1000,
        telemetry_disabled=True,
        notifications_min_severity=NotificationMinimumSeverity.OFF,
        warn_notification_severity=NotificationMinimumSeverity.OFF,
    )


async def _changed(
    transaction: AsyncManagedTransaction, write: Statement, parameters: Mapping[str, Any]
) -> int:
    result = await transaction.run(write.text, dict(parameters))
    record = await result.single(strict=True)
    return int(record["changed"])


def _client_error(error: ClientError) -> Exception:
    """What the server will never take is refused; a wrong password or its own time limit is an absence."""
    if not isinstance(error, AuthError) and (error.code or "").startswith(REFUSED):
        return GraphRefused(str(error))
    return StoreUnavailable("graph", str(error))
