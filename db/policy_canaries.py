"""Canaries in the database: which version runs on which share, and whom it marks for the worker."""

from decimal import Decimal
from typing import Any

from sqlalchemy.dialects.postgresql import asyncpg

from db import tables as t
from domain.tiers.canary import bucket, buckets_of

SET_STATUS = "UPDATE tier_policy_versions SET status = $2 WHERE version_id = $1"
INSERT = """
INSERT INTO tier_policy_canaries (version_id, policy_id, control_version_id, share, began_at, share_since,
                                  share_event_id)
VALUES ($1, $2, $3, $4, $5, $5, $6)
"""
WIDEN = """
UPDATE tier_policy_canaries SET share = $2, share_since = $3, share_event_id = $4
WHERE policy_id = $1 AND ended_at IS NULL
"""
END = """
UPDATE tier_policy_canaries SET ended_at = $2, ended_event_id = $3, outcome = $4, reason = $5
WHERE policy_id = $1 AND ended_at IS NULL
"""
MARK = """
INSERT INTO dirty_customers (customer_id, reason, urgency)
SELECT customer_id, 'POLICY_CHANGE', 1 FROM customers WHERE {bucket} >= $1 AND {bucket} < $2 ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET problem = NULL
"""


async def mark_share(
    connection: Any, policy_id: int, *, share: Decimal, above: Decimal | None = None
) -> None:
    """Those of a share who are not of the smaller one `above`. *Cost*: hashes everybody, marks some."""
    statement = MARK.format(bucket=bucket_sql(policy_id))
    await connection.execute(statement, 0 if above is None else buckets_of(above), buckets_of(share))


def bucket_sql(policy_id: int) -> str:
    """Of `customers.customer_id`: the formula of the domain, said by PostgreSQL."""
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
    found = bucket(t.customers.c.customer_id, policy_id)
    return str(found.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
