"""Binary COPY carries numpy columns to PostgreSQL and back unchanged."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import numpy as np
import pytest

from db.binary_copy import WireColumn, decoded, encoded, read_arrays, read_columns, write_columns

COLUMNS = (
    WireColumn("id", "int8"),
    WireColumn("small", "int2"),
    WireColumn("count", "int4"),
    WireColumn("flag", "bool"),
    WireColumn("at", "timestamptz"),
    WireColumn("day", "date"),
    WireColumn("bits", "bytea", width=5),
    WireColumn("per_category", "int8", length=3),
    WireColumn("orders", "int4", length=2),
)
VALUES: dict[str, Any] = {
    "id": np.array([1, -(2**63), 2**63 - 1]),
    "small": np.array([-(2**15), 0, 2**15 - 1], np.int16),
    "count": np.array([-(2**31), 0, 2**31 - 1], np.int32),
    "flag": np.array([True, False, True]),
    "at": np.array([0, 1_795_305_600_000_001, -1]),
    "day": np.array([0, 20_779, -1], np.int32),
    "bits": np.arange(15, dtype=np.uint8).reshape(3, 5),
    "per_category": np.arange(9).reshape(3, 3) * 2**40,
    "orders": np.arange(6, dtype=np.int32).reshape(3, 2),
}
NAMES = ", ".join(column.name for column in COLUMNS)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "CREATE TEMP TABLE kept (id bigint, small smallint, count int, flag boolean, at timestamptz, "
        "day date, bits bytea, per_category bigint[], orders int[])"
    )
    yield connection
    await connection.close()


async def test_what_is_written_is_read_again(connection: Any) -> None:
    await write_columns(connection, "kept", COLUMNS, VALUES)

    found = await read_columns(connection, f"SELECT {NAMES} FROM kept ORDER BY count", COLUMNS)

    assert found.keys() == VALUES.keys()
    for name, values in VALUES.items():
        assert found[name].tolist() == values.tolist(), name


async def test_postgresql_means_the_same_by_the_values(connection: Any) -> None:
    await write_columns(connection, "kept", COLUMNS, VALUES)

    row = await connection.fetchrow(
        "SELECT small, flag, CAST(at AT TIME ZONE 'UTC' AS text) AS at, CAST(day AS text) AS day, bits,"
        " per_category[2] AS second, array_ndims(orders) AS dimensions FROM kept WHERE count = 0"
    )

    assert dict(row) == {
        "small": 0,
        "flag": False,
        "at": "2026-11-22 00:00:00.000001",
        "day": "2026-11-22",
        "bits": bytes([5, 6, 7, 8, 9]),
        "second": 4 * 2**40,
        "dimensions": 1,
    }


async def test_each_pattern_of_unknowns_becomes_nulls(connection: Any) -> None:
    known = {
        "count": np.array([True, False, False]),
        "bits": np.array([True, True, False]),
        "per_category": np.array([True, False, True]),
    }

    await write_columns(connection, "kept", COLUMNS, VALUES, known=known)

    rows = await connection.fetch("SELECT small, count, bits, per_category FROM kept ORDER BY small")
    assert [tuple(row) for row in rows] == [
        (-(2**15), -(2**31), bytes([0, 1, 2, 3, 4]), [0, 2**40, 2 * 2**40]),
        (0, None, bytes([5, 6, 7, 8, 9]), None),
        (2**15 - 1, None, None, [6 * 2**40, 7 * 2**40, 8 * 2**40]),
    ]


async def test_no_rows_are_no_rows(connection: Any) -> None:
    await write_columns(connection, "kept", COLUMNS, {name: v[:0] for name, v in VALUES.items()})

    found = await read_columns(connection, f"SELECT {NAMES} FROM kept", COLUMNS)

    assert {len(values) for values in found.values()} == {0}


async def test_arguments_reach_the_query(connection: Any) -> None:
    found = await read_columns(
        connection, "SELECT n FROM generate_series($1::int, $2) AS n", [WireColumn("n", "int4")], 3, 5
    )

    assert found["n"].tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("a NULL", "SELECT CAST(NULL AS int), 2"),
        ("a wider column", "SELECT CAST(1 AS bigint), 2"),
        ("a missing column", "SELECT 1"),
        ("a column too many", "SELECT 1, 2, 3"),
    ],
)
async def test_other_columns_than_promised_are_refused(connection: Any, words: str, query: str) -> None:
    with pytest.raises(ValueError, match="than promised"):
        await read_columns(connection, query, [WireColumn("a", "int4"), WireColumn("b", "int4")])


ARRAYS = tuple(column for column in COLUMNS if column.length is None)


async def test_columns_are_read_as_arrays_of_one_row(connection: Any) -> None:
    await write_columns(connection, "kept", COLUMNS, VALUES)
    chosen = ", ".join(
        "string_agg(bits, '' ORDER BY count)"
        if one.type == "bytea"
        else f"array_agg({one.name} ORDER BY count)"
        for one in ARRAYS
    )

    found = await read_arrays(connection, f"SELECT {chosen} FROM kept", ARRAYS)

    assert {name: values.tolist() for name, values in found.items()} == {
        column.name: VALUES[column.name].tolist() for column in ARRAYS
    }


@pytest.mark.parametrize(("words", "value"), [("no array", "NULL"), ("an empty one", "'{}'")])
async def test_an_array_without_values_is_empty(connection: Any, words: str, value: str) -> None:
    columns = [WireColumn("n", "int8"), WireColumn("at", "timestamptz")]

    found = await read_arrays(connection, f"SELECT {value}::bigint[], {value}::timestamptz[]", columns)

    assert [values.tolist() for values in found.values()] == [[], []]


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("a NULL", "SELECT ARRAY[1, NULL]::bigint[]"),
        ("another type", "SELECT ARRAY[1, 2]::int[]"),
        ("a column too many", "SELECT ARRAY[1]::bigint[], 2"),
    ],
)
async def test_other_arrays_than_promised_are_refused(connection: Any, words: str, query: str) -> None:
    with pytest.raises(ValueError, match="than promised"):
        await read_arrays(connection, query, [WireColumn("n", "int8")])


def test_a_stream_is_decoded_as_encoded_without_a_database() -> None:
    stream = encoded(COLUMNS, VALUES, {})

    assert {name: values.tolist() for name, values in decoded(stream, COLUMNS).items()} == {
        name: values.tolist() for name, values in VALUES.items()
    }
