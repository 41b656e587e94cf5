"""`domain.standings.open_business_day.BusinessDays` over PostgreSQL.

The schedule is not left to a job queue: every worker asks each second whether the day is open, and the unique row
in `job_runs`, written in the same transaction as everything else, lets exactly one of them open it.
"""

from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from db.freeze_rankings import Night, freeze_rankings
from db.policy_activation import begin_scheduled, publish
from db.review_store import LIVE_LOCK
from db.rules_in_force import LiveState, RulesInForce
from db.shop_store import find_shop, move_on
from domain.calendar import EPOCH, calendar_of, microseconds
from domain.standings.cadence_runs import runs_between
from domain.standings.open_business_day import LiveMoment, OpenedDay

JOB = "open_business_day"
CLAIM = """
INSERT INTO job_runs (job, period, status) VALUES ($1, $2, 'RUNNING') ON CONFLICT DO NOTHING RETURNING job_run_id
"""
REVIEW = "tier_review"
RECORD_REVIEW = """
INSERT INTO job_runs (job, period, status, finished_at) VALUES ($1, $2, 'DONE', clock_timestamp())
ON CONFLICT DO NOTHING
"""
MARK_DUE = """
WITH marked AS (
  INSERT INTO dirty_customers (customer_id, reason, urgency)
  SELECT customer_id, 'NIGHT', 2 FROM customer_standings WHERE review_on <= $1 ORDER BY customer_id
  ON CONFLICT (customer_id) DO UPDATE SET problem = NULL RETURNING customer_id
)
SELECT count(*) FROM marked
"""
TRY_AGAIN = "UPDATE dirty_customers SET problem = NULL WHERE problem IS NOT NULL"
END = """
UPDATE job_runs SET status = 'DONE', finished_at = clock_timestamp(),
                    counts = jsonb_build_object('customers', $2::bigint)
WHERE job_run_id = $1
"""
WAKE_WORKERS = "SELECT pg_notify('c360_dirty', '')"


class PostgresBusinessDays:
    """Over a pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._in_force = RulesInForce()

    async def find_live_moment(self) -> LiveMoment | None:
        shop = await find_shop(self._pool)
        return LiveMoment(shop.live_as_of, shop.time_zone) if shop else None

    async def open(self, as_of: datetime, zone: str) -> OpenedDay | None:
        day = business_day_before(as_of, zone)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LIVE_LOCK)
            run = await connection.fetchval(CLAIM, JOB, day.isoformat())
            if run is None:
                return None
            begun = await begin_scheduled(connection, beginning_of(day, zone))
            live = await self._begin_reviews(connection, as_of)
            await move_on(connection, as_of)
            await connection.execute(TRY_AGAIN)
            customers: int = await connection.fetchval(MARK_DUE, day)
            night = Night(live.as_of, as_of, (day - EPOCH.date()).days)
            customers += await freeze_rankings(connection, live.rules, night)
            await connection.execute(END, run, customers)
            for version in begun:
                await publish(connection, code=version["code"], number=version["number"], action="ACTIVATED")
            await connection.execute(WAKE_WORKERS)
        return OpenedDay(day, as_of, customers)

    async def _begin_reviews(self, connection: Any, as_of: datetime) -> LiveState:
        """Records the scheduled reviews of policies; customers go through them as they are looked at."""
        live = await self._in_force.read(connection)
        last_whole_day = live.rules.calendar.last_whole_day
        last_day, today = (last_whole_day(microseconds(moment)) for moment in (live.as_of, as_of))
        canaries = (canary.policy for canary in live.rules.canaries)
        runs = runs_between((*live.rules.policies, *canaries), last_day=last_day, today=today)
        await connection.executemany(RECORD_REVIEW, [(f"{REVIEW} {run.policy}", run.period) for run in runs])
        return live


def beginning_of(day: date, zone: str) -> datetime:
    return calendar_of(zone).end_of_day((day - EPOCH.date()).days - 1)


def business_day_before(as_of: datetime, zone: str) -> date:
    """The day that ends at `as_of`."""
    return EPOCH.date() + timedelta(days=calendar_of(zone).last_whole_day(microseconds(as_of)))
