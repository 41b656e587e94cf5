"""Which customer an event is about, and the effect of profile changes on the tables."""

import json
from dataclasses import asdict
from typing import Any

from domain.errors import DomainError, ErrorCode
from domain.ingest.cleaning import clean_email, clean_name, clean_phone
from domain.ingest.events import CustomerKey, Event, ProfileChangeEvent
from domain.ports import Cipher

Connection = Any  # an asyncpg connection, or the pool's proxy of one

BY_EXTERNAL_ID = """
SELECT c.customer_id FROM customer_refs JOIN customers AS c USING (customer_id)
WHERE source_id = $1 AND external_id = $2 FOR NO KEY UPDATE OF c
"""
BY_IDENTITY = """
SELECT customer_id FROM customers WHERE customer_id IN (
  SELECT DISTINCT customer_id FROM identities WHERE namespace = $1 AND value_hash = $2 LIMIT 2
) ORDER BY customer_id FOR NO KEY UPDATE
"""
CREATE = """
INSERT INTO customers (kind, registered_at, data_key) VALUES ('HOUSEHOLD', $1, $2) RETURNING customer_id
"""
CREATE_REF = "INSERT INTO customer_refs (source_id, external_id, customer_id) VALUES ($1, $2, $3)"
STATE = """
INSERT INTO source_records (customer_id, source_id, external_id, received_at, stated_at, raw, flags)
VALUES ($1, $2, $3, now(), $4, $5, $6)
ON CONFLICT (customer_id, source_id, external_id)
DO UPDATE SET received_at = now(), stated_at = $4, raw = $5, flags = $6
WHERE source_records.stated_at IS NULL OR source_records.stated_at <= $4 RETURNING 1
"""
DATA_KEY = "SELECT data_key FROM customers WHERE customer_id = $1"
UPDATE = """
UPDATE customers SET name = coalesce($2, name), phone = coalesce($3, phone), email = coalesce($4, email),
                     kind = coalesce($5, kind), city = coalesce($6, city),
                     registration_channel = coalesce($7, registration_channel),
                     community_id = coalesce($8, community_id)
WHERE customer_id = $1
"""
FORGET_IDENTITY = "DELETE FROM identities WHERE customer_id = $1 AND namespace = $2 AND source_id = $3"
LEARN_IDENTITY = """
INSERT INTO identities (customer_id, namespace, value_hash, source_id, first_seen_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (customer_id, namespace, value_hash) DO UPDATE SET last_seen_at = $5
"""
FIND_REFERRER = "SELECT referrer_id FROM referrals WHERE customer_id = $1"
REFER = """
INSERT INTO referrals (customer_id, referrer_id, referred_at) VALUES ($1, $2, $3)
ON CONFLICT (customer_id) DO UPDATE SET referrer_id = $2
"""
COMMUNITY = "SELECT community_id FROM communities WHERE source_id = $1 AND external_id = $2"


async def lock_customer(connection: Connection, cipher: Cipher, source_id: int, key: CustomerKey) -> int:
    """The customer that a key names, held to the commit: nobody else changes or computes them meanwhile.

    By the source's own id alone where it is given; a phone or e-mail names a customer of any source. Raises
    DomainError NOT_FOUND, or AMBIGUOUS where two share the phone or e-mail."""
    if key.external_id is not None:
        customer_id: int | None = await connection.fetchval(BY_EXTERNAL_ID, source_id, key.external_id)
        if customer_id is None:
            message = f"No customer {key.external_id!r} is known of this source; send a profileChange first."
            raise DomainError(ErrorCode.NOT_FOUND, message, ("customer", "externalId"))
        return customer_id
    for namespace, value in identities_of(key.phone, key.email):
        rows = await connection.fetch(BY_IDENTITY, namespace, cipher.blind_index(namespace, value))
        if len(rows) > 1:
            message = f"Several customers share this {namespace.lower()}; name the customer by externalId."
            raise DomainError(ErrorCode.AMBIGUOUS, message, ("customer",))
        if rows:
            found: int = rows[0]["customer_id"]
            return found
    message = "No customer is known by this phone or e-mail; send a profileChange with an externalId first."
    raise DomainError(ErrorCode.NOT_FOUND, message, ("customer",))


def identities_of(phone: str | None, email: str | None) -> list[tuple[str, str]]:
    """Valid identifiers only: an invalid phone is no evidence. [S3-2, S3-3]"""
    cleaned = {"PHONE": clean_phone(phone) if phone else None, "EMAIL": clean_email(email) if email else None}
    return [(namespace, value) for namespace, value in cleaned.items() if value]


async def apply_profile_change(
    connection: Connection, cipher: Cipher, source_id: int, event: Event, change: ProfileChangeEvent
) -> set[int]:
    """The customers it touches: the changed one, who referred them, and who was said to before."""
    customer_id = await find_or_create(connection, cipher, source_id, event)
    if not await state(connection, cipher, source_id, customer_id, event, change):
        return set()
    community_id = await find_community(connection, source_id, change.community)
    data_key = await connection.fetchval(DATA_KEY, customer_id)
    identities = dict(identities_of(change.phone, change.email))
    values = {
        "name": clean_name(change.name) if change.name else None,
        "phone": identities.get("PHONE"),
        "email": identities.get("EMAIL"),
    }
    sealed = [cipher.seal(data_key, text, field=name) if text else None for name, text in values.items()]
    kind = change.kind.value if change.kind else None
    await connection.execute(
        UPDATE, customer_id, *sealed, kind, change.city, change.registration_channel, community_id
    )
    await learn_identities(connection, cipher, source_id, customer_id, event, identities)
    return {customer_id} | await refer(connection, source_id, customer_id, event, change.referred_by)


async def find_or_create(connection: Connection, cipher: Cipher, source_id: int, event: Event) -> int:
    try:
        return await lock_customer(connection, cipher, source_id, event.customer)
    except DomainError as error:
        if error.code is not ErrorCode.NOT_FOUND or event.customer.external_id is None:
            raise
    customer_id: int = await connection.fetchval(CREATE, event.occurred_at, cipher.new_data_key())
    await connection.execute(CREATE_REF, source_id, event.customer.external_id, customer_id)
    return customer_id


async def state(
    connection: Connection,
    cipher: Cipher,
    source_id: int,
    customer_id: int,
    event: Event,
    change: ProfileChangeEvent,
) -> bool:
    """Keeps what the source said; False when a newer change is known already."""
    data_key = await connection.fetchval(DATA_KEY, customer_id)
    if data_key is None:
        raise DomainError(ErrorCode.WRONG_STATE, "This customer was erased.", ("customer",))
    said = {name: value for name, value in asdict(change).items() if isinstance(value, str)}
    raw = cipher.seal(data_key, json.dumps(said, ensure_ascii=False), field="raw")
    flags = ["PHONE_INVALID"] if change.phone and clean_phone(change.phone) is None else []
    external_id = event.customer.external_id or ""
    taken = await connection.fetchval(
        STATE, customer_id, source_id, external_id, event.occurred_at, raw, flags
    )
    return taken is not None


async def find_community(connection: Connection, source_id: int, external_id: str | None) -> int | None:
    if external_id is None:
        return None
    community_id: int | None = await connection.fetchval(COMMUNITY, source_id, external_id)
    if community_id is None:
        message = f"No community {external_id!r} is known of this source; import it first."
        raise DomainError(ErrorCode.NOT_FOUND, message, ("data", "profileChange", "community"))
    return community_id


async def learn_identities(
    connection: Connection,
    cipher: Cipher,
    source_id: int,
    customer_id: int,
    event: Event,
    identities: dict[str, str],
) -> None:
    """A new phone or e-mail of this source replaces the one the source gave before."""
    for namespace, value in identities.items():
        await connection.execute(FORGET_IDENTITY, customer_id, namespace, source_id)
        hashed = cipher.blind_index(namespace, value)
        await connection.execute(LEARN_IDENTITY, customer_id, namespace, hashed, source_id, event.occurred_at)


async def refer(
    connection: Connection, source_id: int, customer_id: int, event: Event, referred_by: str | None
) -> set[int]:
    """The referrers whose count of referrals it changes."""
    if referred_by is None:
        return set()
    referrer: int | None = await connection.fetchval(BY_EXTERNAL_ID, source_id, referred_by)
    path = ("data", "profileChange", "referredBy")
    if referrer is None:
        raise DomainError(ErrorCode.NOT_FOUND, f"No customer {referred_by!r} is known of this source.", path)
    if referrer == customer_id:
        raise DomainError(ErrorCode.SELF_REFERENCE, "Nobody refers themself.", path)
    before: int | None = await connection.fetchval(FIND_REFERRER, customer_id)
    if before == referrer:
        return set()
    await connection.execute(REFER, customer_id, referrer, event.occurred_at)
    return {referrer} if before is None else {referrer, before}
