"""Sends what is due, tries again what failed, gives up in the end."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.notices.notice import MessageStatus, Notice
from domain.notices.retries import wait_seconds

CUT_SHORT = "the last attempt was cut short: whether it arrived is not known"


class NotDelivered(Exception):
    """An attempt failed. The reason is shown to staff and names no customer, address or answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt. `wait_seconds`: until the next one, where QUEUED."""

    status: MessageStatus
    problem: str | None = None
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Attempts before a notice is given up, and what spreads those that failed together, 0..1."""

    attempts: int
    chance: Callable[[], float]

    def after_failure(self, attempt: int, problem: str) -> Outcome:
        if attempt >= self.attempts:
            return Outcome(status=MessageStatus.FAILED, problem=problem)
        wait = wait_seconds(attempt, self.chance())
        return Outcome(status=MessageStatus.QUEUED, problem=problem, wait_seconds=wait)


class NoticeSender(Protocol):
    async def send(self, notice: Notice) -> None:
        """Returns when somebody has taken it over. Raises NotDelivered."""


class NoticeStore(Protocol):
    async def take(self, limit: int) -> Sequence[Notice]:
        """Those due, which nobody else gets for a while, in order for each customer and channel.

        Not settled in that while, as by a process that was killed, they are due again.
        """

    async def settle(self, notice: Notice, outcome: Outcome) -> None:
        """Does nothing where somebody else has taken it meanwhile."""


async def send_notices(
    store: NoticeStore, sender: NoticeSender, patience: Patience, *, limit: int
) -> Counter[MessageStatus]:
    """How many had which outcome, QUEUED being another attempt. At most `limit`, all at the same time."""
    outcomes: list[Outcome] = []

    async def send(notice: Notice) -> None:
        outcome = await attempt(sender, notice, patience)
        await store.settle(notice, outcome)
        outcomes.append(outcome)

    async with asyncio.TaskGroup() as group:
        for notice in await store.take(limit):
            group.create_task(send(notice))
    return Counter(outcome.status for outcome in outcomes)


async def attempt(sender: NoticeSender, notice: Notice, patience: Patience) -> Outcome:
    if notice.attempt > patience.attempts:
        return Outcome(status=MessageStatus.FAILED, problem=CUT_SHORT)
    try:
        await sender.send(notice)
    except NotDelivered as failed:
        return patience.after_failure(notice.attempt, str(failed))
    return Outcome(status=MessageStatus.SENT)
