"""`domain.tiers.policy_store.PolicyStore` over PostgreSQL: a policy is held by the lock of its row."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.audit_store import record_changed
from db.policy_store import INSERT_TIER, tier_row
from db.standing_store import answering
from domain.calendar import calendar_of
from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.standings.compute_standings import POLICY_SLOTS
from domain.tiers.policy import TierRule, VersionStatus
from domain.tiers.policy_preview import Preview
from domain.tiers.policy_store import HeldPolicy, PolicyTransaction, StoredVersion
from domain.tiers.rule_json import rule_from_json, rule_to_json
from domain.words import Words

LOCK_POLICIES = "LOCK TABLE tier_policies IN SHARE ROW EXCLUSIVE MODE"
TAKEN = "SELECT policy_id, code FROM tier_policies"
INSERT_POLICY = "INSERT INTO tier_policies (policy_id, code, name) VALUES ($1, $2, $3)"
HOLD = "SELECT policy_id FROM tier_policies WHERE code = $1 FOR NO KEY UPDATE"
VERSIONS = """
SELECT version_id, number, status, rule::text FROM tier_policy_versions WHERE policy_id = $1 ORDER BY number
"""
LIVE = "SELECT live_as_of, time_zone, clock_timestamp() AS seen_at FROM shop"
FIND = "SELECT policy_id FROM tier_policies WHERE code = $1"
RECORD_PREVIEW = """
INSERT INTO tier_policy_previews (preview_hash, version_id, active_version_id, live_as_of, customers, moved, made_by,
                                  begun_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (preview_hash) DO UPDATE SET begun_at = excluded.begun_at, made_by = excluded.made_by
"""
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
        )
        for row in await connection.fetch(VERSIONS, policy_id)
    ]
    return HeldPolicy(
        policy_id=policy_id,
        code=code,
        versions=tuple(versions),
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

    async def audit(self, action: str, number: int) -> None:
        await record_changed(
            self.connection,
            self.viewer,
            customer_id=None,
            action=action,
            object_kind="TIER_POLICY",
            object_id=f"{self.policy.code} {number}",
        )
