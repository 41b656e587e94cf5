"""Canaries in the database: which version runs on whom, and whom it marks for the worker."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import asyncpg

from db import tables as t
from db.binary_copy import WireColumn, read_columns
from domain.tiers.canary import CanaryScope, bucket
from domain.tiers.policy_store import CustomerIds

SET_STATUS = "UPDATE tier_policy_versions SET status = $2 WHERE version_id = $1"
INSERT = """
INSERT INTO tier_policy_canaries (version_id, policy_id, control_version_id, share, began_at, share_since,
                                  share_event_id, scope_where)
VALUES ($1, $2, $3, $4, $5, $5, $6, $7)
"""
WIDEN = """
UPDATE tier_policy_canaries SET share = $2, share_since = $3, share_event_id = $4, scope_where = $5
WHERE policy_id = $1 AND ended_at IS NULL
"""
END = """
UPDATE tier_policy_canaries SET ended_at = $2, ended_event_id = $3, outcome = $4, reason = $5
WHERE policy_id = $1 AND ended_at IS NULL
"""
MARK = """
INSERT INTO dirty_customers (customer_id, reason, urgency)
SELECT customer_id, 'POLICY_CHANGE', 1 FROM customers
WHERE {bucket} >= $1 AND {bucket} < $2 {whom} ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET problem = NULL
"""
MARK_THESE = """
INSERT INTO dirty_customers (customer_id, reason, urgency)
SELECT customer_id, 'POLICY_CHANGE', 1 FROM unnest($1::bigint[]) AS customers (customer_id) ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET problem = NULL
"""
ALL = ""
OF_GROUP = "AND customer_id IN (SELECT customer_id FROM tier_canary_groups WHERE version_id = {version_id})"
OTHERS = "AND NOT EXISTS (SELECT FROM tier_canary_groups AS g \
WHERE g.customer_id = customers.customer_id AND version_id = {version_id})"
READ_GROUP = "SELECT customer_id FROM tier_canary_groups WHERE version_id = $1 ORDER BY customer_id"
JOIN_GROUP = """
INSERT INTO tier_canary_groups (customer_id, version_id) SELECT customer_id, $2
FROM unnest($1::bigint[]) AS newcomers (customer_id)
"""
FORGET_GROUP = "DELETE FROM tier_canary_groups WHERE version_id = $1"
FORGET_EARLIER_GROUPS = """
DELETE FROM tier_canary_groups USING tier_policy_canaries AS canary
WHERE canary.version_id = tier_canary_groups.version_id AND policy_id = $1
"""


@dataclass(frozen=True, slots=True)
class CanaryMarks:
    """Who is in the group of a canary, and who changes sides. *Cost*: hashes everybody, marks some."""

    connection: Any
    policy_id: int
    version_id: int

    async def begin_group(self, group: CustomerIds) -> None:
        """In place of those of earlier canaries of the policy, which nobody can ask for any more."""
        await self.connection.execute(FORGET_EARLIER_GROUPS, self.policy_id)
        await self.connection.execute(JOIN_GROUP, group.tolist(), self.version_id)

    async def mark(self, scope: CanaryScope, *, above: int = 0) -> None:
        """Of the buckets from `above` up, as far as the scope reaches."""
        whom = ALL if scope.where is None else OF_GROUP
        await self._mark_buckets(above, scope.buckets, whom)

    async def widen(self, before: CanaryScope, now: CanaryScope, newcomers: CustomerIds) -> None:
        """To more buckets, to newcomers of the group, or from the group to everybody."""
        if before.where is not None:
            await self._mark_newcomers(before, now, newcomers)
        await self.mark(now, above=before.buckets)

    async def _mark_newcomers(self, before: CanaryScope, now: CanaryScope, newcomers: CustomerIds) -> None:
        """In the buckets that others are in already."""
        if now.where is None:
            await self._mark_buckets(0, before.buckets, OTHERS)
            await self.connection.execute(FORGET_GROUP, self.version_id)
            return
        new = newcomers[bucket(newcomers, self.policy_id) < before.buckets]
        await self.connection.execute(MARK_THESE, new.tolist())
        await self.connection.execute(JOIN_GROUP, newcomers.tolist(), self.version_id)

    async def _mark_buckets(self, first: int, end: int, whom: str) -> None:
        statement = MARK.format(
            bucket=bucket_sql(self.policy_id), whom=whom.format(version_id=self.version_id)
        )
        await self.connection.execute(statement, first, end)


async def read_group(connection: Any, version_id: int) -> CustomerIds:
    """Ids, ascending."""
    columns = [WireColumn("customer_id", "int8")]
    found: CustomerIds = (await read_columns(connection, READ_GROUP, columns, version_id))["customer_id"]
    return found


def bucket_sql(policy_id: int) -> str:
    """Of `customers.customer_id`: the formula of the domain, said by PostgreSQL."""
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
    found = bucket(t.customers.c.customer_id, policy_id)
    return str(found.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
