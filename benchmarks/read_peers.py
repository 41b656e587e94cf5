"""Whom `bench read` and `bench cache` compare: ours, those of others, and floors; the environment of each."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import asyncpg

from benchmarks.filled_shop import FilledShop
from benchmarks.node_packages import (
    OLDEST_NODE,
    OLDEST_NODE_OF_POSTGRAPHILE,
    SOURCES,
    find_node,
    install_packages,
)
from benchmarks.operations import Dialect
from benchmarks.servers import PYTHON, Peer
from domain.errors import SetupError

Say = Callable[[str], None]
OURS = "ours, compiled"
UVICORN = (*PYTHON, "-m", "uvicorn", "--port", "{port}", "--no-access-log", "--log-level", "warning")
NODE_PEERS = {"Mercurius with JIT": "mercurius.js", "Yoga with JIT": "yoga.js", "Apollo Server": "apollo.js"}
POSTGRAPHILE = "PostGraphile"


def own_server(shop: FilledShop, name: str = OURS, **settings: str) -> Peer:
    """`c360 serve`; `settings` are more of its C360_ variables. Answers are computed each time, if not told so."""
    return Peer(
        name=name,
        command=(*PYTHON, "-P", "-m", "api.cli", "serve", "--host", "127.0.0.1", "--port", "{port}"),
        surroundings={**shop.surroundings(), "C360_CACHE": "false", **settings},
        headers=(("authorization", f"Bearer {shop.token}"),),
    )


def reference_reader(shop: FilledShop) -> Peer:
    command = (*PYTHON, "-m", "benchmarks.peers.own.reference")
    own = own_server(shop, "ours, naive reference (1 at a time)")
    return replace(own, command=command, most_connections=1)


def strawberry_orm(shop: FilledShop) -> Peer:
    return Peer(
        name="strawberry, ORM, DataLoaders",
        command=(*UVICORN, "--factory", "benchmarks.peers.strawberry_orm.app:make_app"),
        surroundings={"DATABASE_URL": shop.database_url, "KEYS": str(shop.keys)},
    )


def node_peers(shop: FilledShop, say: Say, **surroundings: str) -> list[Peer]:
    """Those of NODE_PEERS; without Node or npm none, and a line that says so."""
    try:
        packages = install_packages()
        node = find_node(at_least=OLDEST_NODE, packages=packages)
    except SetupError as missing:
        say(f"Not run: {', '.join(NODE_PEERS)} ({missing}).")
        return []
    return [
        node_peer(shop, name, (node.program, script), packages, **surroundings)
        for name, script in NODE_PEERS.items()
    ]


def postgraphile(shop: FilledShop, say: Say) -> list[Peer]:
    try:
        packages = install_packages()
        node = find_node(at_least=OLDEST_NODE_OF_POSTGRAPHILE, packages=packages)
    except SetupError as missing:
        say(f"Not run: {POSTGRAPHILE} ({missing}).")
        return []
    asyncio.run(_describe_relations(shop.database_url))
    peer = node_peer(
        shop, POSTGRAPHILE, (node.program, "postgraphile.js"), packages, GRAPHILE_ENV="production"
    )
    return [replace(peer, dialect=Dialect.POSTGRAPHILE)]


def node_peer(shop: FilledShop, name: str, command: tuple[str, ...], packages: Path, **more: str) -> Peer:
    return Peer(
        name=name,
        command=command,
        folder=packages,
        surroundings={
            "DATABASE_URL": shop.database_url,
            "KEY_FILE": str(shop.keys / "key_encryption"),
            "NODE_ENV": "production",
            **more,
        },
    )


def constant_floors(shop: FilledShop, answer: Path) -> list[Peer]:
    """The bytes in `answer` by our server's edge, and by the least that uvicorn can serve."""
    surroundings = {"ANSWER": str(answer), "KEYS": str(shop.keys)}
    edge = Peer(
        name="floor: constant, our edge",
        command=(*PYTHON, "-m", "benchmarks.peers.own.constant_edge"),
        surroundings=surroundings,
        headers=(("authorization", f"Bearer {shop.token}"),),
        is_floor=True,
    )
    bare = Peer(
        name="floor: constant, bare ASGI",
        command=(*UVICORN, "benchmarks.peers.own.constant_asgi:app"),
        surroundings=surroundings,
        is_floor=True,
    )
    return [edge, bare]


def statement_floor(shop: FilledShop, bodies: Path) -> Peer:
    """The statements that our server would run for the bodies in a file, without anything around them."""
    return Peer(
        name="floor: statement, asyncpg",
        command=(sys.executable, "-m", "benchmarks.peers.own.statement"),
        surroundings={**shop.surroundings(), "BODIES": str(bodies)},
        is_floor=True,
        speaks_http=False,
    )


async def _describe_relations(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        if await connection.fetchval("SELECT to_regtype('held_label') IS NULL"):
            await connection.execute((SOURCES / "postgraphile.sql").read_text(encoding="utf-8"))
    finally:
        await connection.close()
