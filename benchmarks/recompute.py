"""What computing everybody costs, beside one plain GROUP BY over the same orders.

Facts, five policies and labels: for the first time, again with nothing changed, and on a day that has opened, by a
full run and by the night that looks only at whom something is due. Before the night, the full run of the same day is
broken off at each commit, so that both begin with the same state; after it, a full run shows what it missed. Python
and PostgreSQL count, in CPU seconds of the operating system.
"""

import asyncio
import os
import resource
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from api.recompute import recompute_all, review_store
from api.stores import Stores
from benchmarks.bulk_shop import DAY, DAY_BEFORE, bulk_shop, kept_folder, settings_at
from benchmarks.bulk_steps import Broken, find_only, look_at_marked, open_the_day, preview, review_marked
from benchmarks.bulk_table import Row, Step, figures_of, show
from benchmarks.dirty_batches import batch_figures
from benchmarks.figures import MEGABYTE, Figure, keep
from benchmarks.processes import cpu_by_program
from domain.standings.recompute import recompute
from domain.standings.review_customers import ReviewCounts

PLAIN = """
SELECT max(orders), max(net), max(newest) FROM (
  SELECT customer_id, count(*) AS orders, sum(net_cents) AS net, max(placed_at) AS newest
  FROM orders GROUP BY customer_id) AS plain
"""
"""The outermost line keeps the planner from leaving out what nobody reads, at a hundredth of the cost."""
BY_INDEX = PLAIN.replace("placed_at", "counted_at").replace(
    "FROM orders", "FROM orders WHERE counted_at IS NOT NULL"
)
ONLY_INDEX = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashagg = off"
)
FLOOR_TIMES = 2


@dataclass(slots=True)
class Bench:
    """Steps as they are done, over one shop."""

    stores: Stores
    steps: dict[str, Step]

    async def take(
        self, name: str, work: Callable[[], Coroutine[Any, Any, ReviewCounts | None]]
    ) -> ReviewCounts:
        before = cpu_by_program(os.getpid())
        counts = await work()
        self.steps[name] = step_of(cpu_by_program(os.getpid()) - before)
        return counts or ReviewCounts()

    async def tidy(self) -> None:
        """As autovacuum and checkpoints would, but between the steps."""
        await self.stores.pool.execute("VACUUM (ANALYZE)")
        await self.stores.pool.execute("CHECKPOINT")


def run(*, customers: int, json_path: Path | None, smoke: bool = False, keep_in: Path | None = None) -> None:
    """Over embedded stores; `keep_in`: a folder in which the imported shop stays for the next time."""
    del smoke  # fewer customers, nothing else
    with kept_folder(keep_in) as folder:
        rows, figures = asyncio.run(measure(folder, customers))
    title = f"recompute of {customers:,} customers"
    show(title, rows)
    keep(title, figures, json_path)


async def measure(folder: Path, customers: int) -> tuple[list[Row], list[Figure]]:
    async with bulk_shop(folder, customers) as stores:
        bench = Bench(stores, {})
        await measure_floors(bench)
        missed = await measure_runs(bench)
        await bench.take("preview", lambda: preview(stores))
        batches = await batch_figures(stores)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    rest = [
        *batches,
        Figure("missed by the night", missed, ""),
        Figure("memory of the process", memory, "MB"),
    ]
    rows, figures = figures_of(bench.steps, rest)
    return rows, figures


async def measure_floors(bench: Bench) -> None:
    async with bench.stores.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        await connection.fetch(PLAIN)  # once for the caches
        await bench.take("floor", lambda: ask(connection, PLAIN))
        await connection.execute(ONLY_INDEX)
        await bench.take("index floor", lambda: ask(connection, BY_INDEX))


async def ask(connection: Any, query: str) -> None:
    for _ in range(FLOOR_TIMES):
        await connection.fetch(query)


async def measure_runs(bench: Bench) -> int:
    """How many customers the night missed."""
    stores, before, today = bench.stores, *(settings_at(Path(), moment) for moment in (DAY_BEFORE, DAY))
    told(await bench.take("first", lambda: recompute_all(before, stores)))
    await bench.tidy()
    told(await bench.take("again", lambda: recompute_all(before, stores)))
    await bench.take("opening", lambda: open_the_day(stores))
    await bench.tidy()
    broken = Broken(review_store(today, stores))
    told(await bench.take("day, only looked at", lambda: recompute(broken, ignore, review=find_only)))
    told(await bench.take("day", lambda: recompute(broken, ignore)))
    await bench.tidy()
    told(await bench.take("night, only looked at", lambda: look_at_marked(stores, broken)))
    told(await bench.take("night", lambda: review_marked(review_store(today, stores))))
    after = await recompute_all(today, stores)
    told(after)
    return max(after.facts, after.standings, after.transitions)


def told(counts: ReviewCounts) -> None:
    Console().print(str(counts), style="dim")


def ignore(done: int, of_all: int) -> None:
    """Progress that nobody watches."""


def step_of(spent: Counter[str]) -> Step:
    seconds = {name: milliseconds / 1_000 for name, milliseconds in spent.items()}
    database = seconds.pop("postgres", 0.0)
    return Step(python=sum(seconds.values()), database=database)
