"""Parquet files as the same CSV bytes, so that they take the same way as CSV. Needs the extra `import`."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.import_csv import TextFile, unusable, usable_header
from domain.errors import SetupError

ROWS_A_BATCH = 65_536


def open_parquet(path: Path) -> TextFile:
    """Errors: SetupError without pyarrow; DomainError (INVALID) when the file is not Parquet."""
    parquet = load_pyarrow()
    import pyarrow

    try:
        names = parquet.read_schema(path).names
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise unusable(path, "is not a Parquet file") from error
    header = usable_header(path, tuple(names))
    return TextFile(path, header, ",", path.stat().st_size, lambda: batches(path))


def batches(path: Path) -> Iterator[bytes]:
    parquet = load_pyarrow()
    import pyarrow

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_A_BATCH):
            try:
                yield as_csv(batch)
            except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
                raise unusable(path, "has nested columns; only plain ones can be read") from error


def as_csv(batch: Any) -> bytes:
    """Without quotes unless some text needs them: quoted cells go a slower way into the tables."""
    import pyarrow
    from pyarrow import csv

    out = io.BytesIO()
    try:
        csv.write_csv(batch, out, csv.WriteOptions(include_header=False, quoting_style="none"))
    except pyarrow.ArrowInvalid:
        out = io.BytesIO()
        csv.write_csv(batch, out, csv.WriteOptions(include_header=False))
    return out.getvalue()


def load_pyarrow() -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise SetupError(
            "Reading Parquet needs pyarrow: install customer360[import], or save the file as CSV."
        ) from error
    return parquet
