"""A shop whose customers are told of their tiers: desks, what they sent, and the notices there are."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from shops import TestShop, event, order

from api.notices import NoticeDesk
from db.notice_feed import NoticeFeed
from db.notice_store import PostgresNoticeStore
from domain.notices.notice import Notice
from domain.notices.send_notices import NotDelivered, NoticeSender, Patience

BOTH = ("SMS", "APP_PUSH")
NOTICES = """
SELECT external_id, channel, notices.kind, content->>'from', content->>'to', status, attempts
FROM notices JOIN customer_refs USING (customer_id) ORDER BY event_id, channel
"""
LOSE_LEASES = "UPDATE notices SET due_at = now() WHERE status = 'QUEUED'"


@dataclass(slots=True)
class Recorder:
    """A sender that keeps what it is given; `refuses` says why it does not take a notice over."""

    refuses: Callable[[Notice], str | None] = lambda _: None
    taken: list[Notice] = field(default_factory=list)
    seconds: float = 0.0

    async def send(self, notice: Notice) -> None:
        await asyncio.sleep(self.seconds)
        self.taken.append(notice)
        if problem := self.refuses(notice):
            raise NotDelivered(problem)


@dataclass(slots=True)
class ToldShop:
    """`changed`: whose kept answers were dropped."""

    shop: TestShop
    sender: Recorder = field(default_factory=Recorder)
    changed: list[int] = field(default_factory=list)

    async def forget(self, customer_ids: Collection[int]) -> bool:
        self.changed += customer_ids
        return True

    def desk(self, sender: NoticeSender | None = None, *, attempts: int = 3, **feed: Any) -> NoticeDesk:
        return NoticeDesk(
            feed=NoticeFeed(self.shop.pool, self.forget, **{"channels": BOTH, **feed}),
            store=PostgresNoticeStore(self.shop.pool, self.forget),
            sender=sender or self.sender,
            patience=Patience(attempts, lambda: 0.0),
        )

    async def notices(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.shop.pool.fetch(NOTICES)]

    async def rises(self, *names: str) -> None:
        """From bronze to gold: one order of 100,000 CNY."""
        await self.shop.ingest(*(event(name, order(name, 10_000_000)) for name in names))
        await self.shop.review()


async def drain(desk: NoticeDesk) -> None:
    while await desk.round():
        pass
