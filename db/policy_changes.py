"""`domain.tiers.policy_store.PolicyStore` over PostgreSQL: a policy is held by the lock of its row."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from db import policy_activation as activation
from db import policy_canaries as canaries
from db.audit_store import record_changed
from db.policy_store import INSERT_TIER, running_scope, tier_row
from db.review_store import LIVE_LOCK
from db.standing_store import answering
from domain.calendar import calendar_of
from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.standings.compute_standings import POLICY_SLOTS
from domain.tiers.canary import CanaryScope
from domain.tiers.policy import TierRule, VersionStatus
from domain.tiers.policy_preview import Preview
from domain.tiers.policy_store import (
    CustomerIds,
    HeldPolicy,
    PolicyTransaction,
    RecordedPreview,
    StoredVersion,
)
from domain.tiers.rule_json import rule_from_json, rule_to_json
from domain.words import Words

LOCK_POLICIES = "LOCK TABLE tier_policies IN SHARE ROW EXCLUSIVE MODE"
TAKEN = "SELECT policy_id, code FROM tier_policies"
INSERT_POLICY = "INSERT INTO tier_policies (policy_id, code, name) VALUES ($1, $2, $3)"
HOLD = "SELECT policy_id FROM tier_policies WHERE code = $1 FOR NO KEY UPDATE"
VERSIONS = """
SELECT v.version_id, number, status, rule::text, effective_from, effective_until, share, scope_where
FROM tier_policy_versions AS v LEFT JOIN tier_policy_canaries AS c ON c.version_id = v.version_id AND ended_at IS NULL
WHERE v.policy_id = $1 ORDER BY number
"""
LIVE = "SELECT live_as_of, time_zone, primary_policy, clock_timestamp() AS seen_at FROM shop"
FIND = "SELECT policy_id FROM tier_policies WHERE code = $1"
RECORD_PREVIEW = """
INSERT INTO tier_policy_previews (preview_hash, version_id, active_version_id, live_as_of, customers, moved, made_by,
                                  begun_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (preview_hash) DO UPDATE SET begun_at = excluded.begun_at, made_by = excluded.made_by
"""
CODE_OF_VERSION = """
SELECT code FROM tier_policies JOIN tier_policy_versions USING (policy_id) WHERE version_id = $1
"""
FIND_PREVIEW = """
SELECT active_version_id, live_as_of, customers,
       (SELECT count(*) FROM customers WHERE changed_at > begun_at) AS changed_since
FROM tier_policy_previews WHERE preview_hash = $1 AND version_id = $2
"""
HOLDERS = "SELECT count(*) FROM tier_standings WHERE policy_id = $1 AND rank IS NOT NULL"
DROP_OLD_PREVIEWS = "DELETE FROM tier_policy_previews WHERE begun_at < now() - INTERVAL '7 days'"
INSERT_DRAFT = """
INSERT INTO tier_policy_versions (policy_id, number, status, rule) VALUES ($1, $2, 'DRAFT', $3::jsonb)
RETURNING version_id
"""

Told = Callable[[], Awaitable[None]]


async def nobody_told() -> None:
    """No process remembers policies."""


class PostgresPolicyStore:
    """Over a pool. `changed` is told after each commit, before the change is acknowledged."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", changed: Told = nobody_told) -> None:
        self._pool = pool
        self._changed = changed

    @asynccontextmanager
    async def create(self, code: str, name: Words, viewer: Viewer) -> AsyncIterator[PolicyTransaction]:
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_POLICIES)
            policy_id = free_slot(await connection.fetch(TAKEN), code)
            await connection.execute(INSERT_POLICY, policy_id, code, name.zh)
            held = await held_policy(connection, policy_id, code)
            yield PostgresPolicyTransaction(connection, held, viewer)
        await self._changed()

    @asynccontextmanager
    async def hold(self, code: str, viewer: Viewer) -> AsyncIterator[PolicyTransaction]:
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            policy_id = await connection.fetchval(HOLD, code)
            held = await held_policy(connection, policy_id, code)
            yield PostgresPolicyTransaction(connection, held, viewer)
        await self._changed()

    @asynccontextmanager
    async def hold_alone(self, code: str, viewer: Viewer) -> AsyncIterator[PolicyTransaction]:
        """The night takes LIVE_LOCK first, too."""
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LIVE_LOCK)
            held = await held_policy(connection, await connection.fetchval(HOLD, code), code)
            yield PostgresPolicyTransaction(connection, held, viewer)
        await self._changed()

    async def find_of_version(self, version_id: int) -> HeldPolicy:
        async with answering(), self._pool.acquire() as connection:
            code = await connection.fetchval(CODE_OF_VERSION, version_id)
            if code is None:
                message = "There is no such version: take an id from tierPolicies."
                raise DomainError(ErrorCode.NOT_FOUND, message, ("version",))
            return await held_policy(connection, await connection.fetchval(FIND, code), code)

    async def find(self, code: str) -> HeldPolicy:
        async with answering(), self._pool.acquire() as connection:
            return await held_policy(connection, await connection.fetchval(FIND, code), code)

    async def record_preview(self, preview: Preview, policy: HeldPolicy, viewer: Viewer) -> None:
        base, moves = preview.base, preview.moves
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute(DROP_OLD_PREVIEWS)
            await connection.execute(
                RECORD_PREVIEW,
                preview.hash,
                base.version_id,
                base.active_version_id,
                base.live_as_of,
                moves.total,
                moves.moved,
                viewer.subject,
                policy.seen_at,
            )


def free_slot(taken: list[Any], code: str) -> int:
    """From the last one down: policies that ship take theirs from the first one up."""
    if any(row["code"] == code for row in taken):
        message = f"There is a policy {code!r} already: draft another version of it, or choose another code."
        raise DomainError(ErrorCode.DUPLICATE, message, ("code",))
    used = {row["policy_id"] for row in taken}
    free = [slot for slot in reversed(range(POLICY_SLOTS)) if slot not in used]
    if not free:
        message = f"There is room for {POLICY_SLOTS} policies: draft a version of one that is retired."
        raise DomainError(ErrorCode.TOO_MANY, message, ("code",))
    return free[0]


async def held_policy(connection: Any, policy_id: int | None, code: str) -> HeldPolicy:
    """Read once the lock is there, so that it shows what the one before has changed."""
    if policy_id is None:
        message = f"There is no policy {code!r}: choose a code that tierPolicies lists."
        raise DomainError(ErrorCode.UNKNOWN_POLICY, message, ("policy",))
    live = await connection.fetchrow(LIVE)
    versions = [
        StoredVersion(
            version_id=row["version_id"],
            number=row["number"],
            status=VersionStatus(row["status"]),
            rule=rule_from_json(json.loads(row["rule"])),
            effective_from=row["effective_from"],
            effective_until=row["effective_until"],
            scope=running_scope(row),
        )
        for row in await connection.fetch(VERSIONS, policy_id)
    ]
    return HeldPolicy(
        policy_id=policy_id,
        code=code,
        versions=tuple(versions),
        is_primary=live["primary_policy"] == code,
        live_as_of=live["live_as_of"],
        seen_at=live["seen_at"],
        calendar=calendar_of(live["time_zone"]),
    )


@dataclass(frozen=True, slots=True)
class PostgresPolicyTransaction:
    """Of one policy."""

    connection: Any
    policy: HeldPolicy
    viewer: Viewer

    async def add_draft(self, rule: TierRule) -> int:
        number = max((one.number for one in self.policy.versions), default=0) + 1
        document = json.dumps(rule_to_json(rule), ensure_ascii=False)
        version_id: int = await self.connection.fetchval(
            INSERT_DRAFT, self.policy.policy_id, number, document
        )
        rows = [tier_row(version_id, rule, tier) for tier in rule.tiers]
        await self.connection.executemany(INSERT_TIER, rows)
        await self.audit("DRAFTED", number)
        return version_id

    async def find_preview(self, preview_hash: str, version_id: int) -> RecordedPreview | None:
        row = await self.connection.fetchrow(FIND_PREVIEW, preview_hash, version_id)
        return RecordedPreview(**dict(row)) if row else None

    async def put_in_force(
        self, version_id: int, rule: TierRule, *, action: str, reason: str | None = None
    ) -> None:
        await activation.write_places(self.connection, version_id, rule)
        await activation.begin_version(self.connection, self.policy.policy_id, version_id)
        await self._record(action, self._number(version_id), reason)

    async def schedule(self, version_id: int, rule: TierRule, effective_from: datetime) -> None:
        await activation.write_places(self.connection, version_id, rule)
        await self.connection.execute(activation.SCHEDULE, version_id, effective_from)
        await self._record("SCHEDULED", self._number(version_id))

    async def begin_canary(
        self, version_id: int, rule: TierRule, scope: CanaryScope, group: CustomerIds, *, now: datetime
    ) -> None:
        assert self.policy.active is not None, "a canary runs beside what is in force"
        await activation.write_places(self.connection, version_id, rule)
        await self.connection.execute(canaries.SET_STATUS, version_id, "CANARY")
        canary = self._of(version_id)
        await canary.begin_group(group)
        await canary.mark(scope)
        event_id = await self._record("CANARY_BEGUN", self._number(version_id), scope=scope)
        control = self.policy.active.version_id
        row = (version_id, self.policy.policy_id, control, scope.share, now, event_id, scope.where)
        await self.connection.execute(canaries.INSERT, *row)

    async def canary_group(self) -> CustomerIds:
        return await canaries.read_group(self.connection, self._canary.version_id)

    async def widen_canary(self, scope: CanaryScope, newcomers: CustomerIds, *, now: datetime) -> None:
        before = self._canary.scope
        assert before is not None, "a canary has a scope"
        await self._of(self._canary.version_id).widen(before, scope, newcomers)
        event_id = await self._record("CANARY_WIDENED", self._canary.number, scope=scope)
        row = (self.policy.policy_id, scope.share, now, event_id, scope.where)
        await self.connection.execute(canaries.WIDEN, *row)

    async def promote_canary(self, rule: TierRule, *, now: datetime) -> None:
        version_id, number = self._canary.version_id, self._canary.number
        await activation.write_places(self.connection, version_id, rule)
        await activation.begin_version(self.connection, self.policy.policy_id, version_id)
        event_id = await self._record("ACTIVATED", number)
        await self.connection.execute(canaries.END, self.policy.policy_id, now, event_id, "PROMOTED", None)

    async def end_canary(self, reason: str, *, now: datetime) -> None:
        version_id, number, scope = self._canary.version_id, self._canary.number, self._canary.scope
        assert scope is not None, "a canary has a scope"
        await self.connection.execute(canaries.SET_STATUS, version_id, "RETIRED")
        await self._of(version_id).mark(scope)
        event_id = await self._record("CANARY_ENDED", number, reason)
        await self.connection.execute(canaries.END, self.policy.policy_id, now, event_id, "ENDED", reason)

    def _of(self, version_id: int) -> canaries.CanaryMarks:
        return canaries.CanaryMarks(self.connection, self.policy.policy_id, version_id)

    @property
    def _canary(self) -> StoredVersion:
        assert self.policy.canary is not None, "only a canary that runs is changed"
        return self.policy.canary

    async def retire(self) -> int:
        holders: int = await self.connection.fetchval(HOLDERS, self.policy.policy_id)
        await activation.end_policy(self.connection, self.policy.policy_id)
        assert self.policy.active is not None, "only what is in force is retired"
        await self._record("RETIRED", self.policy.active.number)
        return holders

    def _number(self, version_id: int) -> int:
        return next(one.number for one in self.policy.versions if one.version_id == version_id)

    async def _record(
        self, action: str, number: int, reason: str | None = None, *, scope: CanaryScope | None = None
    ) -> int:
        """The id of what is published."""
        await self.audit(action, number)
        code = self.policy.code
        return await activation.publish(
            self.connection, code=code, number=number, action=action, reason=reason, scope=scope
        )

    async def audit(self, action: str, number: int) -> None:
        await record_changed(
            self.connection,
            self.viewer,
            customer_id=None,
            action=action,
            object_kind="TIER_POLICY",
            object_id=f"{self.policy.code} {number}",
        )
