"""The bulk benchmark runs through; its figures mean nothing here, that its night misses nobody does."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.demo_process import PROJECT, c360

pytestmark = pytest.mark.slow


def bench(folder: Path) -> dict[str, float]:
    figures = folder / "figures.json"
    done = subprocess.run(
        c360("bench", "recompute", "--smoke", "--json", str(figures), "--keep", str(folder / "kept")),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {one["name"]: one["value"] for one in json.loads(figures.read_text())["figures"]}


def test_everybody_is_computed_and_the_night_misses_nobody(tmp_path: Path) -> None:
    first = bench(tmp_path)
    again = bench(tmp_path)  # over the shop that was kept

    assert first.keys() == again.keys()
    assert "first time, everything written, beside floor" in first
    assert first["missed by the night"] == again["missed by the night"] == 0
