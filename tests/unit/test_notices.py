"""A notice, its retries and its signature, without stores or network."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notices.notice import MessageChannel, MessageStatus, Notice, NoticeKind
from domain.notices.retries import LONGEST_WAIT_SECONDS, wait_seconds
from domain.notices.send_notices import CUT_SHORT, NotDelivered, Outcome, Patience, send_notices
from domain.notices.signature import signature

NOTICE = Notice(
    notice_id=7,
    customer_id=42,
    event_id=9,
    channel=MessageChannel.SMS,
    kind=NoticeKind.TIER_CHANGED,
    attempt=1,
    content={"policy": "kuailv_grade", "from": "SILVER", "to": "GOLD"},
)
SENT, AGAIN, FAILED = MessageStatus.SENT, MessageStatus.QUEUED, MessageStatus.FAILED


@dataclass(slots=True)
class Store:
    """What is due, and what became of it by message."""

    due: list[Notice]
    settled: dict[str, Outcome] = field(default_factory=dict)

    async def take(self, limit: int) -> Sequence[Notice]:
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken

    async def settle(self, notice: Notice, outcome: Outcome) -> None:
        self.settled[notice.message_id] = outcome


@dataclass(slots=True)
class Sender:
    """Refuses with `problem` where there is one."""

    problem: str | None = None
    sent: list[str] = field(default_factory=list)

    async def send(self, notice: Notice) -> None:
        self.sent.append(notice.message_id)
        if self.problem:
            raise NotDelivered(self.problem)


def patience(attempts: int = 3, chance: float = 0.0) -> Patience:
    return Patience(attempts, lambda: chance)


def test_the_body_says_who_what_and_by_which_channel_and_nothing_more() -> None:
    assert json.loads(NOTICE.body()) == {
        "id": "msg_7",
        "kind": "TIER_CHANGED",
        "channel": "SMS",
        "customer": "cus_42",
        "policy": "kuailv_grade",
        "from": "SILVER",
        "to": "GOLD",
    }


def test_every_attempt_says_the_same() -> None:
    assert replace(NOTICE, attempt=5).body() == NOTICE.body()


def test_waits_double_up_to_three_hours() -> None:
    waits = [wait_seconds(attempt, 0.0) for attempt in (1, 2, 3, 4, 11, 12, 1_000_000)]

    assert waits == [10, 20, 40, 80, 10240, 10800, 10800]


@given(attempt=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_chance_takes_at_most_half_of_a_wait(attempt: int, chance: float) -> None:
    longest = wait_seconds(attempt, 0.0)

    assert longest / 2 <= wait_seconds(attempt, chance) <= longest <= LONGEST_WAIT_SECONDS


def test_twelve_attempts_take_less_than_six_hours() -> None:
    waits = [wait_seconds(attempt, 0.0) / 3600 for attempt in range(1, 12)]

    assert 5.6 < sum(waits) < 5.7


def test_the_signature_covers_time_and_body() -> None:
    expected = hmac.new(b"a secret", b"1764000000.{}", hashlib.sha256).hexdigest()

    assert signature(b"a secret", b"{}", at_seconds=1764000000) == f"t=1764000000,v1={expected}"


async def test_what_is_taken_over_is_sent() -> None:
    store, sender = Store([NOTICE]), Sender()

    outcomes = await send_notices(store, sender, patience(), limit=10)

    assert outcomes == Counter({SENT: 1})
    assert store.settled == {"msg_7": Outcome(status=SENT)}


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (1, Outcome(status=AGAIN, problem="status 503", wait_seconds=7.5)),
        (2, Outcome(status=AGAIN, problem="status 503", wait_seconds=15.0)),
        (3, Outcome(status=FAILED, problem="status 503")),
    ],
)
async def test_a_failure_is_tried_again_and_given_up_in_the_end(attempt: int, expected: Outcome) -> None:
    store = Store([replace(NOTICE, attempt=attempt)])

    await send_notices(store, Sender("status 503"), patience(chance=0.5), limit=10)

    assert store.settled == {"msg_7": expected}


async def test_one_whose_last_attempt_was_cut_short_is_not_sent_once_more() -> None:
    store, sender = Store([replace(NOTICE, attempt=4)]), Sender()

    await send_notices(store, sender, patience(), limit=10)

    assert store.settled == {"msg_7": Outcome(status=FAILED, problem=CUT_SHORT)}
    assert sender.sent == []


async def test_those_of_a_batch_do_not_wait_for_one_another() -> None:
    store = Store([replace(NOTICE, notice_id=number) for number in range(8)])
    there = asyncio.Barrier(5)

    class Together:
        async def send(self, _: Any) -> None:
            await there.wait()

    async with asyncio.timeout(5):
        outcomes = await send_notices(store, Together(), patience(), limit=5)

    assert outcomes == Counter({SENT: 5})
    assert len(store.due) == 3
