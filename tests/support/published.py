"""Everything that was published, as subscribers read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.outbox_events import OutboxTable
from domain.live.events import LiveEvent


@dataclass(frozen=True, slots=True)
class PoolReads:
    """`db.outbox_events.Fetch` over a pool of asyncpg."""

    pool: Any

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        rows: Sequence[Any] = await self.pool.fetch(sql, *arguments)
        return rows


def outbox_of(pool: Any) -> OutboxTable:
    return OutboxTable(PoolReads(pool))


async def published(pool: Any, *, after: int = 0, page: int = 500) -> list[LiveEvent]:
    outbox, found = outbox_of(pool), list[LiveEvent]()
    while some := await outbox.read_after(found[-1].event_id if found else after, page):
        found += some
    return found


async def told_decisions(pool: Any) -> list[int]:
    """The ids of decisions that subscribers of tierChanged get, in their order."""
    return [event.event_id for event in await published(pool) if event.kind == "TIER_CHANGED"]
