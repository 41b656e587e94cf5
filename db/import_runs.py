"""The record of an import: one run for each kind of record in a file, found again by the file's content."""

from datetime import datetime
from typing import Any, Protocol

from db.import_batches import Applied
from domain.ingest.canonical import RecordKind


class Content(Protocol):
    """A file that was read."""

    @property
    def rows(self) -> int: ...

    @property
    def content_sha256(self) -> bytes: ...


async def begin_run(connection: Any, source_id: int, kind: RecordKind, content: Content) -> int:
    """A run of the same content that did not end is the same run, gone on with."""
    return int(
        await connection.fetchval(
            """
            INSERT INTO import_runs AS r (source_id, kind, content_sha256, status, rows_read)
            VALUES ($1, $2, $3, 'RUNNING', $4)
            ON CONFLICT (source_id, kind, content_sha256) DO UPDATE SET
                status = 'RUNNING', rows_read = excluded.rows_read, finished_at = NULL,
                started_at = CASE WHEN r.status = 'RUNNING' THEN r.started_at ELSE now() END,
                rows_changed = CASE WHEN r.status = 'RUNNING' THEN r.rows_changed ELSE 0 END
            RETURNING import_run_id
            """,
            source_id,
            kind.value,
            content.content_sha256,
            content.rows,
        )
    )


async def count_changes(connection: Any, run: int, applied: Applied) -> None:
    """In the transaction of the batch."""
    await connection.execute(
        "UPDATE import_runs SET rows_changed = rows_changed + $2 WHERE import_run_id = $1",
        run,
        applied.new + applied.changed,
    )


async def end_run(connection: Any, run: int, rejected: int, *, source_id: int, now: datetime) -> None:
    """Waits for the disk: what the run did before is there then too."""
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = on")
        await connection.execute(
            "UPDATE import_runs SET status = 'DONE', rows_rejected = $2, finished_at = clock_timestamp() "
            "WHERE import_run_id = $1",
            run,
            rejected,
        )
        await connection.execute("SELECT pg_notify('c360_dirty', '')")
        await connection.execute(
            "UPDATE sources SET last_received_at = $2 WHERE source_id = $1", source_id, now
        )
