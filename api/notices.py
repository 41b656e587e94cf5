"""The part of a worker that tells customers: queues what the outbox calls for, and sends what is due."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from api.metrics import GaugeSource
from api.notice_senders import open_sender
from api.settings import Settings
from api.stores import Stores
from api.tasks import end_task
from db.cache_versions import CacheVersions
from db.notice_feed import NoticeFeed
from db.notice_store import NoticeCounts, PostgresNoticeStore, count_notices
from db.outbox_events import Fetch
from domain.errors import StoreUnavailable
from domain.notices.notice import MessageStatus
from domain.notices.send_notices import NoticeSender, Patience, send_notices

logger = logging.getLogger("c360.notices")

IDLE_SECONDS = 1.0
AT_ONCE = 32
GRACE_SECONDS = 3.0
"""At the end what is under way may still be answered; cut short, it would be sent again by another worker."""


@dataclass(frozen=True, slots=True)
class NoticeDesk:
    """What one worker tells, and how."""

    feed: NoticeFeed
    store: PostgresNoticeStore
    sender: NoticeSender
    patience: Patience

    async def begin(self) -> None:
        await self.feed.begin()
        for code in await self.feed.unknown_policies():
            logger.warning("there is no such tier policy", extra={"fields": {"policy": code}})

    async def round(self) -> bool:
        """Whether there may be more to do at once."""
        has_more = await self.feed.queue()
        outcomes = await send_notices(self.store, self.sender, self.patience, limit=AT_ONCE)
        if outcomes:
            fields = {"sent": outcomes[MessageStatus.SENT], "failed": outcomes[MessageStatus.FAILED]}
            fields["again"] = outcomes[MessageStatus.QUEUED]
            logger.info("notices sent", extra={"fields": fields})
        return has_more or outcomes.total() == AT_ONCE


def open_desk(settings: Settings, stores: Stores, versions: CacheVersions) -> NoticeDesk:
    changed = versions.customers_changed
    channels = list(dict.fromkeys(channel.value for channel in settings.notices_channels))
    return NoticeDesk(
        feed=NoticeFeed(stores.pool, changed, channels=channels, policies=settings.notices_policies),
        store=PostgresNoticeStore(stores.pool, changed),
        sender=open_sender(settings),
        patience=Patience(settings.notices_attempts, random.random),
    )


@asynccontextmanager
async def telling(
    settings: Settings, stores: Stores, versions: CacheVersions, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Beside whatever else a worker does; nothing where no channel is set."""
    if not settings.notices_channels:
        yield
        return
    task = asyncio.create_task(keep_telling(open_desk(settings, stores, versions), stop))
    try:
        yield
    finally:
        if stop.is_set():
            await asyncio.wait({task}, timeout=GRACE_SECONDS)
        await end_task(task)


async def keep_telling(desk: NoticeDesk, stop: asyncio.Event) -> None:
    """Until `stop`; survives whatever the database does."""
    has_begun = False
    while not stop.is_set():
        try:
            if not has_begun:
                await desk.begin()
                has_begun = True
            is_busy = await desk.round()
        except Exception:
            logger.exception("notices pause")  # whatever it is: tried again after a moment
            is_busy = False
        if not is_busy:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), IDLE_SECONDS)


@dataclass(slots=True)
class NoticeFigures:
    """Counted when somebody scrapes; not a number while PostgreSQL is away."""

    reads: Fetch
    counts: NoticeCounts | None = field(default=None)

    async def count(self) -> None:
        try:
            self.counts = await count_notices(self.reads)
        except StoreUnavailable:
            self.counts = None

    def read(self, name: str) -> float:
        return float("nan") if self.counts is None else float(getattr(self.counts, name))

    def gauges(self) -> tuple[GaugeSource, ...]:
        return (
            GaugeSource("notices_waiting", "Notices to be sent.", lambda: self.read("waiting")),
            GaugeSource("notices_sent", "Notices sent in 24 hours.", lambda: self.read("sent")),
            GaugeSource("notices_failed", "Notices given up in 24 hours.", lambda: self.read("failed")),
        )
