"""The table of a bulk run: each step as a multiple of the floors, beside what it should reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, in_digits

WIDTH = 120
FLOORS = ("floor", "index floor")
TICK = 0.005
"""Seconds that are too few to be counted; a small run has such steps."""


@dataclass(frozen=True, slots=True)
class Step:
    """CPU seconds."""

    python: float
    database: float

    @property
    def total(self) -> float:
        return self.python + self.database

    def __add__(self, other: "Step") -> "Step":
        return Step(self.python + other.python, self.database + other.database)


@dataclass(frozen=True, slots=True)
class Row:
    """`figures` as shown; `target` says what to reach."""

    words: str
    cpu: str
    figures: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A step beside others: a target for each of them."""

    words: str
    step: str
    beside: tuple[tuple[str, float], ...]


COMPARED = (
    Compared("facts and five policies, nothing changed", "again", (("floor", 2.3), ("index floor", 5.2))),
    Compared("with a day's changes written", "day", (("floor", 3.5), ("index floor", 8))),
    Compared("first time, everything written", "first", (("floor", 6.5),)),
    Compared("night, without writes", "night, only looked at", (("day, only looked at", 1 / 3),)),
    Compared("night, with writes", "night", (("day", 0.55),)),
    Compared("whole base previewed", "preview", (("floor", 0.5),)),
)


def figures_of(steps: Mapping[str, Step], rest: Sequence[Figure]) -> tuple[list[Row], list[Figure]]:
    """`steps`: by name; the floors were taken twice. Opening the day is shown and counted for neither way to it."""
    halved = {name: Step(steps[name].python / 2, steps[name].database / 2) for name in FLOORS}
    steps = {**steps, **halved}
    rows = [plain_row(name, steps[name]) for name in (*FLOORS, "opening")]
    figures = [Figure(f"{name}: CPU", step.total, "s") for name, step in steps.items()]
    for one in COMPARED:
        ratios = [steps[one.step].total / max(steps[name].total, TICK) for name, _ in one.beside]
        rows.append(compared_row(one, steps[one.step], ratios))
        figures += [
            Figure(f"{one.words}, beside {name}", ratio, "×")
            for (name, _), ratio in zip(one.beside, ratios, strict=True)
        ]
    rows += [Row(one.name, "", f"{in_digits(one.value)} {one.unit}") for one in rest]
    return rows, [*figures, *rest]


def plain_row(words: str, step: Step) -> Row:
    return Row(words, seconds(step), "")


def compared_row(one: Compared, step: Step, ratios: Sequence[float]) -> Row:
    shown = " / ".join(in_digits(ratio) for ratio in ratios)
    targets = " / ".join(in_digits(target) for _, target in one.beside)
    return Row(
        f"{one.words}, beside {', '.join(name for name, _ in one.beside)}", seconds(step), shown, targets
    )


def seconds(step: Step) -> str:
    return f"{step.python:.2f} + {step.database:.2f} = {step.total:.2f} s"


def show(title: str, rows: Sequence[Row]) -> None:
    table = Table(title=title, caption="CPU: Python + PostgreSQL")
    for heading in ("step", "CPU", "×", "at most"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for row in rows:
        table.add_row(row.words, row.cpu, row.figures, row.target)
    console = Console()
    Console(width=max(console.width, WIDTH)).print(table)
