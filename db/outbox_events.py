"""The outbox as a subscriber's reader sees it: in order, by id."""

import json
from collections.abc import Sequence
from typing import Any, Protocol

from db.outbox import MANY_DECISIONS
from domain.live.events import LiveEvent

NEWEST = "SELECT coalesce(max(event_id), 0) FROM outbox"
HAS = f"""
SELECT event_id = $1 OR (kind = '{MANY_DECISIONS}' AND (payload->>'first')::bigint <= $1)
FROM outbox WHERE event_id >= $1 ORDER BY event_id LIMIT 1
"""
AFTER = """
SELECT event_id, kind, customer_id, payload FROM outbox WHERE event_id > $1 ORDER BY event_id LIMIT $2
"""
DECISIONS = """
SELECT transition_id, 'TIER_CHANGED', customer_id, jsonb_build_object('policy', code)
FROM tier_transitions JOIN tier_policies USING (policy_id)
WHERE transition_id BETWEEN $1 AND $2 ORDER BY transition_id LIMIT $3
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
        found = await self._pool.fetch(HAS, (event_id,))
        return bool(found and found[0][0])

    async def read_after(self, event_id: int, limit: int) -> Sequence[LiveEvent]:
        events: list[LiveEvent] = []
        for row in map(_event, await self._pool.fetch(AFTER, (event_id, limit))):
            if len(events) == limit:
                break
            if row.kind != MANY_DECISIONS:
                events.append(row)
                continue
            first, room = max(row.payload["first"], event_id + 1), limit - len(events)
            events += await self._decisions(first, row.event_id, room)
        return events

    async def _decisions(self, first: int, last: int, limit: int) -> list[LiveEvent]:
        return [_event(row) for row in await self._pool.fetch(DECISIONS, (first, last, limit))]


def _event(row: Any) -> LiveEvent:
    event_id, kind, customer_id, payload = row
    if isinstance(payload, str):
        payload = json.loads(payload)
    return LiveEvent(event_id=event_id, kind=kind, customer_id=customer_id, payload=payload)
