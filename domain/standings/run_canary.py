"""Runs a version as a canary: on a stable share of customers or of a group, widened, promoted or ended (S1-19)."""

from datetime import datetime

import numpy as np

from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.standings.activate_policy import (
    require_free,
    require_no_canary,
    require_reason,
    require_same_base,
    version_of,
)
from domain.standings.preview_policy import ChosenCustomers, StoredBase, placed
from domain.tiers.canary import CanaryScope, bucket
from domain.tiers.policy import VersionStatus
from domain.tiers.policy_store import CustomerIds, HeldPolicy, PolicyStore, StoredVersion

NOBODY = np.zeros(0, np.int64)


async def run_canary(  # noqa: PLR0913
    policies: PolicyStore,
    stored: StoredBase,
    *,
    version_id: int,
    preview_hash: str,
    scope: CanaryScope,
    chosen: ChosenCustomers | None,
    now: datetime,
    viewer: Viewer,
) -> None:
    """Begins one, or widens the one that runs: whoever is in it stays in it. `chosen`: by the filter of the scope.

    *Errors*: DomainError NOT_FOUND, OUT_OF_RANGE, INVALID, UNSATISFIABLE, WRONG_STATE, PREVIEW_REQUIRED,
    BASE_DRIFTED, CONFLICT. *Cost*: that of finding the group and marking its customers; a ranking is placed first."""
    seen = await policies.find_of_version(version_id)
    buckets = scope.buckets
    group = NOBODY if chosen is None else await group_of(chosen, buckets, seen.policy_id)
    rule = await placed(stored, seen, version_of(seen, version_id).rule)
    async with policies.hold_alone(seen.code, viewer) as transaction:
        held = transaction.policy
        version = version_of(held, version_id)
        if version.status is not VersionStatus.CANARY:
            require_room(held, version)
            require_same_base(held, await transaction.find_preview(preview_hash, version_id))
            await transaction.begin_canary(version_id, rule, scope, group, now=now)
            return
        newcomers = np.setdiff1d(group, await transaction.canary_group(), assume_unique=True)
        require_wider(version, scope, len(newcomers))
        require_same_base(held, await transaction.find_preview(preview_hash, version_id))
        await transaction.widen_canary(scope, newcomers, now=now)


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


async def group_of(chosen: ChosenCustomers, buckets: int, policy_id: int) -> CustomerIds:
    """Whoever matches now: it is asked at each step that an operator takes, and never in between."""
    group = await chosen.everybody()
    if not len(group):
        message = "This filter finds nobody: try it in customers(where:), then give it here."
        raise DomainError(ErrorCode.UNSATISFIABLE, message, ("scope", "where"))
    if not (bucket(group, policy_id) < buckets).any():
        message = f"Lots take none of the {len(group)} customers of this group: give a larger share, or leave it out."
        raise DomainError(ErrorCode.UNSATISFIABLE, message, ("scope", "share"))
    return group


def require_room(policy: HeldPolicy, version: StoredVersion) -> None:
    """Beside one version that is in force, and alone."""
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


def require_wider(version: StoredVersion, scope: CanaryScope, newcomers: int) -> None:
    """Whoever is in it stays in it: the same group or everybody, and no smaller share."""
    before = version.scope
    assert before is not None, "a canary has a scope"
    if scope.where is not None and scope.where != before.where:
        group = "everybody" if before.where is None else "another group"
        message = f"This canary runs on {group}, who would leave it: widen its own scope, or end it."
        raise DomainError(ErrorCode.WRONG_STATE, message, ("scope", "where"))
    has_more = newcomers > 0 or scope.where != before.where
    if scope.share < before.share or (scope.share == before.share and not has_more):
        message = f"This canary has {before.share} already: give a larger share, promote it, or end it."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("scope", "share"))
