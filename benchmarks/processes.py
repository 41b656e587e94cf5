"""A process and its descendants, as Linux tells of them in /proc."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """`cpu_ms`: user and system time, with that of children that have ended."""

    pid: int
    parent: int
    name: str
    cpu_ms: int


def family(pid: int) -> list[Process]:
    """The process and all that descend from it and still live."""
    everybody = list(_everybody())
    members = {pid}
    while more := {one.pid for one in everybody if one.parent in members} - members:
        members |= more
    return [one for one in everybody if one.pid in members]


def cpu_by_program(pid: int) -> Counter[str]:
    """CPU milliseconds of a family so far, in all."""
    spent: Counter[str] = Counter()
    for one in family(pid):
        spent[one.name] += one.cpu_ms
    return spent


def resident_bytes(pid: int) -> int:
    """Memory that a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _everybody() -> list[Process]:
    found = (_read(folder) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return [one for one in found if one is not None]


def _read(folder: Path) -> Process | None:
    try:
        head, _, tail = (folder / "stat").read_text().rpartition(")")
    except OSError:  # it has just ended
        return None
    fields = tail.split()
    ticks = sum(map(int, fields[11:15]))  # utime, stime, and both of ended children
    return Process(
        pid=int(folder.name),
        parent=int(fields[1]),
        name=head.partition("(")[2],
        cpu_ms=ticks * 1_000 // TICKS_PER_SECOND,
    )
