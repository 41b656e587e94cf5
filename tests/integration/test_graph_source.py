"""PostgreSQL as the graph sees it: true states, and changes that are never lost."""

import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from graph_dump import without_watermark
from sqlalchemy.ext.asyncio import create_async_engine

from db.graph_source import Pool, PostgresGraphFeed, mark_for_graph
from db.migrations import async_url
from db.tables import metadata
from domain.relationships.apply_changes import Round, apply_changes
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
from domain.relationships.ports import DirtyKey
from domain.relationships.rebuild_graph import rebuild_graph
from graph.embedded import EmbeddedGraph

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAID, CANCELLED = 2, 4
EMPTY_ALL = """
TRUNCATE customers, referrals, communities, products, categories, orders, order_lines, sources,
  dirty_graph_keys RESTART IDENTITY CASCADE
"""
SHOP = """
INSERT INTO sources (code, words, kind) VALUES ('till', 'Till', 'POS');
INSERT INTO categories (category_id, code, name) VALUES (0, 'fruit', 'Fruit'), (1, 'fish', 'Fish');
INSERT INTO products
  (source_id, external_id, name, category_id, unit_price_cents, high_margin, organic, imported)
SELECT 1, n, n, n % 2, 100, false, false, false FROM generate_series(1, 6) AS n;
INSERT INTO communities (source_id, external_id, name, city, leader_customer_id)
VALUES (1, 'a', 'A', 'X', 2), (1, 'b', 'B', 'X', 99);
INSERT INTO customers (kind, registered_at, community_id)
SELECT 'HOUSEHOLD', now(), CASE n WHEN 1 THEN 1 WHEN 2 THEN 77 END FROM generate_series(1, 4) AS n;
"""


@pytest.fixture(scope="module")
async def tables(database_url: str) -> str:
    engine = create_async_engine(async_url(database_url))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    return database_url


@pytest.fixture
async def pool(tables: str) -> AsyncIterator[Pool]:
    """Connections to a shop of four customers and six products that sold nothing yet."""
    async with asyncpg.create_pool(tables, min_size=1, max_size=4) as opened:
        await opened.execute(EMPTY_ALL)
        await opened.execute(SHOP)
        yield opened


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[EmbeddedGraph]:
    opened = await EmbeddedGraph.open(tmp_path / "graph.kgl")
    yield opened
    await opened.close()


async def sell(pool: Pool, customer_id: int, *products: int, days_ago: int = 0, status: int = PAID) -> int:
    """One order with a line of 5.00 for each product."""
    placed_at = NOON - timedelta(days=days_ago)
    row = {
        "customer_id": customer_id,
        "source_id": 1,
        "external_id": uuid.uuid4().hex,
        "placed_at": placed_at,
        "stated_at": placed_at,
        "status": status,
        "channel": 1,
        "charged_cents": 500 * len(products),
    }
    columns, marks = ", ".join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
    order_id: int = await pool.fetchval(
        f"INSERT INTO orders ({columns}) VALUES ({marks}) RETURNING order_id", *row.values()
    )
    await pool.executemany(
        "INSERT INTO order_lines VALUES ($1, $2, $3, $4, 1, 500)",
        [(customer_id, order_id, line, product) for line, product in enumerate(products, start=1)],
    )
    return order_id


async def mark(pool: Pool, kind: NodeKind, *ids: int) -> None:
    async with pool.acquire() as connection:
        await mark_for_graph(connection, kind, ids)


async def dirty_keys(pool: Pool) -> list[tuple[str, int]]:
    rows = await pool.fetch("SELECT kind, key FROM dirty_graph_keys ORDER BY kind, key")
    return [(row["kind"], row["key"]) for row in rows]


def customer(number: int) -> NodeKey:
    return NodeKey(NodeKind.CUSTOMER, number)


async def test_states_hold_what_counts_and_edges_with_both_ends(pool: Pool) -> None:
    await sell(pool, 1, 3, 4, days_ago=9)
    await sell(pool, 1, 3, 3, days_ago=2)
    await sell(pool, 1, 5, status=CANCELLED)
    await pool.execute("INSERT INTO referrals VALUES (1, 2, $1), (3, 3, $1), (4, 88, $1)", NOON)

    async with PostgresGraphFeed(pool).snapshot() as snapshot:
        assert snapshot is not None
        asked = [NodeKey(kind, number) for kind in NodeKind for number in (1, 2, 3, 4, 99)]
        states = await snapshot.states(asked)

    early, late = NOON - timedelta(days=9), NOON - timedelta(days=2)
    bought = (Purchase(3, 2, 1500, early, late), Purchase(4, 1, 500, early, early))
    assert states == Changes(
        customers=(CustomerState(1, Referral(2, NOON), 1, bought), *(CustomerState(n) for n in (2, 3, 4))),
        products=tuple(ProductState(number, number % 2) for number in (1, 2, 3, 4)),
        categories=(CategoryState(1),),
        communities=(CommunityState(1, leader_id=2), CommunityState(2)),
        gone=(
            *(NodeKey(NodeKind.CATEGORY, number) for number in (2, 3, 4, 99)),
            *(NodeKey(NodeKind.COMMUNITY, number) for number in (3, 4, 99)),
            customer(99),
            NodeKey(NodeKind.PRODUCT, 99),
        ),
    )


async def test_all_nodes_come_in_batches(pool: Pool) -> None:
    async with PostgresGraphFeed(pool).snapshot() as snapshot:
        assert snapshot is not None
        batches = [keys async for keys in snapshot.keys(batch=4)]

    assert [(keys[0].kind.value, [key.id for key in keys]) for keys in batches] == [
        ("CATEGORY", [0, 1]),
        ("PRODUCT", [1, 2, 3, 4]),
        ("PRODUCT", [5, 6]),
        ("COMMUNITY", [1, 2]),
        ("CUSTOMER", [1, 2, 3, 4]),
    ]


async def test_a_key_marked_again_during_a_round_stays_marked(pool: Pool) -> None:
    feed = PostgresGraphFeed(pool)
    await mark(pool, NodeKind.CUSTOMER, 1, 2)
    async with feed.snapshot() as snapshot:
        assert snapshot is not None
        taken = await snapshot.dirty(limit=10)
        await mark(pool, NodeKind.CUSTOMER, 1)

    await feed.settle(taken)

    assert await dirty_keys(pool) == [("CUSTOMER", 1)]


async def test_a_writer_is_not_waited_for_and_not_overlooked(pool: Pool) -> None:
    feed = PostgresGraphFeed(pool)
    await mark(pool, NodeKind.CUSTOMER, 1, 2)
    async with pool.acquire() as writer, writer.transaction():
        await mark_for_graph(writer, NodeKind.CUSTOMER, [1])
        async with feed.snapshot() as snapshot:
            assert snapshot is not None
            await feed.settle(await snapshot.dirty(limit=10))

    assert await dirty_keys(pool) == [("CUSTOMER", 1)]


async def test_only_one_snapshot_is_open_at_a_time(pool: Pool) -> None:
    feed = PostgresGraphFeed(pool)

    async with feed.snapshot() as first, feed.snapshot() as second:
        assert first is not None
        assert second is None
    async with feed.snapshot() as third:
        assert third is not None


async def test_a_key_put_aside_waits_until_it_changes_again(pool: Pool) -> None:
    feed = PostgresGraphFeed(pool)
    await mark(pool, NodeKind.CUSTOMER, 1, 2)
    async with feed.snapshot() as snapshot:
        assert snapshot is not None
        first, second = await snapshot.dirty(limit=10)

    await feed.put_aside(first, "too large")
    await feed.put_aside(DirtyKey(second.key, change_id=0), "outdated")
    await feed.put_aside(DirtyKey(customer(3), change_id=0), "found by a rebuild")

    lag = await feed.lag()
    assert (lag.pending, lag.put_aside) == (1, 2)
    await mark(pool, NodeKind.CUSTOMER, 1)
    lag = await feed.lag()
    assert (lag.pending, lag.put_aside) == (2, 1)


async def test_nothing_waiting_is_no_lag(pool: Pool) -> None:
    lag = await PostgresGraphFeed(pool).lag()

    assert (lag.pending, lag.oldest_marked_at, lag.put_aside) == (0, None, 0)


@pytest.mark.parametrize("seed", range(3))
async def test_a_shop_followed_change_by_change_equals_a_rebuild(
    pool: Pool, graph: EmbeddedGraph, seed: int
) -> None:
    dice, feed = random.Random(seed), PostgresGraphFeed(pool)
    await rebuild_graph(feed, graph, progress=lambda _: None)
    for _ in range(40):
        await change(pool, dice)
        if dice.random() < 0.3:
            await apply_changes(feed, graph, limit=2)
    while await apply_changes(feed, graph, limit=5) != Round():
        continue
    followed = await without_watermark(graph)

    await rebuild_graph(feed, graph, progress=lambda _: None, batch=3)

    assert len(followed[1]) > 10
    assert await without_watermark(graph) == followed
    assert await dirty_keys(pool) == []


async def change(pool: Pool, dice: random.Random) -> None:
    """Something happens to a customer, and what it touched is marked."""
    number = dice.randrange(1, 5)
    match dice.randrange(6):
        case 0 | 1:
            await sell(pool, number, *dice.sample(range(1, 7), 2), days_ago=dice.randrange(30))
        case 2:
            await pool.execute("UPDATE orders SET status = $2 WHERE customer_id = $1", number, CANCELLED)
        case 3:
            await pool.execute(
                "INSERT INTO referrals VALUES ($1, $2, $3)"
                " ON CONFLICT (customer_id) DO UPDATE SET referrer_id = $2",
                number,
                dice.randrange(1, 6),
                NOON,
            )
        case 4:
            await pool.execute(
                "UPDATE communities SET leader_customer_id = $1 WHERE community_id = 1",
                dice.choice([None, number]),
            )
            await mark(pool, NodeKind.COMMUNITY, 1)
        case _:
            await pool.execute(
                "UPDATE customers SET community_id = $2 WHERE customer_id = $1",
                number,
                dice.choice([None, 1, 2]),
            )
    await mark(pool, NodeKind.CUSTOMER, number)
