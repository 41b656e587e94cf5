"""Published events: ids are given under one lock that is held to the commit, so they appear in order."""

from typing import Any

from db.binary_copy import WireColumn, read_columns

PUBLISH_LOCK = 360_000_002
TAKE_LOCK = "SELECT pg_advisory_xact_lock($1)"
NEXT_IDS = """
SELECT nextval(sequence) AS event_id
FROM (SELECT pg_get_serial_sequence('outbox', 'event_id')::regclass AS sequence OFFSET 0) AS found,
  generate_series(1, {count})
"""
"""Named once and read as columns: asking for the name beside each id took longer than all else."""


async def publish_lock_and_ids(connection: Any, count: int) -> list[int]:
    """The next ids of events, ascending. From here to the commit nobody else publishes: do it last."""
    await connection.execute(TAKE_LOCK, PUBLISH_LOCK)
    found = await read_columns(connection, NEXT_IDS.format(count=count), (WireColumn("event_id", "int8"),))
    ids: list[int] = found["event_id"].tolist()
    return ids
