"""PostgreSQL as the graph sees it: which nodes changed, and what is true about them at one moment.

Writers mark a key in `dirty_graph_keys` in the transaction that changes it; marking again moves `change_id`.
The applier reads without locking and forgets only what has not been marked again, so writers never wait for
the graph. An edge is true when both of its ends exist.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg

from db.told import Changed, tell_nobody
from domain.relationships.edges import (
    CategoryState,
    Changes,
    CommunityState,
    CustomerState,
    NodeKey,
    NodeKind,
    ProductState,
    Purchase,
    Referral,
)
from domain.relationships.ports import DirtyKey, Lag

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

LOCK_KEY = 360_000_002
"""Held by the one applier of the installation; PostgreSQL frees it when its connection ends."""

MARK = """
INSERT INTO dirty_graph_keys (kind, key)
SELECT $1, key FROM unnest($2::bigint[]) AS key GROUP BY key ORDER BY key
ON CONFLICT (kind, key)
DO UPDATE SET change_id = excluded.change_id, marked_at = now(), attempts = 0, problem = NULL
"""
DIRTY = """
SELECT kind, key, change_id FROM dirty_graph_keys
WHERE problem IS NULL AND change_id > $1 ORDER BY change_id LIMIT $2
"""
SETTLE = """
WITH settled AS (
  SELECT kind, key FROM dirty_graph_keys
  JOIN unnest($1::text[], $2::bigint[], $3::bigint[]) AS applied (kind, key, change_id)
    USING (kind, key, change_id)
  FOR UPDATE OF dirty_graph_keys SKIP LOCKED
)
DELETE FROM dirty_graph_keys AS mark USING settled WHERE mark.kind = settled.kind AND mark.key = settled.key
"""
PUT_ASIDE = """
INSERT INTO dirty_graph_keys AS mark (kind, key, problem, attempts) VALUES ($1, $2, $4, 1)
ON CONFLICT (kind, key) DO UPDATE SET problem = $4, attempts = mark.attempts + 1 WHERE mark.change_id = $3
"""
LAG = """
SELECT count(*) FILTER (WHERE problem IS NULL) AS pending,
       min(marked_at) FILTER (WHERE problem IS NULL) AS oldest,
       count(problem) AS put_aside
FROM dirty_graph_keys
"""
CUSTOMERS = """
SELECT customers.customer_id, communities.community_id, referrer.customer_id AS referrer_id, referred_at
FROM customers
LEFT JOIN communities ON communities.community_id = customers.community_id
LEFT JOIN referrals ON referrals.customer_id = customers.customer_id
LEFT JOIN customers AS referrer
       ON referrer.customer_id = referrals.referrer_id AND referrer.customer_id <> customers.customer_id
WHERE customers.customer_id = ANY($1)
ORDER BY customers.customer_id
"""
PURCHASES = """
SELECT customer_id, product_id, count(DISTINCT order_id) AS orders,
       sum(order_lines.net_cents)::bigint AS amount_cents,
       min(counted_at) AS first_at, max(counted_at) AS last_at
FROM order_lines
JOIN orders USING (customer_id, order_id)
JOIN products USING (product_id)
WHERE customer_id = ANY($1) AND counted_at IS NOT NULL
GROUP BY customer_id, product_id
ORDER BY customer_id, product_id
"""
PRODUCTS = "SELECT product_id, category_id FROM products WHERE product_id = ANY($1) ORDER BY product_id"
CATEGORIES = "SELECT category_id FROM categories WHERE category_id = ANY($1) ORDER BY category_id"
COMMUNITIES = """
SELECT communities.community_id, leader.customer_id AS leader_id
FROM communities LEFT JOIN customers AS leader ON leader.customer_id = leader_customer_id
WHERE communities.community_id = ANY($1)
ORDER BY communities.community_id
"""
PAGES = {
    NodeKind.CATEGORY: "SELECT category_id FROM categories WHERE category_id > $1 ORDER BY 1 LIMIT $2",
    NodeKind.PRODUCT: "SELECT product_id FROM products WHERE product_id > $1 ORDER BY 1 LIMIT $2",
    NodeKind.COMMUNITY: "SELECT community_id FROM communities WHERE community_id > $1 ORDER BY 1 LIMIT $2",
    NodeKind.CUSTOMER: "SELECT customer_id FROM customers WHERE customer_id > $1 ORDER BY 1 LIMIT $2",
}


async def mark_for_graph(connection: Connection, kind: NodeKind, ids: Sequence[int]) -> None:
    """Says within the caller's transaction that the graph must read these nodes again."""
    await connection.execute(MARK, kind.value, list(ids))


class PostgresGraphFeed:
    """`domain.relationships.ports.GraphFeed` over a pool. `changed`: customers about whom the graph now says more."""

    def __init__(self, pool: Pool, changed: Changed = tell_nobody) -> None:
        self._pool = pool
        self._changed = changed

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["PostgresGraphSnapshot | None"]:
        async with self._pool.acquire() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
                yield None
                return
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    yield PostgresGraphSnapshot(connection, await connection.fetchval("SELECT now()"))
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)

    async def settle(self, applied: Sequence[DirtyKey]) -> None:
        columns = (
            [one.key.kind.value for one in applied],
            [one.key.id for one in applied],
            [one.change_id for one in applied],
        )
        await self._pool.execute(SETTLE, *columns)
        await self._changed({one.key.id for one in applied if one.key.kind is NodeKind.CUSTOMER})

    async def put_aside(self, dirty: DirtyKey, problem: str) -> None:
        await self._pool.execute(PUT_ASIDE, dirty.key.kind.value, dirty.key.id, dirty.change_id, problem)

    async def lag(self) -> Lag:
        row = await self._pool.fetchrow(LAG)
        assert row is not None
        return Lag(pending=row["pending"], oldest_marked_at=row["oldest"], put_aside=row["put_aside"])


@dataclass(frozen=True, slots=True)
class PostgresGraphSnapshot:
    """One moment of the database, in a transaction that only reads."""

    connection: Connection
    at: datetime

    async def dirty(self, *, limit: int, after: int = 0) -> list[DirtyKey]:
        rows = await self.connection.fetch(DIRTY, after, limit)
        return [DirtyKey(NodeKey(NodeKind(row["kind"]), row["key"]), row["change_id"]) for row in rows]

    async def states(self, keys: Sequence[NodeKey]) -> Changes:
        ids = {kind: [key.id for key in keys if key.kind is kind] for kind in NodeKind}
        customers = await self._customers(ids[NodeKind.CUSTOMER])
        products = await self._fetch(PRODUCTS, ids[NodeKind.PRODUCT])
        categories = await self._fetch(CATEGORIES, ids[NodeKind.CATEGORY])
        communities = await self._fetch(COMMUNITIES, ids[NodeKind.COMMUNITY])
        found = {NodeKey(NodeKind.CUSTOMER, one.customer_id) for one in customers}
        found |= {NodeKey(NodeKind.PRODUCT, row["product_id"]) for row in products}
        found |= {NodeKey(NodeKind.CATEGORY, row["category_id"]) for row in categories}
        found |= {NodeKey(NodeKind.COMMUNITY, row["community_id"]) for row in communities}
        return Changes(
            customers=tuple(customers),
            products=tuple(ProductState(row["product_id"], row["category_id"]) for row in products),
            categories=tuple(CategoryState(row["category_id"]) for row in categories),
            communities=tuple(CommunityState(row["community_id"], row["leader_id"]) for row in communities),
            gone=tuple(sorted(set(keys) - found)),
        )

    async def keys(self, *, batch: int) -> AsyncIterator[list[NodeKey]]:
        for kind, page in PAGES.items():
            after = -1
            while rows := await self.connection.fetch(page, after, batch):
                after = rows[-1][0]
                yield [NodeKey(kind, row[0]) for row in rows]

    async def _fetch(self, query: str, ids: list[int]) -> list[asyncpg.Record]:
        return await self.connection.fetch(query, ids) if ids else []

    async def _customers(self, ids: list[int]) -> list[CustomerState]:
        purchases: dict[int, list[Purchase]] = {}
        for row in await self._fetch(PURCHASES, ids):
            bought = Purchase(
                row["product_id"], row["orders"], row["amount_cents"], row["first_at"], row["last_at"]
            )
            purchases.setdefault(row["customer_id"], []).append(bought)
        return [
            CustomerState(
                row["customer_id"],
                _referral(row),
                row["community_id"],
                tuple(purchases.get(row["customer_id"], ())),
            )
            for row in await self._fetch(CUSTOMERS, ids)
        ]


def _referral(row: asyncpg.Record) -> Referral | None:
    return None if row["referrer_id"] is None else Referral(row["referrer_id"], row["referred_at"])
