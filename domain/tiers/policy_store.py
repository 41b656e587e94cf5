"""Where policies are changed: one transaction at a time for each policy."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.calendar import Calendar
from domain.privacy.viewer import Viewer
from domain.tiers.policy import TierRule, VersionStatus
from domain.tiers.policy_preview import Preview
from domain.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A version of the policy that is held."""

    version_id: int
    number: int
    status: VersionStatus
    rule: TierRule


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPolicy:
    """A policy that nobody else changes meanwhile; versions in the order of their numbers."""

    policy_id: int
    code: str
    versions: tuple[StoredVersion, ...]
    live_as_of: datetime
    seen_at: datetime
    """By the clock of the database: what is changed later shows a later moment."""
    calendar: Calendar

    @property
    def active(self) -> StoredVersion | None:
        return next((one for one in self.versions if one.status is VersionStatus.ACTIVE), None)

    def find(self, version_id: int) -> StoredVersion | None:
        return next((one for one in self.versions if one.version_id == version_id), None)


class PolicyTransaction(Protocol):
    """One transaction over one policy; leaving it without an exception commits."""

    @property
    def policy(self) -> HeldPolicy:
        """As it is."""

    async def add_draft(self, rule: TierRule) -> int:
        """The id of a new version, numbered after the last one."""


class PolicyStore(Protocol):
    """Where policies are kept. Each change writes its audit in its own transaction."""

    def create(
        self, code: str, name: Words, viewer: Viewer
    ) -> AbstractAsyncContextManager[PolicyTransaction]:
        """A policy without versions. Raises DomainError DUPLICATE, or TOO_MANY where there is no room."""

    async def find(self, code: str) -> HeldPolicy:
        """As it is now, held by nobody. Raises DomainError UNKNOWN_POLICY."""

    async def record_preview(self, preview: Preview, policy: HeldPolicy, viewer: Viewer) -> None:
        """So that an activation may name it."""

    def hold(self, code: str, viewer: Viewer) -> AbstractAsyncContextManager[PolicyTransaction]:
        """Raises DomainError UNKNOWN_POLICY."""
