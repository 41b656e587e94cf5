"""`domain.pricing.set_member_day.MemberDayStore` over PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg

from db.audit_store import record_changed
from db.standing_store import answering
from domain.pricing.set_member_day import DayOffer, MemberDayTransaction
from domain.privacy.viewer import Viewer

HOLD = "LOCK TABLE member_day_offers IN SHARE ROW EXCLUSIVE MODE"
"""Writers wait for one another, readers for nobody."""
KNOWN = "SELECT product_id FROM products WHERE product_id = ANY($1::bigint[])"
OFFERS = """
SELECT product_id, percent, per_customer_limit FROM member_day_offers WHERE day = $1 ORDER BY product_id
"""
CLEAR = "DELETE FROM member_day_offers WHERE day = $1"
WRITE = """
INSERT INTO member_day_offers (day, product_id, percent, per_customer_limit)
SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::integer[])
"""


class PostgresMemberDayStore:
    """Over a pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @asynccontextmanager
    async def hold(self, on: date, viewer: Viewer) -> AsyncIterator[MemberDayTransaction]:
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute(HOLD)
            yield PostgresMemberDayTransaction(connection, on, viewer)


@dataclass(frozen=True, slots=True)
class PostgresMemberDayTransaction:
    connection: Any
    on: date
    viewer: Viewer

    async def known_products(self, product_ids: Sequence[int]) -> frozenset[int]:
        rows = await self.connection.fetch(KNOWN, list(product_ids))
        return frozenset(row["product_id"] for row in rows)

    async def offers(self) -> Sequence[DayOffer]:
        return [DayOffer(**dict(row)) for row in await self.connection.fetch(OFFERS, self.on)]

    async def write(self, offers: Sequence[DayOffer]) -> None:
        await self.connection.execute(CLEAR, self.on)
        await self.connection.execute(
            WRITE,
            self.on,
            [offer.product_id for offer in offers],
            [offer.percent for offer in offers],
            [offer.per_customer_limit for offer in offers],
        )
        await record_changed(
            self.connection,
            self.viewer,
            customer_id=None,
            action="MEMBER_DAY_SET",
            object_kind="MEMBER_DAY",
            object_id=self.on.isoformat(),
        )
