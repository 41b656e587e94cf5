"""Puts a version in force in a transaction that nobody computes beside, and marks everybody for the worker."""

import json
from datetime import datetime
from typing import Any

from db.outbox import publish_lock_and_ids
from db.ranking_store import write_ranking
from domain.tiers.canary import CanaryScope
from domain.tiers.measure import RankMeasure
from domain.tiers.policy import TierRule

END_ACTIVE = """
UPDATE tier_policy_versions
SET status = 'RETIRED', effective_until = CASE WHEN status = 'ACTIVE' THEN clock_timestamp() END
WHERE policy_id = $1 AND status = ANY($2::text[])
"""
BEGIN_VERSION = """
UPDATE tier_policy_versions SET status = 'ACTIVE', effective_until = NULL,
                                effective_from = coalesce($2, clock_timestamp())
WHERE version_id = $1
"""
SCHEDULE = "UPDATE tier_policy_versions SET status = 'SCHEDULED', effective_from = $2 WHERE version_id = $1"
DUE = """
SELECT version_id, policy_id, code, number, effective_from
FROM tier_policy_versions JOIN tier_policies USING (policy_id)
WHERE status = 'SCHEDULED' AND effective_from <= $1 ORDER BY effective_from, version_id
"""
MARK_ALL = """
INSERT INTO dirty_customers (customer_id, reason, urgency)
SELECT customer_id, 'POLICY_CHANGE', 1 FROM customers ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET problem = NULL
"""
PUBLISH = "INSERT INTO outbox (event_id, kind, payload) VALUES ($1, 'POLICY_CHANGED', $2::jsonb)"
WAKE = "SELECT pg_notify('c360_dirty', ''), pg_notify('c360_outbox', '')"


async def begin_version(
    connection: Any, policy_id: int, version_id: int, *, effective_from: datetime | None = None
) -> None:
    """What was in force ends. LIVE_LOCK is held alone, so every batch reads either all of this or nothing."""
    await connection.execute(END_ACTIVE, policy_id, ["ACTIVE"])
    await connection.execute(BEGIN_VERSION, version_id, effective_from)
    await connection.execute(MARK_ALL)


async def end_policy(connection: Any, policy_id: int) -> None:
    """Whoever holds a tier leaves it when the worker looks. What was only scheduled was never in force."""
    await connection.execute(END_ACTIVE, policy_id, ["ACTIVE", "SCHEDULED"])
    await connection.execute(MARK_ALL)


async def write_places(connection: Any, version_id: int, rule: TierRule) -> None:
    """Of a ranking: those that everybody has now, until the next night."""
    if isinstance(rule.measure, RankMeasure) and rule.measure.frozen is not None:
        await write_ranking(connection, version_id, rule.measure.frozen)


async def publish(
    connection: Any,
    *,
    code: str,
    number: int,
    action: str,
    reason: str | None = None,
    scope: CanaryScope | None = None,
) -> int:
    """Comes last: others wait for it. The id of the event."""
    payload = {"policy": code, "version": number, "action": action, "reason": reason}
    if scope is not None:
        payload |= {"share": str(scope.share), "where": scope.where}
    event_id: int
    (event_id,) = await publish_lock_and_ids(connection, 1)
    await connection.execute(PUBLISH, event_id, json.dumps(payload, ensure_ascii=False))
    await connection.execute(WAKE)
    return event_id


async def begin_scheduled(connection: Any, begins_at: datetime) -> list[Any]:
    """In the night, before it reads what is in force: versions whose moment has come with the business day."""
    due: list[Any] = await connection.fetch(DUE, begins_at)
    for row in due:
        moment = row["effective_from"]
        await begin_version(connection, row["policy_id"], row["version_id"], effective_from=moment)
    return due
