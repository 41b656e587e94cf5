"""`domain.notices.send_notices.NoticeStore` over PostgreSQL, and how many notices there are.

Taking a notice moves its next attempt to the end of a lease: a worker that is killed leaves nothing to clean up.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.outbox_events import Fetch
from db.told import Changed
from domain.notices.notice import MessageChannel, Notice, NoticeKind
from domain.notices.send_notices import Outcome

LEASE_SECONDS = 60
"""Much longer than an attempt may take."""
TAKE = f"""
UPDATE notices AS taken SET attempts = attempts + 1, due_at = now() + interval '{LEASE_SECONDS} seconds'
FROM (
  SELECT customer_id, event_id, channel FROM notices AS waiting
  WHERE status = 'QUEUED' AND due_at <= now() AND NOT EXISTS (
    SELECT FROM notices AS earlier
    WHERE earlier.customer_id = waiting.customer_id AND earlier.channel = waiting.channel
      AND earlier.event_id < waiting.event_id AND earlier.status = 'QUEUED'
  )
  ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
) AS due
WHERE (taken.customer_id, taken.event_id, taken.channel) = (due.customer_id, due.event_id, due.channel)
RETURNING taken.notice_id, taken.customer_id, taken.event_id, taken.channel, taken.kind,
          taken.attempts AS attempt, taken.content
"""
SETTLE = """
UPDATE notices SET status = $5, problem = $6, due_at = now() + $7 * interval '1 second',
  settled_at = CASE WHEN $5 <> 'QUEUED' THEN now() END
WHERE customer_id = $1 AND event_id = $2 AND channel = $3 AND attempts = $4 AND status = 'QUEUED'
RETURNING customer_id
"""
COUNT = """
SELECT (SELECT count(*) FROM notices WHERE status = 'QUEUED'),
       count(*) FILTER (WHERE status = 'SENT'), count(*) FILTER (WHERE status = 'FAILED')
FROM notices WHERE status <> 'QUEUED' AND settled_at > now() - interval '1 day'
"""


@dataclass(frozen=True, slots=True)
class NoticeCounts:
    """Sent and given up within the last 24 hours."""

    waiting: int
    sent: int
    failed: int


class PostgresNoticeStore:
    """`changed` is told after each commit whose notice is another one now."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", changed: Changed) -> None:
        self._pool = pool
        self._changed = changed

    async def take(self, limit: int) -> Sequence[Notice]:
        taken = [notice_of(row) for row in await self._pool.fetch(TAKE, limit)]
        await self._changed({notice.customer_id for notice in taken})
        return taken

    async def settle(self, notice: Notice, outcome: Outcome) -> None:
        settled = await self._pool.fetch(
            SETTLE,
            notice.customer_id,
            notice.event_id,
            notice.channel.value,
            notice.attempt,
            outcome.status.value,
            outcome.problem,
            outcome.wait_seconds,
        )
        await self._changed([row["customer_id"] for row in settled])


async def count_notices(reads: Fetch) -> NoticeCounts:
    """Raises StoreUnavailable."""
    return NoticeCounts(*(await reads.fetch(COUNT, ()))[0])


def notice_of(row: Any) -> Notice:
    given = dict(row)
    content = json.loads(given.pop("content"))
    channel, kind = MessageChannel(given.pop("channel")), NoticeKind(given.pop("kind"))
    return Notice(channel=channel, kind=kind, content=content, **given)
