"""The outbox as a subscriber's reader sees it: in order, by id."""

import json
from collections.abc import Sequence
from typing import Any, Protocol

from domain.live.events import LiveEvent

NEWEST = "SELECT coalesce(max(event_id), 0) FROM outbox"
HAS = "SELECT count(*) FROM outbox WHERE event_id = $1"
AFTER = """
SELECT event_id, kind, customer_id, payload FROM outbox WHERE event_id > $1 ORDER BY event_id LIMIT $2
"""


class Fetch(Protocol):
    """A pool of connections such as db.read_pool; raises domain.errors.StoreUnavailable."""

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """Rows that can be read by position."""


class OutboxTable:
    """Implements domain.live.events.OutboxEvents."""

    def __init__(self, pool: Fetch) -> None:
        self._pool = pool

    async def newest_id(self) -> int:
        return int((await self._pool.fetch(NEWEST, ()))[0][0])

    async def has(self, event_id: int) -> bool:
        return bool((await self._pool.fetch(HAS, (event_id,)))[0][0])

    async def read_after(self, event_id: int, limit: int) -> Sequence[LiveEvent]:
        return [_event(row) for row in await self._pool.fetch(AFTER, (event_id, limit))]


def _event(row: Any) -> LiveEvent:
    event_id, kind, customer_id, payload = row
    if isinstance(payload, str):
        payload = json.loads(payload)
    return LiveEvent(event_id=event_id, kind=kind, customer_id=customer_id, payload=payload)
