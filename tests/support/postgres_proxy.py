"""A relay in front of PostgreSQL that counts round trips, or loses everything from some moment on."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SOCKET = ".s.PGSQL.5432"


@dataclass(slots=True)
class Proxy:
    """`questions`: how often a client sent something after the server had spoken."""

    database_url: str
    target: str
    questions: int = 0
    is_silent: bool = False
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_silent:
            self.writers.append(writer)
            return
        theirs, ours = await asyncio.open_unix_connection(self.target)
        self.writers += [writer, ours]
        answered = [True]
        await asyncio.gather(self.ask(reader, ours, answered), self.answer(theirs, writer, answered))

    async def ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answered: list[bool]
    ) -> None:
        while sent := await reader.read(65536):
            if answered[0]:
                self.questions += 1
                answered[0] = False
            if not self.is_silent:
                writer.write(sent)
        writer.close()

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answered: list[bool]
    ) -> None:
        while sent := await reader.read(65536):
            answered[0] = True
            if not self.is_silent:
                writer.write(sent)
        with suppress(OSError):
            writer.close()


@asynccontextmanager
async def proxied(database_url: str) -> AsyncIterator[Proxy]:
    """`database_url` names a socket folder, as the embedded PostgreSQL's does."""
    parts = urlsplit(database_url)
    folder = parse_qs(parts.query)["host"][0]
    with tempfile.TemporaryDirectory(prefix="c360-") as ours:
        proxy = Proxy(database_url.replace(folder, ours), str(Path(folder) / SOCKET))
        server = await asyncio.start_unix_server(proxy.accept, str(Path(ours) / SOCKET))
        yield proxy
        server.close()
        for writer in proxy.writers:
            writer.close()
        await asyncio.sleep(0)
