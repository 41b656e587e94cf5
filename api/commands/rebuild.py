"""`c360 rebuild`: makes again from PostgreSQL what was derived from it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import typer
from rich.console import Console

from api.caches import empty_caches
from api.commands.progress import blocks_bar, counts_table, review_table
from api.graph import open_graph
from api.recompute import rebuild_facts
from api.settings import Settings, read_settings
from api.stores import Stores, open_stores
from db.graph_source import PostgresGraphFeed
from db.live_stream import STREAM_KEY, connect_stream
from domain.errors import DomainError, ErrorCode
from domain.relationships.rebuild_graph import rebuild_graph

Rebuild = Callable[[Console, Settings, Stores], Awaitable[None]]


async def facts(console: Console, settings: Settings, stores: Stores) -> None:
    with blocks_bar(console, "Writing facts and standings anew") as advance:
        counts = await rebuild_facts(settings, stores, advance)
    await empty_caches(settings)
    console.print(review_table("rebuilt", counts))


async def graph(console: Console, settings: Settings, stores: Stores) -> None:
    """Errors: StoreUnavailable while another process owns the embedded graph."""
    async with open_graph(settings) as store:
        with console.status("Writing the graph anew ...") as status:
            nodes = await rebuild_graph(
                PostgresGraphFeed(stores.pool), store, progress=lambda done: status.update(f"{done:,} nodes")
            )
    await empty_caches(settings)
    console.print(counts_table("rebuilt", {"nodes": nodes}))


async def cache(console: Console, settings: Settings, stores: Stores) -> None:
    """Kept answers, and the live stream: readers take what it lacks from the outbox."""
    await empty_caches(settings)
    client = connect_stream(stores.redis_url)
    try:
        await client.delete(STREAM_KEY)
    finally:
        await client.aclose()
    console.print("Kept answers were dropped and the live stream was emptied; both fill by themselves.")


REBUILDS: Mapping[str, Rebuild] = {"facts": facts, "graph": graph, "cache": cache}


def run(what: Annotated[str, typer.Argument(help=f"One of: {', '.join(REBUILDS)}.")]) -> None:
    if what not in REBUILDS:
        known = ", ".join(REBUILDS)
        raise DomainError(
            ErrorCode.INVALID, f"There is nothing called {what} to rebuild; choose from {known}."
        )
    asyncio.run(rebuild(read_settings(), REBUILDS[what]))


async def rebuild(settings: Settings, chosen: Rebuild) -> None:
    async with open_stores(settings) as stores:
        await chosen(Console(), settings, stores)
