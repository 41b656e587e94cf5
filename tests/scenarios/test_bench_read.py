"""The benchmarks run through: their figures mean nothing here, that everybody answers alike does."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.demo_process import PROJECT, c360

pytestmark = [pytest.mark.slow, pytest.mark.npm]


def bench(name: str, figures: Path) -> set[str]:
    done = subprocess.run(
        c360("bench", name, "--smoke", "--json", str(figures)),
        cwd=PROJECT,
        env=None,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {figure["name"] for figure in json.loads(figures.read_text())["figures"]}


def test_reading_is_compared_with_a_server_of_others(tmp_path: Path) -> None:
    names = bench("read", tmp_path / "read.json")

    assert "tiny query, Mercurius with JIT: CPU, times ours, compiled" in names
    assert "tiny query, floor: constant, bare ASGI, 1 connections: p50" in names


def test_an_event_reaches_all_subscribers(tmp_path: Path) -> None:
    names = bench("fanout", tmp_path / "fanout.json")

    assert "20 subscribers: CPU of the server a delivery" in names


def test_answers_given_before_are_compared_with_a_cache_of_others(tmp_path: Path) -> None:
    names = bench("cache", tmp_path / "cache.json")

    assert "whole customer, cached, Yoga with JIT, response cache: CPU, times ours, compiled" in names
