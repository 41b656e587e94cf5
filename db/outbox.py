"""Published events: ids are given under one lock that is held to the commit, so they appear in order.

Decisions that were taken together may be one row, TIERS_JOINED: its id is that of the last one, `first` in its payload
that of the first, and all ids between are theirs. Whoever reads events gets each decision as one event.
"""

from typing import Any

PUBLISH_LOCK = 360_000_002
MANY_DECISIONS = "TIERS_JOINED"
TAKE_IDS = """
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock($1))
SELECT setval(sequence, nextval(sequence) + $2 - 1)
FROM turn, (SELECT pg_get_serial_sequence('outbox', 'event_id')::regclass AS sequence OFFSET 0) AS found
"""
"""All at once: nobody takes an id without the lock. One at a time they took longer than writing the rows."""


async def publish_lock_and_ids(connection: Any, count: int) -> range:
    """The next ids of events. From here to the commit nobody else publishes: do it last. `count`: at least 1."""
    last: int = await connection.fetchval(TAKE_IDS, PUBLISH_LOCK, count)
    return range(last - count + 1, last + 1)
