"""The server edge on a real port of this machine, with the toy engine behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from small_engine import SDL, SmallEngine

from api.app import AppParts, create_app
from api.auth import Tokens
from api.server import Server, make_server
from domain.privacy.viewer import Role, Viewer

OPERATOR = Viewer("tester", Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Running:
    """`parts` are what the application was made of; `url` ends without a slash."""

    url: str
    parts: AppParts
    engine: SmallEngine
    server: Server

    @property
    def socket_url(self) -> str:
        return self.url.replace("http", "ws") + "/graphql"

    def bearer(self, viewer: Viewer = OPERATOR, seconds: float = 3600) -> str:
        return f"Bearer {self.parts.tokens.sign(viewer, timedelta(seconds=seconds))}"


def toy_parts(**changes: object) -> AppParts:
    parts = AppParts(engine=SmallEngine(), tokens=Tokens(Ed25519PrivateKey.generate()), sdl=SDL)
    return replace(parts, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def serving(parts: AppParts) -> AsyncIterator[tuple[str, Server]]:
    """Whatever engine the parts have; the address has no slash at its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make_server(create_app(parts), host="127.0.0.1", port=port, connections=parts.connections)
    task = asyncio.create_task(server._serve())  # without signal handlers
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}", server
    server.should_exit = True
    await task


@asynccontextmanager
async def running(parts: AppParts) -> AsyncIterator[Running]:
    assert isinstance(parts.engine, SmallEngine)
    async with serving(parts) as (url, server):
        yield Running(url, parts, parts.engine, server)
