"""A floor: the statements of the compiled plan through asyncpg alone, without GraphQL and without HTTP.

Run as `python -m benchmarks.peers.own.statement` with the settings of `c360 serve`. BODIES: a file with one
request body a line, whose statements are learnt by running each once. Then each line read from standard input,
`{"connections": 32, "seconds": 2}`, is answered with a line of latencies and the seconds it took.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import asyncpg

from api.settings import read_settings
from api.stores import open_stores
from api.wiring import Service, open_service
from benchmarks.http_load import Turn
from db.read_pool import ReadPool
from domain.privacy.viewer import Role, Viewer
from resolvers.readpath.engine import Request

MOST_CONNECTIONS = 8
"""As many as each peer has."""

Call = tuple[str, Sequence[Any]]


@dataclass(slots=True)
class Recorder:
    """Reads as the pool does, and notes what."""

    reads: ReadPool
    calls: list[Call] = field(default_factory=list)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        self.calls.append((sql, arguments))
        return await self.reads.fetch(sql, arguments)


async def main() -> None:
    settings = read_settings()
    bodies = Path(os.environ["BODIES"]).read_text().splitlines()
    async with open_stores(settings) as stores, open_service(settings, stores) as service:
        asked = [await statements_of(service, json.loads(body)) for body in bodies]
        sessions = service.reads.session_settings()
        database_url = stores.database_url
    await answer_turns(await open_connections(database_url, sessions), cycle(asked))


async def statements_of(service: Service, body: dict[str, Any]) -> list[Call]:
    engine = service.engine.engine
    recorder = Recorder(service.reads)
    engine.stores = replace(engine.stores, reads=recorder)
    viewer = Viewer("benchmark", Role.OPERATOR)
    await engine.execute(Request(body["query"], body["variables"]), service.engine.make_context(viewer))
    return recorder.calls


async def open_connections(url: str, sessions: dict[str, str]) -> "list[asyncpg.Connection[Any]]":
    return [
        await asyncpg.connect(url, max_cacheable_statement_size=0, server_settings=sessions)
        for _ in range(MOST_CONNECTIONS)
    ]


async def answer_turns(connections: "list[asyncpg.Connection[Any]]", asked: Iterator[list[Call]]) -> None:
    say({"ready": True})
    while line := await asyncio.to_thread(sys.stdin.readline):
        wanted = json.loads(line)
        used = connections[: wanted["connections"]]
        say(asdict(await drive_statements(used, asked, wanted["seconds"])))


async def drive_statements(
    connections: "list[asyncpg.Connection[Any]]", asked: Iterator[list[Call]], seconds: float
) -> Turn:
    turn = Turn()
    started = time.perf_counter()

    async def keep_busy(connection: "asyncpg.Connection[Any]") -> None:
        while (began := time.perf_counter()) - started < seconds:
            for sql, arguments in next(asked):
                await connection.fetch(sql, *arguments)
            turn.latencies.append(time.perf_counter() - began)

    await asyncio.gather(*map(keep_busy, connections))
    turn.seconds = time.perf_counter() - started
    return turn


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
