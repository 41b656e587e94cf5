"""Runs a version as a canary: on a stable share of customers, widened step by step, promoted or ended (S1-19)."""

from datetime import datetime
from decimal import Decimal

from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.standings.activate_policy import (
    require_free,
    require_no_canary,
    require_reason,
    require_same_base,
    version_of,
)
from domain.standings.preview_policy import StoredBase, placed
from domain.tiers.canary import buckets_of
from domain.tiers.policy import VersionStatus
from domain.tiers.policy_store import HeldPolicy, PolicyStore, StoredVersion


async def run_canary(  # noqa: PLR0913
    policies: PolicyStore,
    stored: StoredBase,
    *,
    version_id: int,
    preview_hash: str,
    share: Decimal,
    now: datetime,
    viewer: Viewer,
) -> None:
    """Begins one, or widens the one that runs: whoever is in it stays in it.

    *Errors*: DomainError NOT_FOUND, OUT_OF_RANGE, INVALID, WRONG_STATE, PREVIEW_REQUIRED, BASE_DRIFTED, CONFLICT.
    *Cost*: that of marking its customers; a ranking is placed first."""
    buckets_of(share)
    seen = await policies.find_of_version(version_id)
    rule = await placed(stored, seen, version_of(seen, version_id).rule)
    async with policies.hold_alone(seen.code, viewer) as transaction:
        held = transaction.policy
        version = version_of(held, version_id)
        require_room(held, version, share)
        require_same_base(held, await transaction.find_preview(preview_hash, version_id))
        if version.status is VersionStatus.CANARY:
            await transaction.widen_canary(share, now=now)
        else:
            await transaction.begin_canary(version_id, rule, share, now=now)


async def end_canary(
    policies: PolicyStore, *, policy: str, reason: str, now: datetime, viewer: Viewer
) -> int:
    """The id of the version that was tried. *Errors*: DomainError UNKNOWN_POLICY, REQUIRED, TOO_LONG, WRONG_STATE."""
    require_reason(reason)
    async with policies.hold_alone(policy, viewer) as transaction:
        canary = transaction.policy.canary
        if canary is None:
            message = f"No canary of {policy} runs: there is nothing to end."
            raise DomainError(ErrorCode.WRONG_STATE, message, ("policy",))
        await transaction.end_canary(reason.strip(), now=now)
    return canary.version_id


def require_room(policy: HeldPolicy, version: StoredVersion, share: Decimal) -> None:
    """Beside one version that is in force, and alone; the one that runs may only grow."""
    if version.status is VersionStatus.CANARY:
        if share <= (version.share or 0):
            message = f"This canary has {version.share} already: give a larger share, or end it."
            raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("scope", "share"))
        return
    require_free(version)
    require_no_canary(policy, "version")
    if policy.active is None:
        message = f"Nothing of {policy.code} is in force to compare with: leave the scope out."
        raise DomainError(ErrorCode.WRONG_STATE, message, ("scope",))
    if policy.scheduled:
        message = (
            f"Version {policy.scheduled.number} is scheduled: a canary would have another rest half way."
        )
        raise DomainError(ErrorCode.WRONG_STATE, message, ("version",))
