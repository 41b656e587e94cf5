"""Puts versions of policies in force and takes them back: what was looked at, once, and everybody is reviewed."""

from datetime import datetime

from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.standings.preview_policy import StoredBase, placed
from domain.tiers.policy import VersionStatus
from domain.tiers.policy_store import HeldPolicy, PolicyStore, RecordedPreview, StoredVersion

DRIFT_PERCENT = 1
"""So many customers may have changed since a preview; more, and it says nothing any more."""
MAXIMUM_REASON = 500


async def activate_version(  # noqa: PLR0913
    policies: PolicyStore,
    stored: StoredBase,
    *,
    version_id: int,
    preview_hash: str,
    effective_from: datetime | None,
    now: datetime,
    viewer: Viewer,
) -> None:
    """For everybody, at once or scheduled for the business day that begins at `effective_from` or after it. A canary
    is promoted.

    *Errors*: DomainError NOT_FOUND, IN_THE_PAST, WRONG_STATE, PREVIEW_REQUIRED, BASE_DRIFTED, and CONFLICT where
    somebody else was quicker or the version is in force or scheduled already. *Cost*: that of marking everybody; a
    ranking is placed first.
    """
    if effective_from is not None and effective_from <= now:
        message = "A version cannot begin in the past: choose a later moment, or none to begin now."
        raise DomainError(ErrorCode.IN_THE_PAST, message, ("effectiveFrom",))
    seen = await policies.find_of_version(version_id)
    rule = await placed(stored, seen, version_of(seen, version_id).rule)
    async with policies.hold_alone(seen.code, viewer) as transaction:
        held = transaction.policy
        require_activable(held, version_of(held, version_id), effective_from)
        require_same_base(held, await transaction.find_preview(preview_hash, version_id))
        if held.canary:
            await transaction.promote_canary(rule, now=now)
        elif effective_from is None:
            await transaction.put_in_force(version_id, rule, action="ACTIVATED")
        else:
            await transaction.schedule(version_id, rule, effective_from)


async def roll_back(
    policies: PolicyStore, stored: StoredBase, *, policy: str, reason: str, viewer: Viewer
) -> int:
    """The id of the version that was in force before, which is again; nobody has to look first.

    *Errors*: DomainError UNKNOWN_POLICY, REQUIRED, TOO_LONG, WRONG_STATE, CONFLICT."""
    require_reason(reason)
    seen = await policies.find(policy)
    target = version_before(seen)
    rule = await placed(stored, seen, target.rule)
    async with policies.hold_alone(policy, viewer) as transaction:
        require_no_canary(transaction.policy, "policy")
        if transaction.policy.active != seen.active or version_before(transaction.policy) != target:
            raise conflict("policy")
        await transaction.put_in_force(target.version_id, rule, action="ROLLED_BACK", reason=reason.strip())
    return target.version_id


async def retire_policy(policies: PolicyStore, *, policy: str, viewer: Viewer) -> int:
    """How many customers leave its tiers. *Errors*: DomainError UNKNOWN_POLICY, WRONG_STATE."""
    async with policies.hold_alone(policy, viewer) as transaction:
        require_no_canary(transaction.policy, "policy")
        if transaction.policy.active is None:
            message = f"Nothing of {policy} is in force: there is nothing to retire."
            raise DomainError(ErrorCode.WRONG_STATE, message, ("policy",))
        if transaction.policy.is_primary:
            message = f"{policy} is used where no policy is named: make another one primary first."
            raise DomainError(ErrorCode.WRONG_STATE, message, ("policy",))
        return await transaction.retire()


def version_of(policy: HeldPolicy, version_id: int) -> StoredVersion:
    found = policy.find(version_id)
    assert found is not None, "the policy was found by this version"
    return found


def version_before(policy: HeldPolicy) -> StoredVersion:
    """What was in force last before what is now."""
    ended = [one for one in policy.versions if one.effective_until is not None and one != policy.active]
    if not ended:
        message = f"Nothing of {policy.code} was in force before: there is nothing to go back to."
        raise DomainError(ErrorCode.WRONG_STATE, message, ("policy",))
    return max(ended, key=lambda one: (one.effective_until, one.number))


def require_activable(policy: HeldPolicy, version: StoredVersion, effective_from: datetime | None) -> None:
    if version.status is not VersionStatus.CANARY:
        require_free(version)
        require_no_canary(policy, "version")
    elif effective_from is not None:
        message = "This version runs as a canary: promote it at once, or end it."
        raise DomainError(ErrorCode.WRONG_STATE, message, ("effectiveFrom",))


def require_no_canary(policy: HeldPolicy, field: str) -> None:
    if policy.canary:
        message = f"Version {policy.canary.number} runs as a canary: promote it or end it first."
        raise DomainError(ErrorCode.WRONG_STATE, message, (field,))


def require_free(version: StoredVersion) -> None:
    match version.status:
        case VersionStatus.RETIRED:
            message = "This version is retired: draft it again, or roll back if it was in force last."
            raise DomainError(ErrorCode.WRONG_STATE, message, ("version",))
        case VersionStatus.ACTIVE:
            message = "This version is in force already: draft another one for what you want to change."
            raise DomainError(ErrorCode.CONFLICT, message, ("version",))
        case VersionStatus.SCHEDULED:
            assert version.effective_from is not None, "what is scheduled has a moment"
            begins = version.effective_from.isoformat()
            message = f"This version is scheduled for {begins}: it begins by itself, there is nothing to do."
            raise DomainError(ErrorCode.CONFLICT, message, ("version",))


def require_same_base(policy: HeldPolicy, preview: RecordedPreview | None) -> None:
    """What was looked at is what would change now."""
    if preview is None:
        message = (
            "Nobody has looked at this: run tierPolicyPreview for the version and give the hash it answers."
        )
        raise DomainError(ErrorCode.PREVIEW_REQUIRED, message, ("previewHash",))
    active = policy.active.version_id if policy.active else None
    if preview.active_version_id != active:
        raise conflict("previewHash")
    is_other_day = preview.live_as_of != policy.live_as_of
    if is_other_day or preview.changed_since * 100 > preview.customers * DRIFT_PERCENT:
        message = "The customers are others than those of the preview: look again and give the new hash."
        raise DomainError(ErrorCode.BASE_DRIFTED, message, ("previewHash",))


def require_reason(reason: str) -> None:
    if not reason.strip():
        raise DomainError(ErrorCode.REQUIRED, "Say why, for the record.", ("reason",))
    if len(reason) > MAXIMUM_REASON:
        message = f"A reason has at most {MAXIMUM_REASON} characters: shorten it."
        raise DomainError(ErrorCode.TOO_LONG, message, ("reason",))


def conflict(field: str) -> DomainError:
    message = "Somebody else changed this policy meanwhile: look at it again, then decide."
    return DomainError(ErrorCode.CONFLICT, message, (field,))
