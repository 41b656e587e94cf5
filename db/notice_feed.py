"""Follows the outbox and queues the notices that its events call for, each once, several workers or not.

The place in the outbox moves on in the transaction that queues, so a worker that is killed has either done both or
nothing. Ids of events appear in the order of their commits: what lies behind the place was seen.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg

from db.told import Changed

BATCH = 5_000
OLDEST = "interval '1 day'"
"""Older events are told to nobody: notices were switched off, or every worker was away for too long."""
BEGIN = """
INSERT INTO feed_positions (feed, event_id) SELECT 'notices', coalesce(max(event_id), 0) FROM outbox
ON CONFLICT (feed) DO NOTHING
"""
POSITION = """
SELECT event_id FROM feed_positions AS place
WHERE feed = 'notices' AND EXISTS (SELECT FROM outbox WHERE outbox.event_id > place.event_id)
FOR UPDATE SKIP LOCKED
"""
"""Locked, which is a write, only where there is something to do."""
UNTIL = """
SELECT max(event_id) FROM (SELECT event_id FROM outbox WHERE event_id > $1 ORDER BY event_id LIMIT $2) AS batch
"""
ADVANCE = "UPDATE feed_positions SET event_id = $1 WHERE feed = 'notices'"
QUEUE = f"""
WITH event AS (
  SELECT event_id, customer_id, payload->>'policy' AS policy FROM outbox
  WHERE event_id > $1 AND event_id <= $2 AND kind IN ('TIER_CHANGED', 'TIER_SIGNAL')
    AND created_at > now() - {OLDEST}
    AND payload->>'policy' = ANY (CASE WHEN $4 = '{{}}'::text[]
                                  THEN ARRAY(SELECT primary_policy FROM shop) ELSE $4 END)
), told AS (
  SELECT customer_id, event_id, 'TIER_CHANGED' AS kind, jsonb_build_object(
    'policy', policy, 'transition', 'ttr_' || event_id, 'change', made.kind,
    'from', was.code, 'to', now_in.code, 'effectiveAt', made.effective_at) AS content
  FROM event
  JOIN tier_transitions AS made USING (customer_id)
  JOIN tiers AS was ON (was.version_id, was.rank) = (made.version_id, made.from_rank)
  LEFT JOIN tiers AS now_in ON (now_in.version_id, now_in.rank) = (made.version_id, made.to_rank)
  WHERE made.transition_id = event_id AND made.to_rank IS DISTINCT FROM made.from_rank
  UNION ALL
  SELECT customer_id, event_id, 'TIER_ALMOST_THERE', jsonb_build_object(
    'policy', policy, 'tier', held.code, 'nextTier', above.code, 'period', raised.period)
  FROM event
  JOIN tier_signals AS raised USING (customer_id)
  JOIN tier_standings AS standing USING (customer_id, policy_id)
  JOIN tiers AS held ON (held.version_id, held.rank) = (standing.version_id, raised.rank)
  JOIN tiers AS above ON (above.version_id, above.rank) = (standing.version_id, raised.rank + 1)
  WHERE raised.signal_id = event_id AND raised.kind = 'ALMOST_THERE'
)
INSERT INTO notices (customer_id, event_id, channel, kind, content)
SELECT customer_id, event_id, channel, kind, content FROM told CROSS JOIN unnest($3::text[]) AS channel
ON CONFLICT DO NOTHING
RETURNING customer_id
"""
UNKNOWN = "SELECT code FROM unnest($1::text[]) AS code WHERE code NOT IN (SELECT code FROM tier_policies)"


class NoticeFeed:
    """`policies` empty: of the shop's primary policy. `changed` is told whose notices there are, after the commit."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        changed: Changed,
        *,
        channels: Sequence[str],
        policies: Sequence[str] = (),
    ) -> None:
        self._pool = pool
        self._changed = changed
        self._wanted = (list(channels), list(policies))

    async def begin(self) -> None:
        """The first time behind everything that has happened: nobody is told of the past."""
        await self._pool.execute(BEGIN)

    async def unknown_policies(self) -> list[str]:
        return [row["code"] for row in await self._pool.fetch(UNKNOWN, self._wanted[1])]

    async def queue(self) -> bool:
        """A batch of events. False: there are no more, or another worker has them."""
        async with self._pool.acquire() as connection, connection.transaction():
            position = await connection.fetchval(POSITION)
            if position is None:
                return False
            until = await connection.fetchval(UNTIL, position, BATCH)
            customers = await self._queue(connection, position, until)
        await self._changed(customers)
        return True

    async def _queue(self, connection: Any, position: int, until: int) -> set[int]:
        queued = await connection.fetch(QUEUE, position, until, *self._wanted)
        await connection.execute(ADVANCE, until)
        return {row["customer_id"] for row in queued}
