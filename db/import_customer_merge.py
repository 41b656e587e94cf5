"""Prepared customers (clean, sealed) who were there before: profile, source records and identities."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from db.import_marks import mark_customers
from domain.ingest.mapping import Section

PREPARED = "import_prepared"


class PreparedCustomer(NamedTuple):
    """A row of `PREPARED`; `PREPARED_COLUMNS` says what its values are there."""

    external_id: str
    customer_id: int | None
    kind: str
    registered_at: datetime | None
    registration_channel: str | None
    city: str | None
    community: str | None
    data_key: bytes
    name: bytes | None
    phone: bytes | None
    email: bytes | None
    raw: bytes
    flags: list[str]
    phone_hash: bytes | None
    email_hash: bytes | None


PREPARED_COLUMNS = (
    "external_id text, customer_id bigint, kind text, registered_at timestamptz, registration_channel text, "
    "city text, community text, data_key bytea, name bytea, phone bytea, email bytea, raw bytea, "
    "flags text[], phone_hash bytea, email_hash bytea"
)
UPDATED = {
    "name": "name",
    "phone": "phone",
    "email": "email",
    "kind": "kind",
    "city": "city",
    "channel": "registration_channel",
    "registered_at": "registered_at",
}
"""Canonical column -> column of `customers`."""


async def merge_prepared(
    connection: asyncpg.Connection,
    records: Sequence[PreparedCustomer],
    section: Section,
    *,
    source_id: int,
    now: datetime,
) -> None:
    """Within the caller's transaction."""
    await connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {PREPARED} ({PREPARED_COLUMNS})")
    await connection.execute(f"TRUNCATE {PREPARED}")
    await connection.copy_records_to_table(PREPARED, records=records)
    if updates := [
        (canonical, column) for canonical, column in UPDATED.items() if canonical in section.origins
    ]:
        await connection.execute(update_customers(updates))
    await connection.execute(UPSERT_RECORDS, source_id, now)
    for canonical, namespace, column in (("phone", "PHONE", "phone_hash"), ("email", "EMAIL", "email_hash")):
        if canonical in section.origins:
            await connection.execute(forget_identities(namespace, column), source_id)
    await connection.execute(UPSERT_IDENTITIES, source_id, now)
    await mark_customers(connection, PREPARED)


def update_customers(told: Sequence[tuple[str, str]]) -> str:
    """Only what the file says; a date of registration that it leaves open stays."""
    settings = ", ".join(
        f"{column} = coalesce(p.{column}, k.{column})"
        if column == "registered_at"
        else f"{column} = p.{column}"
        for _, column in told
    )
    return f"UPDATE customers k SET {settings} FROM {PREPARED} p WHERE k.customer_id = p.customer_id"


UPSERT_RECORDS = f"""
    INSERT INTO source_records (customer_id, source_id, external_id, received_at, raw, flags)
    SELECT customer_id, $1, external_id, $2, raw, flags FROM {PREPARED}
    ON CONFLICT (customer_id, source_id, external_id) DO UPDATE SET
        received_at = excluded.received_at, raw = excluded.raw, flags = excluded.flags
"""


def forget_identities(namespace: str, column: str) -> str:
    """What the source gave before and no longer does."""
    return f"""
        DELETE FROM identities i USING {PREPARED} p
        WHERE i.customer_id = p.customer_id AND i.source_id = $1
            AND i.namespace = '{namespace}' AND i.value_hash IS DISTINCT FROM p.{column}
    """


UPSERT_IDENTITIES = f"""
    INSERT INTO identities (customer_id, namespace, value_hash, source_id, first_seen_at, last_seen_at)
    SELECT customer_id, namespace, value_hash, $1, $2, $2
    FROM {PREPARED}, LATERAL (VALUES ('PHONE', phone_hash), ('EMAIL', email_hash)) v (namespace, value_hash)
    WHERE value_hash IS NOT NULL
    ON CONFLICT (customer_id, namespace, value_hash) DO UPDATE SET last_seen_at = excluded.last_seen_at
"""
