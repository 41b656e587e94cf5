"""Everything a serving process is made of, opened in order and closed in reverse: the one place that wires it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.asyncio import Redis

from api.app import AppParts
from api.auth import Tokens, load_signing_key
from api.caches import Caches, open_caches
from api.engine import ReadPathEngine
from api.examples import load_examples
from api.explain import Explainer
from api.graph import BuiltGraph, follow, open_graph, question_seconds
from api.health import StoreCheck
from api.house import business_now, prepare_house
from api.latest_shop import LatestShop, open_shop, print_sdl
from api.metrics import GaugeSource
from api.notices import NoticeFigures
from api.query_page.serve import QueryPage
from api.settings import Settings
from api.stores import Stores
from api.tasks import end_task
from api.warm_up import compile_examples
from db.alert_store import PostgresAlertStore
from db.alert_store import tell_nobody as no_lists_kept
from db.audit_store import record_opened
from db.event_store import PostgresEventStore
from db.live_stream import StreamReader, connect_stream
from db.live_subscribers import Subscribers
from db.member_day_store import PostgresMemberDayStore
from db.outbox_events import OutboxTable
from db.policy_changes import PostgresPolicyStore
from db.read_pool import ReadPool
from db.standing_store import PostgresStandingStore
from db.stored_facts import PostgresStoredFacts
from db.told import tell_nobody
from domain.privacy.viewer import Role, Viewer
from domain.relationships.ports import GraphReader
from resolvers.context import Context
from resolvers.graph_questions import GraphQuestions
from resolvers.readpath.engine import Engine
from resolvers.readpath.execution import Stores as ReadStores
from resolvers.schema import schema

logger = logging.getLogger("c360.service")

OWN_ROWS_ONLY = frozenset({Role.CUSTOMER})


@dataclass(slots=True)
class Fallbacks:
    """How many there were; their reasons would grow for as long as a server lives."""

    number: int = 0

    def add(self, _: str) -> None:
        self.number += 1

    def read(self) -> float:
        return float(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What serves, and what the demo and the benchmarks look into."""

    settings: Settings
    stores: Stores
    graph: BuiltGraph
    reads: ReadPool
    engine: ReadPathEngine
    tokens: Tokens
    fallbacks: Fallbacks
    caches: Caches
    warmed_up: "asyncio.Future[None]"
    """Done when the documented operations are compiled."""

    def parts(self, *, page: QueryPage | None, demo: bool) -> AppParts:
        figures = NoticeFigures(self.reads)
        return AppParts(
            engine=self.engine,
            tokens=self.tokens,
            sdl=print_sdl(),
            stores=store_checks(self),
            gauges=(
                GaugeSource(
                    "reference_answers",
                    "Operations the compiler left to the reference.",
                    self.fallbacks.read,
                ),
                *self.caches.gauges(),
                *figures.gauges(),
            ),
            counting=(figures.count,),
            page=page,
            demo=demo,
            allowed_origins=self.settings.allowed_origins,
        )


@asynccontextmanager
async def open_service(settings: Settings, stores: Stores) -> AsyncIterator[Service]:
    """Graph, read path and live feed of one process, over open stores."""
    async with AsyncExitStack() as stack:
        async with stores.pool.acquire() as connection:
            await prepare_house(connection, settings)
        graph = BuiltGraph(await stack.enter_async_context(open_graph(settings)))
        reads = ReadPool(stores.database_url)
        stack.push_async_callback(reads.close)
        shop = await open_shop(stores)
        subscribers = Subscribers(OutboxTable(reads))
        reader = StreamReader(lambda: connect_stream(stores.redis_url), OutboxTable(reads), subscribers)
        fallbacks = Fallbacks()
        caches = await stack.enter_async_context(
            open_caches(settings, stores.redis_url, graph_questions(graph, shop), lambda: shop.mark)
        )
        caches.versions.forget.append(shop.hear)
        engine = make_engine(settings, stores, reads, graph, shop, subscribers, fallbacks.add, caches)
        ahead = asyncio.ensure_future(compile_examples(engine, load_examples()))
        following = follow(stores, graph, caches.versions)
        for loop in (reader.run(), following, shop.follow(), ahead):
            stack.push_async_callback(end_task, asyncio.ensure_future(loop))
        yield Service(
            settings=settings,
            stores=stores,
            graph=graph,
            reads=reads,
            engine=engine,
            tokens=Tokens(load_signing_key(settings.home / "keys")),
            fallbacks=fallbacks,
            caches=caches,
            warmed_up=ahead,
        )


def make_engine(  # noqa: PLR0913
    settings: Settings,
    stores: Stores,
    reads: ReadPool,
    graph: GraphReader,
    shop: LatestShop,
    subscribers: Subscribers,
    count_fallback: Callable[[str], None],
    caches: Caches | None = None,
) -> ReadPathEngine:
    questions = (caches.questions if caches else None) or graph_questions(graph, shop)
    return ReadPathEngine(
        engine=Engine(
            schema=schema,
            stores=ReadStores(reads, questions, question_seconds(settings) + 0.05),
            own_rows_only=OWN_ROWS_ONLY,
            count_fallback=count_fallback,
        ),
        make_context=context_maker(settings, stores, shop, caches),
        live=subscribers,
        record_opened=partial(record_opened, stores.pool),
        explainer=Explainer(reads, graph, lambda observed: graph_questions(observed, shop)),
        settled=shop.settled,
        house=lambda: shop.mark,
        caches=caches,
    )


def context_maker(
    settings: Settings, stores: Stores, shop: LatestShop, caches: Caches | None
) -> Callable[[Viewer], Context]:
    """What an operation carries: its viewer, the shop of this moment, and what its mutations write to."""
    changed = caches.versions.customers_changed if caches else tell_nobody
    lists_changed = caches.versions.lists_changed if caches else no_lists_kept
    events = PostgresEventStore(stores.pool, stores.cipher, changed)
    standings = PostgresStandingStore(stores.pool, changed)
    alerts = PostgresAlertStore(stores.pool, lists_changed)
    member_days = PostgresMemberDayStore(stores.pool)
    policies = PostgresPolicyStore(stores.pool, shop.read_again)
    stored_facts = PostgresStoredFacts(stores.pool)
    return lambda viewer: Context(
        viewer=viewer,
        shop=shop.settings,
        cipher=stores.cipher,
        events=events,
        standings=standings,
        alerts=alerts,
        member_days=member_days,
        policies=policies,
        stored_facts=stored_facts,
        now=business_now(settings),
    )


def graph_questions(graph: GraphReader, shop: LatestShop) -> GraphQuestions:
    return GraphQuestions(graph, lambda: shop.settings.live_as_of)


def store_checks(service: Service) -> Sequence[StoreCheck]:
    return (
        StoreCheck(
            name="postgres",
            ask=ask_postgres(service.reads),
            without="nothing can be answered",
            required=True,
        ),
        StoreCheck(
            name="cache",
            ask=ask_cache(service.stores.redis_url),
            without="live events arrive by polling, a moment later; every answer is computed",
        ),
        StoreCheck(
            name="graph", ask=service.graph.health, without="relationships and recommendations are null"
        ),
    )


def ask_postgres(reads: ReadPool) -> Callable[[], Any]:
    async def ask() -> None:
        await reads.fetch("SELECT 1", ())

    return ask


def ask_cache(url: str) -> Callable[[], Any]:
    async def ask() -> None:
        client: Redis = connect_stream(url)
        try:
            await client.ping()
        finally:
            await client.aclose()

    return ask
