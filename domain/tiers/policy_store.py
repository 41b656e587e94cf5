"""Where policies are changed: one transaction at a time for each policy."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar
from domain.privacy.viewer import Viewer
from domain.tiers.canary import CanaryScope
from domain.tiers.policy import TierRule, VersionStatus
from domain.tiers.policy_preview import Preview
from domain.words import Words

CustomerIds = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A version of the policy that is held."""

    version_id: int
    number: int
    status: VersionStatus
    rule: TierRule
    effective_from: datetime | None
    effective_until: datetime | None
    """When it was last ended; null: it is in force, or never was for everybody."""
    scope: CanaryScope | None = None
    """While it is a canary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPreview:
    """What somebody has looked at; `changed_since`: how many customers changed after that."""

    active_version_id: int | None
    live_as_of: datetime
    customers: int
    changed_since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPolicy:
    """A policy that nobody else changes meanwhile; versions in the order of their numbers."""

    policy_id: int
    code: str
    versions: tuple[StoredVersion, ...]
    is_primary: bool
    """Used where no policy is named."""
    live_as_of: datetime
    seen_at: datetime
    """By the clock of the database: what is changed later shows a later moment."""
    calendar: Calendar

    @property
    def active(self) -> StoredVersion | None:
        return next((one for one in self.versions if one.status is VersionStatus.ACTIVE), None)

    @property
    def canary(self) -> StoredVersion | None:
        return next((one for one in self.versions if one.status is VersionStatus.CANARY), None)

    @property
    def scheduled(self) -> StoredVersion | None:
        return next((one for one in self.versions if one.status is VersionStatus.SCHEDULED), None)

    def find(self, version_id: int) -> StoredVersion | None:
        return next((one for one in self.versions if one.version_id == version_id), None)


class PolicyTransaction(Protocol):
    """One transaction over one policy; leaving it without an exception commits."""

    @property
    def policy(self) -> HeldPolicy:
        """As it is."""

    async def add_draft(self, rule: TierRule) -> int:
        """The id of a new version, numbered after the last one."""

    async def find_preview(self, preview_hash: str, version_id: int) -> RecordedPreview | None:
        """None: nobody has looked at this version and seen this."""

    async def put_in_force(
        self, version_id: int, rule: TierRule, *, action: str, reason: str | None = None
    ) -> None:
        """Ends what is in force, marks everybody for review, and publishes it. `rule`: with its places."""

    async def schedule(self, version_id: int, rule: TierRule, effective_from: datetime) -> None:
        """The night that opens a business day at that moment or after it puts the version in force."""

    async def begin_canary(
        self, version_id: int, rule: TierRule, scope: CanaryScope, group: CustomerIds, *, now: datetime
    ) -> None:
        """Beside what is in force, marks its customers for review, and publishes it. `rule`: with its places;
        `group`: whom its filter found, if it has one."""

    async def canary_group(self) -> CustomerIds:
        """Of the canary that runs, ascending; nobody, where it has a share of all customers."""

    async def widen_canary(self, scope: CanaryScope, newcomers: CustomerIds, *, now: datetime) -> None:
        """Marks those who come in, and publishes it. `newcomers`: to its group; without a filter the group ends."""

    async def promote_canary(self, rule: TierRule, *, now: datetime) -> None:
        """Puts it in force for everybody."""

    async def end_canary(self, reason: str, *, now: datetime) -> None:
        """Marks its customers, who are graded as all others again, and publishes it."""

    async def retire(self) -> int:
        """Ends what is in force and what is scheduled; how many customers hold a tier."""


class PolicyStore(Protocol):
    """Where policies are kept. Each change writes its audit in its own transaction."""

    def create(
        self, code: str, name: Words, viewer: Viewer
    ) -> AbstractAsyncContextManager[PolicyTransaction]:
        """A policy without versions. Raises DomainError DUPLICATE, or TOO_MANY where there is no room."""

    async def find(self, code: str) -> HeldPolicy:
        """As it is now, held by nobody. Raises DomainError UNKNOWN_POLICY."""

    async def find_of_version(self, version_id: int) -> HeldPolicy:
        """Likewise, the policy of a version. Raises DomainError NOT_FOUND."""

    async def record_preview(self, preview: Preview, policy: HeldPolicy, viewer: Viewer) -> None:
        """So that an activation may name it."""

    def hold(self, code: str, viewer: Viewer) -> AbstractAsyncContextManager[PolicyTransaction]:
        """Raises DomainError UNKNOWN_POLICY."""

    def hold_alone(self, code: str, viewer: Viewer) -> AbstractAsyncContextManager[PolicyTransaction]:
        """Likewise, and no standing is computed or changed meanwhile. Events are taken in all the same."""
