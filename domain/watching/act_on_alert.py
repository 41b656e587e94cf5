"""What people do about an alert: see to it, and say what became of it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.watching.alert import AlertStatus

LONGEST_NOTE = 500


class AlertTransaction(Protocol):
    """One alert that nobody else changes meanwhile; leaving without an exception commits."""

    @property
    def status(self) -> AlertStatus:
        """As it is."""

    async def write(self, status: AlertStatus, note: str | None) -> None:
        """With who did it and when, and the audit."""


class AlertStore(Protocol):
    def hold(
        self, alert_id: int, *, viewer: Viewer, now: datetime
    ) -> AbstractAsyncContextManager[AlertTransaction]:
        """Raises DomainError NOT_FOUND."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertHand:
    """Who acts on which alert."""

    store: AlertStore
    alert_id: int
    viewer: Viewer
    now: datetime

    def hold(self) -> AbstractAsyncContextManager[AlertTransaction]:
        return self.store.hold(self.alert_id, viewer=self.viewer, now=self.now)


async def acknowledge(hand: AlertHand) -> bool:
    """False: somebody sees to it already. Errors: WRONG_STATE when it is resolved."""
    async with hand.hold() as transaction:
        match transaction.status:
            case AlertStatus.ACKNOWLEDGED:
                return False
            case AlertStatus.RESOLVED:
                message = "This alert is resolved: there is nothing left to see to."
                raise DomainError(ErrorCode.WRONG_STATE, message, ("id",))
        await transaction.write(AlertStatus.ACKNOWLEDGED, None)
        return True


async def resolve(hand: AlertHand, note: str) -> bool:
    """False: it is resolved already, and its note stays. Errors: REQUIRED, TOO_LONG."""
    note = note.strip()
    if not note:
        raise DomainError(ErrorCode.REQUIRED, "Say in a few words what became of it.", ("note",))
    if len(note) > LONGEST_NOTE:
        message = f"A note has at most {LONGEST_NOTE} characters: shorten it."
        raise DomainError(ErrorCode.TOO_LONG, message, ("note",))
    async with hand.hold() as transaction:
        if transaction.status is AlertStatus.RESOLVED:
            return False
        await transaction.write(AlertStatus.RESOLVED, note)
        return True
