"""What people do to one standing: start and end a trial, set a tier by hand and take it back."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.calendar import Calendar, microseconds
from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.tiers import life_manual
from domain.tiers.life_change import Change
from domain.tiers.life_state import Override, OverrideKind, StandingState
from domain.tiers.policy import TierPolicyVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStanding:
    """A standing that nobody else changes meanwhile; `today` is the business day that is live."""

    version: TierPolicyVersion
    state: StandingState
    today: int
    calendar: Calendar


class StandingTransaction(Protocol):
    """One transaction; leaving it without an exception commits."""

    @property
    def held(self) -> HeldStanding:
        """As it is."""

    async def write(self, change: Change) -> None:
        """The decision, what follows from it, what is published of it, and the audit."""


class StandingStore(Protocol):
    """Where standings are changed one at a time."""

    def hold(
        self, customer_id: int, policy: str, *, viewer: Viewer, now: datetime
    ) -> AbstractAsyncContextManager[StandingTransaction]:
        """Raises DomainError NOT_FOUND, UNKNOWN_POLICY, or WRONG_STATE where nothing was decided yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who does what to whom: every use case below begins with it."""

    store: StandingStore
    customer_id: int
    policy: str
    viewer: Viewer
    now: datetime

    def hold(self) -> AbstractAsyncContextManager[StandingTransaction]:
        return self.store.hold(self.customer_id, self.policy, viewer=self.viewer, now=self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOverride:
    """`ends_at`: it holds to the end of that business day (edges of days are the shop's)."""

    tier: str
    kind: OverrideKind
    reason: str
    ends_at: datetime


async def start_trial(hand: Hand) -> bool:
    """S0-17. False: a trial is running already, and nothing was changed. Errors: see `life_manual`."""
    async with hand.hold() as transaction:
        held = transaction.held
        rule = held.version.rule
        change = life_manual.start_trial(
            rule.timing, held.state, highest_rank=len(rule.tiers), today=held.today
        )
        return await _written(transaction, change)


async def end_trial(hand: Hand) -> bool:
    """False: there is none to end."""
    async with hand.hold() as transaction:
        return await _written(
            transaction, life_manual.end_trial(transaction.held.state, today=transaction.held.today)
        )


async def set_override(hand: Hand, wanted: WantedOverride) -> bool:
    """False: the same override is in effect already. Errors: DomainError UNKNOWN_TIER and those of `life_manual`."""
    if wanted.ends_at <= hand.now:
        message = "This override would be over already: choose an end in the future."
        raise DomainError(ErrorCode.IN_THE_PAST, message, ("endsAt",))
    async with hand.hold() as transaction:
        held = transaction.held
        override = Override(
            rank=_rank_of(held.version, wanted.tier),
            first_day=held.today,
            last_day=held.calendar.day_number(microseconds(wanted.ends_at)),
            kind=wanted.kind,
            reason=wanted.reason,
            actor=hand.viewer.subject,
        )
        change = life_manual.set_override(held.state, override, today=held.today)
        return await _written(transaction, change)


async def end_override(hand: Hand) -> bool:
    """False: there is none to end."""
    async with hand.hold() as transaction:
        return await _written(
            transaction, life_manual.end_override(transaction.held.state, today=transaction.held.today)
        )


async def _written(transaction: StandingTransaction, change: Change | None) -> bool:
    if change:
        await transaction.write(change)
    return change is not None


def _rank_of(version: TierPolicyVersion, code: str) -> int:
    tier = version.rule.find_tier(code)
    if tier is None:
        known = ", ".join(one.code for one in version.rule.tiers)
        raise DomainError(ErrorCode.UNKNOWN_TIER, f"There is no tier {code!r}: choose {known}.", ("tier",))
    return tier.rank
