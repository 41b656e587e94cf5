"""`domain.standings.act_by_hand.StandingStore` over PostgreSQL: one standing, held as a batch of one customer.

The row of the customer is locked as a batch locks it, so no worker computes the customer meanwhile; labels follow
the tier with the next batch, for which the customer is marked.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np

from db.audit_store import record_changed
from db.decision_writes import write_decisions
from db.read_pool import LOST, STORE
from db.review_reads import PostgresCustomerBatch
from db.review_store import LIVE_LOCK
from db.rules_in_force import LiveState, RulesInForce
from db.tier_lives import find_lives
from db.told import Changed, tell_nobody
from domain.calendar import microseconds
from domain.errors import DomainError, ErrorCode, StoreUnavailable
from domain.privacy.viewer import Viewer
from domain.standings.act_by_hand import HeldStanding, StandingTransaction
from domain.standings.compute_standings import ActivePolicy, measure_standings
from domain.standings.lives import Decision, carried_over, life_after
from domain.standings.looks import BatchLook
from domain.standings.stored import StoredLife
from domain.tiers.life import due_day
from domain.tiers.life_change import Change
from domain.tiers.life_days import date_of
from domain.tiers.transition import Occasion, record

HOLD = "SELECT customer_id FROM customers WHERE customer_id = $1 FOR NO KEY UPDATE"
MOVE_ROW = """
UPDATE customer_standings SET tiers = (tiers & ~(255::bigint << $2)) | ($3::bigint << $2),
  tiers_due_on = least(tiers_due_on, $4), review_on = least(review_on, $4)
WHERE customer_id = $1
"""
MOVE_VERSION = "UPDATE customers SET version = version + 1, changed_at = now() WHERE customer_id = $1"
MARK = """
INSERT INTO dirty_customers (customer_id, reason, urgency) VALUES ($1, 'EVENT', 0)
ON CONFLICT (customer_id) DO UPDATE SET urgency = 0, problem = NULL
"""
WAKE_WORKERS = "SELECT pg_notify('c360_dirty', '')"


class PostgresStandingStore:
    """Over a pool. `changed` is told whose standing was changed, after the commit."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", changed: Changed = tell_nobody) -> None:
        self._pool = pool
        self._changed = changed
        self._in_force = RulesInForce()

    @asynccontextmanager
    async def hold(
        self, customer_id: int, policy: str, *, viewer: Viewer, now: datetime
    ) -> AsyncIterator[StandingTransaction]:
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", LIVE_LOCK)
            live = await self._in_force.read(connection)
            chosen = policy_in_force(live, policy, customer_id)
            if await connection.fetchval(HOLD, customer_id) is None:
                raise DomainError(ErrorCode.NOT_FOUND, "There is no such customer.", ("customer",))
            lives = await find_lives(connection, [customer_id], live.rules.calendar)
            life = lives.get((customer_id, chosen.policy_id))
            if life is None:
                message = "This policy has not graded the customer yet: try again in a moment."
                raise DomainError(ErrorCode.WRONG_STATE, message, ("customer",))
            life = replace(life, state=carried_over(live.rules, life, chosen))
            yield PostgresStandingTransaction(connection, customer_id, chosen, life, live, viewer, now)
        await self._changed([customer_id])


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """A lost connection: nothing was changed, ask again."""
    try:
        yield
    except LOST as error:
        raise StoreUnavailable(STORE, repr(error)) from error


def policy_in_force(live: LiveState, code: str, customer_id: int) -> ActivePolicy:
    """The version that grades this customer."""
    policies = live.rules.policies_of(customer_id)
    found = next((one for one in policies if one.version.policy_code == code), None)
    if found is None:
        known = ", ".join(one.version.policy_code for one in policies)
        message = f"No policy {code!r} is in force; there are {known}."
        raise DomainError(ErrorCode.UNKNOWN_POLICY, message, ("policy",))
    return found


@dataclass(slots=True)
class PostgresStandingTransaction:
    """Of one customer under one policy."""

    connection: Any
    customer_id: int
    policy: ActivePolicy
    life: StoredLife
    live: LiveState
    viewer: Viewer
    now: datetime

    @property
    def held(self) -> HeldStanding:
        calendar = self.live.rules.calendar
        return HeldStanding(
            version=self.policy.version,
            state=self.life.state,
            today=calendar.last_whole_day(microseconds(self.live.as_of)),
            calendar=calendar,
        )

    async def write(self, change: Change) -> None:
        """Publishing comes last: others wait for it."""
        look = await self._look()
        due = due_day(
            self.policy.version.rule.timing, change.state, raw_rank=look.rank, today=self.held.today
        )
        shift = 8 * self.policy.policy_id
        row = (self.customer_id, shift, change.to_rank, date_of(due))
        await self.connection.execute(MOVE_ROW, *row)
        await self.connection.execute(MOVE_VERSION, self.customer_id)
        await self.connection.execute(MARK, self.customer_id)
        await self._audit(change)
        ids = np.array([self.customer_id], np.int64)
        await write_decisions(self.connection, ids, [self._decision(change, look)], self.held.calendar)
        await self.connection.execute(WAKE_WORKERS)

    async def _look(self) -> BatchLook:
        """What the measure gives now: part of the record of every decision."""
        ids, rules = np.array([self.customer_id], np.int64), self.live.rules
        batch = PostgresCustomerBatch(self.connection, ids, as_of=self.live.as_of, rules=rules)
        measures = measure_standings(await batch.history(), rules, as_of=self.live.as_of)
        return BatchLook(measures, 0, self.policy)

    def _decision(self, change: Change, look: BatchLook) -> Decision:
        occasion = Occasion(
            reason=change.reason, as_of=self.live.as_of, decided_at=self.now, actor=self.viewer.subject
        )
        made = record(self.policy.version, look, change, occasion=occasion, calendar=self.held.calendar)
        life = life_after(self.life, made, self.policy.version_id)
        return Decision(0, self.policy, made, life.since, life.base_since)

    async def _audit(self, change: Change) -> None:
        await record_changed(
            self.connection,
            self.viewer,
            customer_id=self.customer_id,
            action=change.kind.value,
            object_kind="TIER_STANDING",
            object_id=self.policy.version.policy_code,
        )
