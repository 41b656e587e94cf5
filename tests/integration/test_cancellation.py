"""Who leaves, or takes too long, leaves nothing behind in PostgreSQL: over HTTP, SSE and WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from live_server import serving
from postgres_proxy import proxied
from retailer import Retailer
from websockets.asyncio.client import connect

from api.app import AppParts
from api.auth import Tokens
from db.read_pool import ReadPool, ReadSettings
from domain.errors import StoreUnavailable
from resolvers.live import encode_event

QUERY = "{ customers(first: 2) { nodes { id profile { kind } orders(first: 2) { nodes { id } } } } }"
FEED = 'subscription { tierChanged(after: "%s") { customer { id } to { name } } }'
ACTIVE = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'customer360 read' AND state = 'active' AND datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A server over the retailer, and a connection that watches PostgreSQL."""

    url: str
    retailer: Retailer
    watcher: "asyncpg.Connection[asyncpg.Record]"

    async def becomes_active(self, number: int) -> bool:
        """Long before a statement's own time is over."""
        for _ in range(100):
            if await self.watcher.fetchval(ACTIVE) == number:
                return True
            await asyncio.sleep(0.03)
        return False

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Whoever reads the table waits."""
        async with self.retailer.stores.pool.acquire() as connection, connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield


def parts_of(retailer: Retailer, **more: float) -> AppParts:
    """demo: no tokens needed."""
    tokens = Tokens(Ed25519PrivateKey.generate())
    return AppParts(engine=retailer.api, tokens=tokens, sdl="", demo=True, **more)  # type: ignore[arg-type]


@pytest.fixture
async def hasty(retailer: Retailer) -> AsyncIterator[httpx.AsyncClient]:
    """Of a server that gives an operation little time."""
    async with (
        serving(parts_of(retailer, operation_seconds=0.3)) as (url, _),
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


@pytest.fixture(scope="module")
async def served(retailer: Retailer) -> AsyncIterator[Served]:
    parts = parts_of(retailer)
    watcher = await asyncpg.connect(retailer.stores.database_url)
    async with serving(parts) as (url, _):
        yield Served(url, retailer, watcher)
    await watcher.close()


async def hang_up_on(served: Served, accept: str) -> None:
    async with httpx.AsyncClient() as client, served.locked("orders"):
        asked = asyncio.create_task(
            client.post(
                f"{served.url}/graphql", json={"query": QUERY}, headers={"accept": accept}, timeout=30
            )
        )
        assert await served.becomes_active(1)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert await served.becomes_active(0)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_client_that_hangs_up_ends_its_statement(served: Served, accept: str) -> None:
    await hang_up_on(served, accept)

    answered = await served.retailer.ask(QUERY)
    assert len(answered["data"]["customers"]["nodes"]) == 2


@pytest.mark.parametrize("attempt", ["first", "again, with the head that is known"])
async def test_an_operation_over_its_time_is_answered_and_its_statement_ends(
    hasty: httpx.AsyncClient, served: Served, attempt: str
) -> None:
    if attempt != "first":
        assert (await hasty.post("/graphql", json={"query": QUERY})).status_code == 200
    async with served.locked("orders"):
        found = await hasty.post("/graphql", json={"query": QUERY})
        assert await served.becomes_active(0)

    assert found.status_code == 503
    assert found.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"


async def test_a_statement_over_its_time_is_a_timeout_and_not_a_store_that_is_away(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = ReadPool(served.retailer.stores.database_url, ReadSettings(statement_seconds=0.3))
    monkeypatch.setattr(served.retailer.reads, "reads", pool)
    async with served.locked("orders"), httpx.AsyncClient() as client:
        found = await client.post(f"{served.url}/graphql", json={"query": QUERY})
    await pool.close()

    assert (found.status_code, found.json()["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")


@pytest.mark.parametrize("goodbye", ["complete", "close"])
async def test_a_socket_that_completes_or_closes_ends_its_statement(served: Served, goodbye: str) -> None:
    async with connect(
        served.url.replace("http", "ws") + "/graphql",
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
    ) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        async with served.locked("orders"):
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": QUERY}}))
            assert await served.becomes_active(1)
            if goodbye == "complete":
                await socket.send(json.dumps({"type": "complete", "id": "1"}))
            else:
                await socket.close()
            assert await served.becomes_active(0)


async def test_the_last_subscriber_that_leaves_ends_the_statement_of_its_event(served: Served) -> None:
    newest = "SELECT event_id FROM outbox WHERE kind = 'TIER_CHANGED' ORDER BY event_id DESC LIMIT 2"
    events = await served.retailer.column(newest)
    async with connect(
        served.url.replace("http", "ws") + "/graphql",
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
    ) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        query = FEED % encode_event(events[1])
        async with served.locked("tier_transitions"):
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
            assert await served.becomes_active(1)
            await socket.send(json.dumps({"type": "complete", "id": "1"}))
            assert await served.becomes_active(0)


async def test_an_operation_seen_before_costs_one_round_trip(retailer: Retailer) -> None:
    async with proxied(retailer.stores.database_url) as proxy:
        pool = ReadPool(proxy.database_url, ReadSettings(connections=1))
        before, retailer.reads.reads = retailer.reads.reads, pool
        try:
            await retailer.ask(QUERY)
            asked = proxy.questions
            for _ in range(5):
                assert "errors" not in await retailer.ask(QUERY)
            assert proxy.questions - asked == 5
        finally:
            retailer.reads.reads = before
        await pool.close()


async def test_where_one_graph_field_fails_the_statement_of_the_other_ends_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each graph field has a statement of its own; nobody waits for the second once the first has failed."""
    text = '{ customer(by: { id: "cus_1" }) { recommendations { rank } relationships(first: 1) { nodes { depth } } } }'
    reads = served.retailer.reads.reads

    class FirstFails:
        number = 0

        async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
            self.number += 1
            if self.number == 2:
                assert await served.becomes_active(1)
                raise StoreUnavailable("postgres", "switched off by a test")
            return await reads.fetch(
                sql if self.number == 1 else "SELECT 1 FROM pg_sleep(9)", () if self.number > 1 else arguments
            )

    monkeypatch.setattr(served.retailer.reads, "reads", FirstFails())
    async with httpx.AsyncClient() as client:
        found = await client.post(f"{served.url}/graphql", json={"query": text})

    assert (found.status_code, found.json()["errors"][0]["extensions"]["code"]) == (503, "STORE_UNAVAILABLE")
    assert await served.becomes_active(0)
