"""strawberry over SQLAlchemy's ORM with DataLoaders: what most Python teams would write, and write well.

Run by uvicorn's `--factory`. DATABASE_URL, and KEYS: the folder of the keys.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.peers.strawberry_orm import models as m
from benchmarks.peers.strawberry_orm.context import Context
from benchmarks.peers.strawberry_orm.graphql_types import Query
from benchmarks.peers.strawberry_orm.loaders import Batches, Loaders, Sessions
from db.encryption import LocalCipher
from db.keys import open_keys
from domain.orders.currency import CurrencyCode

CONNECTIONS = 8
DOCUMENTS = 100


class Endpoint(GraphQL[Context, None]):
    """Makes the context of each request; `prepare` reads what does not change."""

    sessions: Sessions
    cipher: LocalCipher
    currency: CurrencyCode

    async def prepare(self) -> None:
        async with self.sessions() as session:
            self.currency = CurrencyCode((await session.scalars(select(m.Shop.currency_code))).one())

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        return Context(Loaders(Batches(self.sessions)), self.sessions, self.cipher, self.currency)


def make_app() -> Starlette:
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    caches: list[Any] = [lambda: ParserCache(maxsize=DOCUMENTS), lambda: ValidationCache(maxsize=DOCUMENTS)]
    endpoint = Endpoint(strawberry.Schema(Query, extensions=caches), graphql_ide=None)
    endpoint.sessions = async_sessionmaker(engine, expire_on_commit=False)
    endpoint.cipher = LocalCipher(open_keys(Path(os.environ["KEYS"])))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await endpoint.prepare()
        yield
        await engine.dispose()

    return Starlette(routes=[Route("/graphql", endpoint)], lifespan=lifespan)
