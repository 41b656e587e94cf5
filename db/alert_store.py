"""`domain.watching.act_on_alert.AlertStore` over PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from db.audit_store import record_changed
from db.standing_store import answering
from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.watching.act_on_alert import AlertTransaction
from domain.watching.alert import AlertStatus

HOLD = "SELECT status, customer_id FROM alerts WHERE alert_id = $1 FOR NO KEY UPDATE"
ACKNOWLEDGE = """
UPDATE alerts SET status = 'ACKNOWLEDGED', acknowledged_at = $2, acknowledged_by = $3 WHERE alert_id = $1
"""
RESOLVE = """
UPDATE alerts SET status = 'RESOLVED', resolved_at = $2, resolved_by = $3, note = $4 WHERE alert_id = $1
"""


async def tell_nobody() -> bool:
    """Nobody keeps lists of alerts."""
    return True


class PostgresAlertStore:
    """Over a pool. `changed` is told after the commit that lists are other ones now."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", changed: Callable[[], Awaitable[bool]] = tell_nobody
    ) -> None:
        self._pool = pool
        self._changed = changed

    @asynccontextmanager
    async def hold(self, alert_id: int, *, viewer: Viewer, now: datetime) -> AsyncIterator[AlertTransaction]:
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(HOLD, alert_id)
            if row is None:
                raise DomainError(ErrorCode.NOT_FOUND, "There is no such alert.", ("id",))
            status = AlertStatus(row["status"])
            yield PostgresAlertTransaction(connection, alert_id, row["customer_id"], status, viewer, now)
        await self._changed()


@dataclass(frozen=True, slots=True)
class PostgresAlertTransaction:
    """Of one alert, whose row is locked."""

    connection: Any
    alert_id: int
    customer_id: int | None
    status: AlertStatus
    viewer: Viewer
    now: datetime

    async def write(self, status: AlertStatus, note: str | None) -> None:
        who = (self.alert_id, self.now, self.viewer.subject)
        if status is AlertStatus.RESOLVED:
            await self.connection.execute(RESOLVE, *who, note)
        else:
            await self.connection.execute(ACKNOWLEDGE, *who)
        await record_changed(
            self.connection,
            self.viewer,
            customer_id=self.customer_id,
            action=f"ALERT_{status.value}",
            object_kind="ALERT",
            object_id=f"alt_{self.alert_id}",
        )
