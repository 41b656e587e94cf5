import csv
import hashlib
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from api.demo_files import csv_chunks, write_demo_files
from domain.synthetic.profiles import Profile
from domain.synthetic.tables import COLUMNS, texts

END = datetime(2026, 11, 23, tzinfo=timezone(timedelta(hours=8)))
SMALL = Profile("small", 300)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_values_are_written_in_full_and_missing_ones_left_empty() -> None:
    table = {
        "external_id": texts("D1", "D2"),
        "customer_external_id": texts("C1", "客户"),
        "placed_at": np.array(["2026-01-02T03:04:05", "2025-12-31T23:59:59"], "datetime64[s]"),
        "paid_at": np.array(["NaT", "2026-01-01T00:00:00"], "datetime64[s]"),
        "confirmed_at": np.array(["2026-01-02T04:00:00", "NaT"], "datetime64[s]"),
        "credit_days": texts("30", ""),
        "status": texts("PLACED", "PAID"),
        "channel": texts("APP", "MINI_PROGRAM"),
        "net_amount": np.array([5, 123_456]),
        "refunded_amount": np.array([0, 100]),
        "delivery_fee": np.array([600, 0]),
    }

    (chunk,) = csv_chunks("orders", table)

    assert chunk.decode().splitlines() == [
        "D1,C1,2026-01-02T03:04:05+08:00,,2026-01-02T04:00:00+08:00,30,PLACED,APP,0.05,0.00,6.00",
        "D2,客户,2025-12-31T23:59:59+08:00,2026-01-01T00:00:00+08:00,,,PAID,MINI_PROGRAM,1234.56,1.00,0.00",
    ]


def test_times_that_are_all_missing_are_all_empty() -> None:
    table = {name: texts("", "") for name in COLUMNS["customers"]}
    table["registered_at"] = np.array(["NaT", "NaT"], "datetime64[s]")

    assert b"".join(csv_chunks("customers", table)) == b",,,,,,,,,\n" * 2


def test_a_text_that_would_break_the_file_is_refused() -> None:
    table = {name: texts("a") for name in COLUMNS["communities"]}
    table["name"] = texts("阳光,花园")

    with pytest.raises(ValueError, match="comma"):
        list(csv_chunks("communities", table))


def test_files_read_back_with_the_header_of_the_import(tmp_path: Path) -> None:
    write_demo_files(tmp_path, SMALL, seed=1, as_of=END)

    for name, columns in COLUMNS.items():
        read = rows(tmp_path / f"{name}.csv")
        assert list(read[0]) == list(columns)
        assert all(None not in row and None not in row.values() for row in read)
    assert len(rows(tmp_path / "customers.csv")) == 300


def test_the_manifest_states_what_was_written_and_that_people_are_invented(tmp_path: Path) -> None:
    written = write_demo_files(tmp_path, SMALL, seed=1, as_of=END)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))

    assert manifest["files"] == {
        f"{name}.csv": {
            "rows": len(rows(tmp_path / f"{name}.csv")),
            "sha256": hashlib.sha256((tmp_path / f"{name}.csv").read_bytes()).hexdigest(),
        }
        for name in COLUMNS
    }
    assert written["customers"].rows == 300
    assert (manifest["seed"], manifest["as_of"]) == (1, "2026-11-23T00:00:00+08:00")
    assert manifest["generator_version"] == 2
    assert "invented" in manifest["note"]


def test_the_hidden_truth_is_not_written(tmp_path: Path) -> None:
    write_demo_files(tmp_path, SMALL, seed=1, as_of=END)

    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.csv" for name in COLUMNS} | {
        "manifest.json"
    }


def test_an_interrupted_run_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo_files(tmp_path, SMALL, seed=1, as_of=END)

    with pytest.raises(ValueError, match="time zone"):
        write_demo_files(tmp_path, SMALL, seed=1, as_of=datetime(2026, 11, 23))

    assert not (tmp_path / "manifest.json").exists()
