"""`c360 check`: format, lint, types, layers; everything runs, then one table says what passed."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import typer
from rich.console import Console
from rich.table import Table

from api.commands.checkout import require_checkout, tool


@dataclass(frozen=True, slots=True)
class Step:
    """A program that fails when something is wrong."""

    words: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    step: Step
    passed: bool
    seconds: float
    output: str


STEPS = (
    Step("types", ("mypy",)),
    Step("format", ("ruff", "format", "--check", ".")),
    Step("lint", ("ruff", "check", ".")),
    Step("layers", ("lint-imports",)),
    Step("schema", ("c360", "schema", "--check")),
)


def run() -> None:
    require_checkout()
    with ThreadPoolExecutor(max_workers=2) as pool:  # the type check is as long as all others together
        outcomes = list(pool.map(run_step, STEPS))
    console = Console()
    for outcome in outcomes:
        if not outcome.passed:
            console.print(outcome.output, markup=False, highlight=False, soft_wrap=True)
    console.print(summary(outcomes))
    if not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(1)


def run_step(step: Step) -> Outcome:
    started = time.monotonic()
    name, *arguments = step.command
    done = subprocess.run(
        [tool(name), *arguments],
        cwd=require_checkout(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(step, done.returncode == 0, time.monotonic() - started, done.stdout)


def summary(outcomes: list[Outcome]) -> Table:
    table = Table("check", "result", "seconds", box=None)
    for outcome in outcomes:
        result = "ok" if outcome.passed else "[red]failed[/]"
        table.add_row(outcome.step.words, result, f"{outcome.seconds:.1f}")
    return table
