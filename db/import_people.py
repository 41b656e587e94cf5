"""Customers and the leaders of communities, read from the verdict in batches, each in a transaction."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, cast

import asyncpg

from db.import_batches import Applied
from db.import_checks import GOOD
from db.import_customers import BATCH_ROWS, CustomerRow, Prepared, apply_customers, prepare
from db.import_links import apply_communities, link_customers
from domain.ingest.canonical import CUSTOMER_KINDS, RecordKind
from domain.ingest.cleaning import COMMUNITY_UNKNOWN, EMAIL_INVALID, PHONE_INVALID, REFERRER_UNKNOWN
from domain.ingest.mapping import Constant, Section
from domain.ports import Cipher

WARNINGS = {
    PHONE_INVALID: "phones that are not a number one can dial",
    EMAIL_INVALID: "e-mail addresses that are not one",
    REFERRER_UNKNOWN: "referrers who are not known",
    COMMUNITY_UNKNOWN: "communities that are not known",
}
LEADERS = Section(RecordKind.CUSTOMERS, {"external_id": Constant(""), "name": Constant("")})
"""What a community says of its leader."""


class Session(Protocol):
    """What of the import's session is needed here."""

    main: asyncpg.Connection
    source_id: int
    cipher: Cipher
    now: datetime


async def take_customers(
    session: Session, section: Section, checked: str, advance: Callable[[int], None]
) -> tuple[Applied, dict[str, int]]:
    """While one batch is cleaned and sealed, the one before it is stored and the one after it read."""
    connection = session.main
    await connection.execute(f"CREATE INDEX ON {checked} (row_no)")
    total, found, ready = Applied(), Prepared(), Prepared()
    rows = await read_batch(session, checked, 0)
    while rows or ready.rows:
        (done, following), ready = await asyncio.gather(
            store_and_read(session, ready, section, checked, rows[-1]["row_no"] if rows else None),
            asyncio.to_thread(prepare, (customer_row(row, section) for row in rows), session.cipher),
        )
        total += done
        found.phones_invalid += ready.phones_invalid
        found.emails_invalid += ready.emails_invalid
        if rows:
            advance(rows[-1]["row_no"])
        rows = following
    async with connection.transaction():
        links = await link_customers(connection, checked, section, source_id=session.source_id)
    counts = {PHONE_INVALID: found.phones_invalid, EMAIL_INVALID: found.emails_invalid, **links}
    return total, {WARNINGS[flag]: count for flag, count in counts.items()}


async def read_batch(session: Session, checked: str, after: int) -> list[asyncpg.Record]:
    return await session.main.fetch(stored_beside(checked), after, BATCH_ROWS, session.source_id)


async def store_and_read(
    session: Session, ready: Prepared, section: Section, checked: str, after: int | None
) -> tuple[Applied, list[asyncpg.Record]]:
    """`after` None: all were read. A file names a customer once, so what is stored changes nothing of what is read."""
    done = await apply_prepared(session, ready, section)
    return done, [] if after is None else await read_batch(session, checked, after)


async def apply_prepared(session: Session, prepared: Prepared, section: Section) -> Applied:
    async with session.main.transaction():
        return await apply_customers(
            session.main, prepared, section, source_id=session.source_id, now=session.now
        )


def stored_beside(checked: str) -> str:
    return f"""
        SELECT c.*, k.data_key, s.raw FROM (
            SELECT * FROM {checked} WHERE {GOOD} AND row_no > $1 ORDER BY row_no LIMIT $2
        ) c
        LEFT JOIN customers k ON k.customer_id = c.customer_id
        LEFT JOIN source_records s ON s.customer_id = c.customer_id AND s.source_id = $3
            AND s.external_id = c.external_id
        ORDER BY c.row_no
    """


def customer_row(row: asyncpg.Record, section: Section) -> CustomerRow:
    kind = CUSTOMER_KINDS[row["kind"] - 1]
    return CustomerRow(
        external_id=row["external_id"],
        cells={name: cell(name, row[name]) for name in section.origins},
        kind=kind,
        registered_at=row["registered_at"],
        customer_id=row["customer_id"],
        data_key=row["data_key"],
        sealed_raw=row["raw"],
    )


def cell(name: str, value: Any) -> str | None:
    """As text, for the source record."""
    if name == "kind":
        return str(CUSTOMER_KINDS[value - 1])
    return value.isoformat() if isinstance(value, datetime) else cast("str | None", value)


async def take_communities(
    session: Session, section: Section, checked: str
) -> tuple[Applied, dict[str, int]]:
    """Leaders who are not customers yet become customers, with no more than their name."""
    connection = session.main
    async with connection.transaction():
        leaders = await connection.fetch(
            f"""
            SELECT DISTINCT ON (leader_external_id) leader_external_id, leader_name FROM {checked} c
            WHERE {GOOD} AND leader_external_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM customer_refs r
                WHERE r.source_id = $1 AND r.external_id = c.leader_external_id
            ) ORDER BY leader_external_id, row_no
            """,
            session.source_id,
        )
        named = [leader_row(row["leader_external_id"], row["leader_name"]) for row in leaders]
        prepared = prepare(named, session.cipher)
        await apply_customers(connection, prepared, LEADERS, source_id=session.source_id, now=session.now)
        return await apply_communities(connection, checked, section, source_id=session.source_id), {}


def leader_row(external_id: str, name: str | None) -> CustomerRow:
    return CustomerRow(external_id, {"external_id": external_id, "name": name}, "HOUSEHOLD", None)
