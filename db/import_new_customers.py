"""Prepared customers (clean, sealed) who are new: by COPY into every table that they have rows in."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from db.import_customer_merge import PreparedCustomer

COMMUNITIES = "SELECT external_id, community_id FROM communities WHERE source_id = $1"
COLUMNS = {
    "customers": (
        "customer_id",
        "kind",
        "registered_at",
        "registration_channel",
        "city",
        "community_id",
        "data_key",
        "name",
        "phone",
        "email",
    ),
    "customer_refs": ("source_id", "external_id", "customer_id"),
    "source_records": ("customer_id", "source_id", "external_id", "received_at", "raw", "flags"),
    "identities": ("customer_id", "namespace", "value_hash", "source_id", "first_seen_at", "last_seen_at"),
    "dirty_customers": ("customer_id", "reason"),
    "dirty_graph_keys": ("kind", "key"),
}


async def insert_customers(
    connection: asyncpg.Connection, new: Sequence[PreparedCustomer], *, source_id: int, now: datetime
) -> None:
    """Within the caller's transaction; each has its new id. Nobody can have marked them before."""
    communities = {row[0]: row[1] for row in await connection.fetch(COMMUNITIES, source_id)}
    rows = {
        "customers": customer_rows(new, communities, now),
        "customer_refs": ((source_id, of.external_id, of.customer_id) for of in new),
        "source_records": ((of.customer_id, source_id, of.external_id, now, of.raw, of.flags) for of in new),
        "identities": identity_rows(new, source_id, now),
        "dirty_customers": ((of.customer_id, "IMPORT") for of in new),
        "dirty_graph_keys": (("CUSTOMER", of.customer_id) for of in new),
    }
    for table, of_table in rows.items():
        await connection.copy_records_to_table(table, columns=COLUMNS[table], records=of_table)


def customer_rows(
    new: Sequence[PreparedCustomer], communities: Mapping[str, int], now: datetime
) -> Iterator[tuple[Any, ...]]:
    for of in new:
        yield (
            of.customer_id,
            of.kind,
            of.registered_at or now,
            of.registration_channel,
            of.city,
            communities.get(of.community or ""),
            of.data_key,
            of.name,
            of.phone,
            of.email,
        )


def identity_rows(
    new: Sequence[PreparedCustomer], source_id: int, now: datetime
) -> Iterator[tuple[Any, ...]]:
    for of in new:
        for namespace, value_hash in (("PHONE", of.phone_hash), ("EMAIL", of.email_hash)):
            if value_hash is not None:
                yield of.customer_id, namespace, value_hash, source_id, now, now
