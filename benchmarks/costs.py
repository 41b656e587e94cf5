"""What requests cost: CPU of server and database by turns, latencies, and the tables that compare them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from benchmarks.cpu import cpu_of_program, spent_ns
from benchmarks.figures import Figure, in_digits, percentile
from benchmarks.servers import Running

WIDTH = 130
"""Of a table, also where the terminal is narrower or there is none."""
STORES = ("postgres", "valkey-server")


@dataclass(slots=True)
class Tally:
    """Of one server, over all its turns at one number of connections."""

    server_ns: int = 0
    database_ns: int = 0
    cache_ns: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one request, in the mean; CPU in microseconds, latencies in milliseconds."""

    server_us: float
    database_us: float
    cache_us: float
    p50_ms: float
    p99_ms: float
    requests_a_second: float

    @property
    def total_us(self) -> float:
        return self.server_us + self.database_us + self.cache_us


@dataclass(frozen=True, slots=True)
class Row:
    """A server in a table: at one connection, and at many."""

    name: str
    alone: Cost
    busy: Cost
    is_floor: bool = False


async def take_turn(
    one: Running, bodies: Iterator[bytes], tally: Tally, *, connections: int, seconds: float
) -> None:
    """It alone runs; the stores are children of this process, and work for nobody else meanwhile."""
    one.resume()
    server, stores = one.cpu(), [cpu_of_program(name, below=os.getpid()) for name in STORES]
    turn = await one.turn(bodies, connections=connections, seconds=seconds)
    tally.server_ns += spent_ns(server, one.cpu())
    database, cache = (
        spent_ns(before, cpu_of_program(name, below=os.getpid()))
        for name, before in zip(STORES, stores, strict=True)
    )
    one.pause()
    tally.database_ns += database
    tally.cache_ns += cache
    tally.seconds += turn.seconds
    tally.latencies += turn.latencies
    tally.failed += turn.failed


def cost_of(tally: Tally) -> Cost:
    requests = len(tally.latencies)
    milliseconds = [latency * 1_000 for latency in tally.latencies]
    return Cost(
        server_us=tally.server_ns / requests / 1_000,
        database_us=tally.database_ns / requests / 1_000,
        cache_us=tally.cache_ns / requests / 1_000,
        p50_ms=percentile(milliseconds, 0.5),
        p99_ms=percentile(milliseconds, 0.99),
        requests_a_second=requests / tally.seconds,
    )


def show(title: str, rows: list[Row], *, base: str, many: int) -> None:
    """CPU at many connections, as a multiple of the base's; latencies at one and at many."""
    total = next(row.busy.total_us for row in rows if row.name == base)
    table = Table(title=title, caption=f"CPU of {many} connections at once, microseconds a request")
    table.add_column("server")
    for heading in (
        "server",
        "stores",
        "total",
        "× base",
        "1: total",
        "1: p50/p99 ms",
        f"{many}: p50/p99 ms",
        "1/s",
    ):
        table.add_column(heading, justify="right")
    for row in sorted(rows, key=lambda one: (one.is_floor, one.busy.total_us)):
        busy, alone = row.busy, row.alone
        table.add_row(
            row.name,
            f"{busy.server_us:,.0f}",
            f"{busy.database_us + busy.cache_us:,.0f}",
            f"{busy.total_us:,.0f}",
            in_digits(busy.total_us / total),
            f"{alone.total_us:,.0f}",
            f"{in_digits(alone.p50_ms)} / {in_digits(alone.p99_ms)}",
            f"{in_digits(busy.p50_ms)} / {in_digits(busy.p99_ms)}",
            in_digits(busy.requests_a_second),
        )
    console = Console()
    Console(width=max(console.width, WIDTH)).print(table)


def figures_of(title: str, rows: list[Row], *, base: str, many: int) -> list[Figure]:
    total = next(row.busy.total_us for row in rows if row.name == base)
    figures = []
    for row in rows:
        name = f"{title}, {row.name}"
        figures.append(Figure(f"{name}: CPU, times {base}", row.busy.total_us / total, "×"))
        for connections, cost in ((1, row.alone), (many, row.busy)):
            figures += _figures_at(f"{name}, {connections} connections", cost)
    return figures


def _figures_at(name: str, cost: Cost) -> list[Figure]:
    return [
        Figure(f"{name}: CPU, server", cost.server_us, "us"),
        Figure(f"{name}: CPU, PostgreSQL", cost.database_us, "us"),
        Figure(f"{name}: CPU, Valkey", cost.cache_us, "us"),
        Figure(f"{name}: p50", cost.p50_ms, "ms"),
        Figure(f"{name}: p99", cost.p99_ms, "ms"),
        Figure(f"{name}: requests", cost.requests_a_second, "1/s"),
    ]
