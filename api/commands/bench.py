"""`c360 bench`: runs a benchmark of this checkout."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from api.commands.checkout import require_checkout
from domain.errors import SetupError


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`module` has a function `run(*, customers, json_path)`; the folder is not part of an installation.

    `smoke_customers`: with so many, `run(..., smoke=True)` shows in seconds that everything works; None: no such run.
    `may_keep`: `run(..., keep_in=folder)` keeps there what it measures on, for the next time.
    """

    name: str
    module: str
    words: str
    customers: int
    smoke_customers: int | None = None
    may_keep: bool = False


BENCHMARKS = (
    Benchmark("freshness", "benchmarks.freshness", "Order event in, tier change at a subscriber.", 20_000),
    Benchmark("import", "benchmarks.import_bench", "Files into an empty database, then facts.", 30_000),
    Benchmark(
        "recompute",
        "benchmarks.recompute",
        "Everybody again, the night, a batch.",
        100_000,
        400,
        may_keep=True,
    ),
    Benchmark("comparison", "benchmarks.comparison", "A canary against the rest, everybody.", 100_000, 300),
    Benchmark("read", "benchmarks.read", "What a query costs, beside servers of others.", 20_000, 300),
    Benchmark("cache", "benchmarks.cache", "What a cached answer costs, beside others.", 20_000, 300),
    Benchmark("fanout", "benchmarks.fanout", "One event to thousands of subscribers.", 2_000, 300),
)


def run(
    name: Annotated[str | None, typer.Argument(help="Which; without a name they are listed.")] = None,
    customers: Annotated[int | None, typer.Option(min=1, help="How many customers to invent.")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write the figures to this file.")] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Only show that it runs; its figures mean nothing.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(help="Of recompute: a folder in which its shop stays for the next run.")
    ] = None,
) -> None:
    """Run a benchmark of this checkout."""
    require_checkout()
    if name is None:
        typer.echo("\n".join(f"{one.name:10} {one.words}" for one in BENCHMARKS))
        return
    chosen = find_benchmark(name)
    if smoke and chosen.smoke_customers is None:
        raise SetupError(f"The benchmark {name} has no --smoke.")
    if keep and not chosen.may_keep:
        raise SetupError(f"The benchmark {name} has nothing to --keep.")
    usual = chosen.smoke_customers if smoke else chosen.customers
    options = ({"smoke": True} if smoke else {}) | ({"keep_in": keep} if keep else {})
    run_benchmark = importlib.import_module(chosen.module).run
    run_benchmark(customers=customers or usual, json_path=json, **options)


def find_benchmark(name: str) -> Benchmark:
    for benchmark in BENCHMARKS:
        if benchmark.name == name:
            return benchmark
    raise SetupError(f"There is no benchmark {name}; there are {', '.join(one.name for one in BENCHMARKS)}.")
