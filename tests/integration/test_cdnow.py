import tomllib
from pathlib import Path

import pytest

from api import cdnow
from api.cdnow import fetch_cdnow, to_csv
from domain.errors import SetupError

MAPPING = Path(__file__).parents[2] / "examples" / "cdnow" / "mapping.toml"


def test_a_log_other_than_the_published_one_is_refused() -> None:
    with pytest.raises(SetupError, match="not the published one"):
        to_csv(b" customer_id date\r\n 00001 19970101\r\n")


def test_blanks_between_columns_become_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b" customer_id  date number_of_cds  dollar_value\r\n 00002 19970112  5   77.00\r\n"
    monkeypatch.setattr(cdnow, "_MEMBER_SHA256", cdnow._sha256(text))

    assert to_csv(text) == b"customer_id,date,number_of_cds,dollar_value\n00002,19970112,5,77.00\n"


def test_a_file_fetched_before_is_used_without_any_installer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "data" / "cdnow" / "purchases.csv"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"kept\n")
    monkeypatch.setattr(cdnow, "_CSV_SHA256", cdnow._sha256(b"kept\n"))

    assert fetch_cdnow(tmp_path, uv="/nowhere/uv") == kept


def test_a_fetch_that_fails_says_what_to_do_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdnow, "_installers", lambda boot, uv: iter([["false"]]))

    with pytest.raises(SetupError, match="Check the network"):
        fetch_cdnow(tmp_path)

    assert list((tmp_path / "data" / "cdnow").iterdir()) == []


def test_the_mapping_names_only_columns_of_the_log_constants_and_the_row() -> None:
    columns = {"customer_id", "date", "number_of_cds", "dollar_value"}
    mapping = tomllib.loads(MAPPING.read_text(encoding="utf-8"))

    format_ = mapping.pop("format")
    used = {value for kind in mapping.values() for value in kind.values()}

    assert format_ == {"date": "%Y%m%d", "time_of_day": "12:00", "currency": "USD"}
    assert list(mapping) == ["customers", "products", "orders", "order_lines"]
    assert {value for value in used if not value.startswith("=")} == columns | {"@row"}
