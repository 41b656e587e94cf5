"""Figures of a run: shown as a table, kept as JSON together with the machine they were measured on."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, with its unit: s, ms, lines/s, …"""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Machine:
    system: str
    processor: str
    cores: int
    memory_gb: float
    python: str


def this_machine() -> Machine:
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MEGABYTE / 1024, 1),
        python=platform.python_version(),
    )


def publish(title: str, figures: list[Figure], json_path: Path | None) -> None:
    """Prints the table, and writes the file where one is asked for."""
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    for figure in figures:
        table.add_row(figure.name, in_digits(figure.value), figure.unit)
    Console().print(table)
    keep(title, figures, json_path)


def keep(title: str, figures: list[Figure], json_path: Path | None) -> None:
    """Says on which machine, and writes the file where one is asked for."""
    machine, load = this_machine(), os.getloadavg()[0]
    Console().print(f"{machine.processor}, {machine.cores} cores, load {load:.1f}", style="italic")
    if json_path:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept = {"benchmark": title, "at": at, "load": load, "machine": asdict(machine)}
        json_path.write_text(json.dumps({**kept, "figures": [asdict(one) for one in figures]}, indent=2))


def in_digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
