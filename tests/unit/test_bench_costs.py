import os
import threading
from pathlib import Path

import pytest

from benchmarks.costs import Cost, Row, Tally, cost_of, figures_of, show
from benchmarks.cpu import read_cpu, spent_ns


def thread_of(proc: Path, pid: int, thread: int, nanoseconds: int) -> None:
    folder = proc / str(pid) / "task" / str(thread)
    folder.mkdir(parents=True)
    (folder / "schedstat").write_text(f"{nanoseconds} 7 3\n")


def test_cpu_of_a_process_is_that_of_all_its_threads(tmp_path: Path) -> None:
    thread_of(tmp_path, 10, 10, 1_000)
    thread_of(tmp_path, 10, 11, 500)
    thread_of(tmp_path, 12, 12, 40)

    assert read_cpu([10, 12, 99], proc=tmp_path) == {10: 1_500, 12: 40}


def test_who_was_born_meanwhile_counts_whole_and_who_ended_does_not() -> None:
    assert spent_ns({1: 100, 2: 50}, {1: 130, 3: 7}) == 37


def test_work_of_this_process_shows_in_its_cpu() -> None:
    before = read_cpu([os.getpid()])
    worker = threading.Thread(target=lambda: sum(range(200_000)))
    worker.start()
    after = read_cpu([os.getpid()])
    worker.join()

    assert spent_ns(before, after) > 0


def test_a_cost_is_the_mean_of_all_turns_and_the_percentile_of_all_requests() -> None:
    tally = Tally(server_ns=4_000_000, database_ns=1_000_000, cache_ns=500_000, seconds=2.0)
    tally.latencies = [0.001, 0.002, 0.003, 0.010]

    expected = Cost(
        server_us=1_000.0,
        database_us=250.0,
        cache_us=125.0,
        p50_ms=2.0,
        p99_ms=10.0,
        requests_a_second=2.0,
    )

    assert cost_of(tally) == expected
    assert cost_of(tally).total_us == 1_375.0


def row(name: str, total_us: float) -> Row:
    cost = Cost(server_us=total_us, database_us=0, cache_us=0, p50_ms=1, p99_ms=2, requests_a_second=total_us)
    return Row(name, alone=cost, busy=cost)


def test_ratios_are_multiples_of_the_base() -> None:
    figures = figures_of("list", [row("ours", 200), row("theirs", 900)], base="ours", many=32)
    ratios = {figure.name: figure.value for figure in figures if figure.unit == "×"}

    assert ratios == {"list, ours: CPU, times ours": 1.0, "list, theirs: CPU, times ours": 4.5}


def test_the_table_names_every_server_with_the_cheapest_first(capsys: pytest.CaptureFixture[str]) -> None:
    show("list", [row("theirs", 900), row("ours", 200)], base="ours", many=32)
    printed = capsys.readouterr().out

    assert printed.index("ours") < printed.index("theirs")
    assert "4.5" in printed
