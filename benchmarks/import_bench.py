"""How fast an import is: a generated retailer, from files into an empty database, checks and roll-ups in.

Facts, tiers and labels of everybody are computed after it, and once more when nothing has changed. Beside
each stands its floor, taken in the same run: the same files by plain COPY into tables of text, and one plain
GROUP BY over the orders.
"""

import asyncio
import csv
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from api.commands.import_ import Bar, import_paths
from api.demo_files import write_demo_files
from api.house import prepare_house
from api.recompute import recompute_all
from api.settings import Settings
from api.stores import Stores, open_stores
from benchmarks.figures import Figure, publish
from benchmarks.processes import cpu_by_program
from domain.ingest.import_files import InputFile
from domain.synthetic.profiles import get_profile

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
GROUP_BY = """
SELECT max(orders), max(net) FROM (
  SELECT customer_id, count(*) AS orders, sum(net_cents) AS net FROM orders GROUP BY customer_id)
"""
"""The outermost line reads both, or the planner would leave them out."""

GROUP_BY_TIMES = 30


@dataclass(frozen=True, slots=True)
class Cost:
    """What one step took by the clock; `cpu` in milliseconds by program."""

    seconds: float
    cpu: Counter[str]


@dataclass(frozen=True, slots=True)
class Stages(Bar):
    """Notes when each stage was first heard of."""

    began: dict[str, float] = field(default_factory=dict)

    def show(self, stage: str, file: InputFile, done: int, total: int) -> None:
        del done, total
        self.began.setdefault(f"{file.path.stem}: {stage}", time.perf_counter())

    def figures(self) -> list[Figure]:
        moments = [*self.began.items(), ("end", time.perf_counter())]
        return [Figure(words, ended - began, "s") for (words, began), (_, ended) in pairwise(moments)]


def run(*, customers: int, json_path: Path | None) -> None:
    """Over embedded stores of its own, which are gone afterwards."""
    with tempfile.TemporaryDirectory() as home:
        files = Path(home) / "files"
        write_demo_files(files, get_profile("demo", customers=customers), seed=360, as_of=AS_OF)
        settings = Settings(
            home=Path(home), database_url=None, redis_url=None, clock=AS_OF, zone=ZoneInfo("Asia/Shanghai")
        )
        figures = asyncio.run(measure(settings, files))
    publish(f"import of {customers:,} customers, then their facts", figures, json_path)


async def measure(settings: Settings, files: Path) -> list[Figure]:
    async with open_stores(settings) as stores:
        async with stores.pool.acquire() as connection:
            await prepare_house(connection, settings)
        stages = Stages()
        floor = await cost_of(lambda: copy_plainly(stores, files))
        imported = await cost_of(lambda: import_all(stores, files, stages))
        staged = stages.figures()
        async with stores.pool.acquire() as connection:
            await prepare_house(connection, settings)  # some labels are named after categories
        await stores.pool.execute("VACUUM (ANALYZE) orders")
        grouped = await cost_of(lambda: stores.pool.fetchval(GROUP_BY), times=GROUP_BY_TIMES)
        computed = await cost_of(lambda: recompute_all(settings, stores))
        unchanged = await cost_of(lambda: recompute_all(settings, stores))
        counts = await count_rows(stores)
    return [
        *staged,
        *figures_of("import", imported, floor, "plain COPY", ("lines", counts["order_lines"])),
        *figures_of("first facts", computed, grouped, "GROUP BY", ("customers", counts["customers"])),
        *figures_of("facts again", unchanged, grouped, "GROUP BY", ("customers", counts["customers"])),
    ]


async def import_all(stores: Stores, files: Path, stages: Stages) -> None:
    await import_paths(
        [files],
        source="bench",
        database_url=stores.database_url,
        cipher=stores.cipher,
        now=AS_OF,
        progress=stages,
    )


async def copy_plainly(stores: Stores, files: Path) -> None:
    """Each file into a table of text columns, nothing looked at: what a COPY costs here."""
    async with stores.pool.acquire() as connection:
        for path in sorted(files.glob("*.csv")):
            with path.open(newline="", encoding="utf-8") as rows:
                columns = ", ".join(f'"{name}" text' for name in next(csv.reader(rows)))
            await connection.execute(f'CREATE TABLE "plain_{path.stem}" ({columns})')
            await connection.copy_to_table(f"plain_{path.stem}", source=path, format="csv", header=True)
            await connection.execute(f'DROP TABLE "plain_{path.stem}"')


async def count_rows(stores: Stores) -> dict[str, int]:
    asked = "SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM order_lines) AS order_lines"
    return dict(await stores.pool.fetchrow(asked) or {})


async def cost_of(step: Callable[[], Coroutine[Any, Any, object]], *, times: int = 1) -> Cost:
    """Of one time. What takes milliseconds is done many times: the system counts CPU in hundredths of a second."""
    before, started = cpu_by_program(os.getpid()), time.perf_counter()
    for _ in range(times):
        await step()
    spent = cpu_by_program(os.getpid()) - before
    return Cost(
        (time.perf_counter() - started) / times,
        Counter({name: milliseconds // times for name, milliseconds in spent.items()}),
    )


def figures_of(name: str, cost: Cost, floor: Cost, floor_name: str, counted: tuple[str, int]) -> list[Figure]:
    unit, number = counted
    spent = [
        Figure(f"{name}: CPU, {program}", spent / 1_000, "s") for program, spent in sorted(cost.cpu.items())
    ]
    return [
        Figure(f"{name}: in all", cost.seconds, "s"),
        Figure(f"{name}: {number:,} {unit}", number / cost.seconds, f"{unit}/s"),
        *spent,
        Figure(f"{name}: {unit} a CPU second", number / (cost.cpu.total() / 1_000), f"{unit}/s"),
        Figure(f"{name}: cores kept busy", cost.cpu.total() / 1_000 / cost.seconds, "cores"),
        Figure(f"{name}: CPU of {floor_name}", floor.cpu.total() / 1_000, "s"),
        Figure(f"{name}: CPU, times {floor_name}", cost.cpu.total() / max(floor.cpu.total(), 10), "×"),
    ]
