"""The checkout under test."""

from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("api", "resolvers", "db", "graph", "domain")
SOURCES = (*PACKAGES, "tests", "benchmarks")


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (PROJECT / folder).rglob("*.py")
