"""CPU time of processes to the nanosecond, all threads in, as the Linux scheduler counts it.

`/proc/<pid>/stat` counts in hundredths of a second, too coarse for requests of a tenth of a millisecond.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from benchmarks.processes import family

Reading = Mapping[int, int]
"""Nanoseconds so far, by process."""


def read_cpu(pids: Iterable[int], *, proc: Path = Path("/proc")) -> Reading:
    """A process that has ended is left out."""
    reading: dict[int, int] = {}
    for pid in pids:
        with suppress(OSError):
            reading[pid] = sum(_of_thread(thread) for thread in (proc / str(pid) / "task").iterdir())
    return reading


def spent_ns(before: Reading, after: Reading) -> int:
    """Between two readings; who was born meanwhile counts whole, who ended does not count."""
    return sum(spent - before.get(pid, 0) for pid, spent in after.items())


def cpu_of_family(pid: int) -> Reading:
    return read_cpu(one.pid for one in family(pid))


def cpu_of_program(name: str, *, below: int) -> Reading:
    """Of all processes of one program that descend from process `below`."""
    return read_cpu(one.pid for one in family(below) if one.name == name)


def _of_thread(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text().split()[0])
    except OSError:  # it has just ended
        return 0
