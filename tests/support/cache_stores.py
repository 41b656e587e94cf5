"""Valkey lines for tests: to a real server, or to one that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from api.tasks import end_task
from db.cache_line import CacheLine
from db.cache_versions import CacheVersions

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers to HELLO, INFO and SETNAME, then to the first PING."""
    await reader.readuntil(b"customer360-cache\r\n")
    writer.write(b"%1\r\n+server\r\n+fake\r\n$-1\r\n+OK\r\n")
    await reader.readuntil(b"PING\r\n")
    writer.write(b"+PONG\r\n")


@asynccontextmanager
async def kept_up(line: CacheLine) -> AsyncIterator[CacheLine]:
    """The line while it is kept up; its first try is over."""
    running = asyncio.ensure_future(line.run())
    await line.first_try()
    try:
        yield line
    finally:
        await end_task(running)


@asynccontextmanager
async def versions_at(url: str, **more: Any) -> AsyncIterator[CacheVersions]:
    """What one process knows, its line up."""
    versions = CacheVersions(CacheLine(url=url, answer_seconds=5.0), **more)
    async with kept_up(versions.line):
        yield versions


@asynccontextmanager
async def tcp_server(serve: Serve) -> AsyncIterator[str]:
    """The URL of a server that does what it is told with each connection."""

    async def serve_quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve_quietly, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
