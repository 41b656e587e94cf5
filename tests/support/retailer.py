"""A small invented retailer, imported and computed by the real code: what the schema is tried on."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from api.commands.import_ import import_paths
from api.demo_files import write_demo_files
from api.engine import ReadPathEngine
from api.engine_port import GraphQLRequest
from api.house import prepare_house
from api.latest_shop import open_shop
from api.recompute import recompute_all
from api.settings import Settings
from api.stores import Stores, open_pool
from api.wiring import make_engine
from db.encryption import LocalCipher
from db.graph_source import PostgresGraphFeed
from db.keys import LocalKeys
from db.live_subscribers import Subscribers
from db.outbox_events import OutboxTable
from db.read_pool import ReadPool, ReadSettings
from domain.calendar import end_of_business_day
from domain.errors import StoreUnavailable
from domain.privacy.viewer import Role, Viewer
from domain.relationships.rebuild_graph import rebuild_graph
from domain.synthetic.profiles import get_profile
from graph.embedded import EmbeddedGraph
from resolvers.context import Context
from resolvers.readpath.failures import Masking

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
"""Business time: noon in the shop."""
CIPHER = LocalCipher(LocalKeys(key_encryption=b"k" * 32, blind_index=b"i" * 32))
SOURCE = "demo"
PATIENT = ReadSettings(wait_seconds=60.0, statement_seconds=60.0)
"""The reference reader asks thousands of small questions at once, and machines of tests are busy."""
FIRST_LOOK = timedelta(days=45)
"""Standings are computed once this long before they are computed now, so that tiers and labels have changed."""


@dataclass(slots=True)
class CountedReads:
    """The read pool, counting statements."""

    reads: ReadPool
    statements: int = 0

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        self.statements += 1
        return await self.reads.fetch(sql, arguments)


@dataclass(slots=True)
class CountedGraph:
    """The graph, counting questions of fields; away when told so."""

    ask: Any
    questions: int = 0
    is_down: bool = False

    async def __call__(self, name: str, keys: list[int], parameters: Mapping[str, Any]) -> Any:
        self.questions += 1
        if self.is_down:
            raise StoreUnavailable("graph", "switched off by a test")
        return await self.ask(name, keys, parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retailer:
    """`api`: what the server calls. `fallbacks`: operations the compiler left to the reference."""

    stores: Stores
    api: ReadPathEngine
    reads: CountedReads
    graph: CountedGraph
    subscribers: Subscribers
    fallbacks: list[str] = field(default_factory=list)

    async def ask(
        self, text: str, role: Role = Role.OPERATOR, variables: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The answer as a client reads it, without extensions; `more` is the viewer's purpose or customer id."""
        request = GraphQLRequest(query=text, variables=variables)
        answer = await self.api.execute(request, viewer(role, **more))
        found: dict[str, Any] = json.loads(answer.body)
        found.pop("extensions", None)
        return found

    def context(self, role: Role, **more: Any) -> Context:
        return self.api.make_context(viewer(role, **more))

    async def phone_of(self, customer_id: int) -> str:
        query = "SELECT phone, data_key FROM customers WHERE customer_id = $1"
        row = await self.stores.pool.fetchrow(query, customer_id)
        return CIPHER.open(row["data_key"], row["phone"], field="phone")  # type: ignore[index]

    async def value(self, query: str, *arguments: Any) -> Any:
        return await self.stores.pool.fetchval(query, *arguments)

    async def column(self, query: str, *arguments: Any) -> list[Any]:
        return [row[0] for row in await self.stores.pool.fetch(query, *arguments)]


def viewer(role: Role, **more: Any) -> Viewer:
    return Viewer("somebody", role, **more)


@asynccontextmanager
async def open_retailer(database_url: str, folder: Path, *, customers: int = 300) -> AsyncIterator[Retailer]:
    """Everything that serves, over `customers` imported customers whose facts and tiers are computed."""
    settings = Settings(home=folder, clock=NOW)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(database_url, connections=4))
        stores = Stores(database_url, "redis://nowhere.invalid", pool, CIPHER)
        await load(stores, settings, customers)
        await review(stores, NOW - FIRST_LOOK)
        await review(stores, NOW)
        graph = await EmbeddedGraph.open(folder / "graph", ask_seconds=30.0)
        stack.push_async_callback(graph.close)
        await rebuild_graph(PostgresGraphFeed(pool), graph, progress=lambda _: None)
        reads = ReadPool(database_url, PATIENT)
        stack.push_async_callback(reads.close)
        yield await serve(stores, settings, graph, reads)


async def load(stores: Stores, settings: Settings, customers: int) -> None:
    async with stores.pool.acquire() as connection:
        await prepare_house(connection, settings, sources=[SOURCE])
    files = settings.home / "files"
    write_demo_files(files, get_profile("tiny", customers=customers), seed=1, as_of=NOW)
    await import_paths([files], source=SOURCE, database_url=stores.database_url, cipher=CIPHER, now=NOW)
    async with stores.pool.acquire() as connection:
        await prepare_house(connection, settings)  # again: labels are named after categories
        await hand_out_labels(connection)


async def hand_out_labels(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    """A manual label for every tenth customer; every other one ends some day."""
    await connection.execute(GIVE_LABELS, NOW)


GIVE_LABELS = """
INSERT INTO manual_labels (customer_id, label_id, given_at, author, expires_at)
SELECT customer_id, (SELECT min(label_id) FROM label_definitions WHERE kind = 'MANUAL'), $1::timestamptz, 'a person',
       CASE WHEN customer_id % 20 = 0 THEN $1::timestamptz + INTERVAL '2400 hours' END
FROM customers WHERE customer_id % 10 = 0
"""


async def review(stores: Stores, now: datetime) -> None:
    """Facts, tiers and labels of everybody, as of the end of that business day."""
    as_of = end_of_business_day(now, "Asia/Shanghai")
    await stores.pool.execute("UPDATE shop SET live_as_of = $1", as_of)
    await recompute_all(Settings(clock=now), stores)


async def serve(stores: Stores, settings: Settings, graph: EmbeddedGraph, reads: ReadPool) -> Retailer:
    """The engine as a server has it, with its reads and questions counted; errors have one id."""
    fallbacks: list[str] = []
    counted, subscribers = CountedReads(reads), Subscribers(OutboxTable(reads))
    subscribers.start_at(await OutboxTable(reads).newest_id())
    shop = await open_shop(stores)
    api = make_engine(settings, stores, reads, graph, shop, subscribers, fallbacks.append)
    questions = CountedGraph(api.engine.stores.answer_question)
    api.engine.stores = replace(
        api.engine.stores, reads=counted, answer_question=questions, question_seconds=30.0
    )
    api.engine.masking = Masking(lambda: "id")
    return Retailer(
        stores=stores, api=api, reads=counted, graph=questions, subscribers=subscribers, fallbacks=fallbacks
    )
