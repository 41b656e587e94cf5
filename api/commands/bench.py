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
    """`module` has a function `run(*, customers, json_path)`; the folder is not part of an installation."""

    name: str
    module: str
    words: str
    customers: int


BENCHMARKS = (
    Benchmark("freshness", "benchmarks.freshness", "Order event in, tier change at a subscriber.", 20_000),
    Benchmark("import", "benchmarks.import_bench", "Files into an empty database, then facts.", 30_000),
)


def run(
    name: Annotated[str | None, typer.Argument(help="Which; without a name they are listed.")] = None,
    customers: Annotated[int | None, typer.Option(min=1, help="How many customers to invent.")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write the figures to this file.")] = None,
) -> None:
    """Run a benchmark of this checkout."""
    require_checkout()
    if name is None:
        typer.echo("\n".join(f"{one.name:10} {one.words}" for one in BENCHMARKS))
        return
    chosen = find_benchmark(name)
    importlib.import_module(chosen.module).run(customers=customers or chosen.customers, json_path=json)


def find_benchmark(name: str) -> Benchmark:
    for benchmark in BENCHMARKS:
        if benchmark.name == name:
            return benchmark
    raise SetupError(f"There is no benchmark {name}; there are {', '.join(one.name for one in BENCHMARKS)}.")
