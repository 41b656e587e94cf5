"""Published events: ids are given under one lock that is held to the commit, so they appear in order."""

from typing import Any

PUBLISH_LOCK = 360_000_002
TAKE_LOCK = "SELECT pg_advisory_xact_lock($1)"
NEXT_IDS = "SELECT nextval(pg_get_serial_sequence('outbox', 'event_id')) FROM generate_series(1, $1)"


async def publish_lock_and_ids(connection: Any, count: int) -> list[int]:
    """The next ids of events, ascending. From here to the commit nobody else publishes: do it last."""
    await connection.execute(TAKE_LOCK, PUBLISH_LOCK)
    return [row[0] for row in await connection.fetch(NEXT_IDS, count)]
