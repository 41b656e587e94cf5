"""Looks once a business day at how customers are spread over the tiers, and raises what is wrong.

It waits until the night's customers are looked at, so that the shares are those of the day. The unique row in
`job_runs` lets one of several workers do it, in the transaction that raises.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import asyncpg

from db.alert_writes import FoundAlert, raise_alerts
from domain.watching.distribution import Finding, WatchedTier, findings

JOB = "tier_watch"
WHOLE_DAY = "(live_as_of AT TIME ZONE time_zone)::date - 1"
DUE = f"""
SELECT {WHOLE_DAY} AS day, live_as_of,
       (live_as_of AT TIME ZONE time_zone - interval '1 month') AT TIME ZONE time_zone AS month_ago
FROM shop WHERE NOT EXISTS (SELECT FROM job_runs WHERE job = '{JOB}' AND period = ({WHOLE_DAY})::text)
  AND NOT EXISTS (SELECT FROM dirty_customers WHERE problem IS NULL AND urgency > 0)
"""
CLAIM = f"""
INSERT INTO job_runs (job, period, status, finished_at) VALUES ('{JOB}', $1, 'DONE', clock_timestamp())
ON CONFLICT DO NOTHING RETURNING job_run_id
"""
COUNT = "UPDATE job_runs SET counts = jsonb_build_object('alerts', $2::bigint) WHERE job_run_id = $1"
LADDERS = """
SELECT policy_id, p.code AS policy, v.version_id, t.code, t.rank, t.is_goal, t.target_share AS least,
       coalesce(t.target_share_max, t.target_share) AS most
FROM tier_policies AS p JOIN tier_policy_versions AS v USING (policy_id) JOIN tiers AS t USING (version_id)
WHERE v.status = 'ACTIVE' ORDER BY policy_id, t.rank
"""
NOW = """
SELECT policy_id, code, count(*) FROM tier_standings JOIN tiers USING (version_id, rank) GROUP BY policy_id, code
"""
THEN = """
SELECT policy_id, code, count(*) FROM (
  SELECT policy_id, max(ARRAY[transition_id, version_id, coalesce(to_rank, 0)]) AS decision
  FROM tier_transitions WHERE effective_at <= $1 GROUP BY policy_id, customer_id
) AS latest JOIN tiers ON tiers.version_id = decision[2] AND tiers.rank = decision[3]
GROUP BY policy_id, code
"""

Counts = Mapping[int, Mapping[str, int]]


@dataclass(slots=True)
class WatchedPolicy:
    policy_id: int
    code: str
    version_id: int
    ladder: list[WatchedTier] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WatchedDay:
    day: date
    as_of: datetime
    month_ago: datetime


async def watch_tiers(pool: "asyncpg.Pool[asyncpg.Record]", now: datetime) -> int | None:
    """How many things are wrong, raised before in this month or not; None: nothing was due, or somebody else did it.

    Reads all standings and the whole log, once a day, and only then takes the lock under which others publish."""
    due = await pool.fetchrow(DUE)
    if due is None:
        return None
    watched = WatchedDay(due["day"], due["live_as_of"], due["month_ago"])
    async with pool.acquire() as connection, connection.transaction():
        run = await connection.fetchval(CLAIM, watched.day.isoformat())
        if run is None:
            return None
        looked = await look(connection, watched)
        found = [alert_of(policy, finding, watched.day) for policy, finding in looked]
        await raise_alerts(connection, found, as_of=watched.as_of, raised_at=now)
        await connection.execute(COUNT, run, len(found))
    return len(found)


async def look(connection: Any, watched: WatchedDay) -> list[tuple[WatchedPolicy, Finding]]:
    now, month_ago = await counts(connection, NOW), await counts(connection, THEN, watched.month_ago)
    return [
        (policy, finding)
        for policy in await policies(connection)
        for finding in findings(policy.ladder, now[policy.policy_id], month_ago[policy.policy_id])
    ]


async def policies(connection: Any) -> list[WatchedPolicy]:
    """In force, lowest tiers first."""
    found: dict[int, WatchedPolicy] = {}
    for row in await connection.fetch(LADDERS):
        policy = WatchedPolicy(row["policy_id"], row["policy"], row["version_id"])
        tier = WatchedTier(**{name: row[name] for name in WatchedTier.__slots__})
        found.setdefault(policy.policy_id, policy).ladder.append(tier)
    return list(found.values())


async def counts(connection: Any, query: str, *arguments: Any) -> Counts:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for policy_id, code, customers in await connection.fetch(query, *arguments):
        found[policy_id][code] = customers
    return found


def alert_of(policy: WatchedPolicy, finding: Finding, day: date) -> FoundAlert:
    tier = finding.tier
    return FoundAlert(
        kind=finding.kind,
        subject=f"{policy.code}/{tier.code}" if tier else policy.code,
        period=f"{day:%Y-%m}",
        policy_id=policy.policy_id,
        version_id=policy.version_id,
        rank=tier.rank if tier else None,
        observed=finding.observed,
        expected=finding.expected,
    )
