"""Columns that share words come back as they are, also where they do not fit."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from db.binary_copy import WireColumn
from db.packed_columns import Field, Part, read_packed

FIELDS = (
    Field("a", "a", 31),
    Field("b", "b", 31),
    Field("flag", "(b > 3)::int", 1, is_certain=True),
    Field("c", "c", 5),
)
AT = (WireColumn("at", "timestamptz"),)
SECOND_US = 1_000_000


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TEMP TABLE kept (n int, at timestamptz, a bigint, b bigint, c smallint)")
    yield connection
    await connection.close()


async def _keep(connection: Any, *rows: tuple[int, int, int]) -> None:
    for n, (a, b, c) in enumerate(rows):
        await connection.execute(
            "INSERT INTO kept VALUES ($1, to_timestamp($1::int), $2, $3, $4)", n, a, b, c
        )


async def _read(connection: Any, *parts: Part) -> dict[str, list[int]]:
    found = await read_packed(connection, parts, "(SELECT * FROM kept ORDER BY n DESC) AS ordered")
    return {name: values.tolist() for name, values in found.items()}


def test_fields_fill_one_word_after_another() -> None:
    words = [tuple(field.name for field in word) for word in Part(FIELDS).words()]

    assert words == [("a", "b", "flag"), ("c",)]


async def test_values_come_back_in_the_order_of_the_rows(connection: Any) -> None:
    await _keep(connection, (0, 3, 0), (2**31 - 1, 4, 31), (7, 2**31 - 1, 1))

    assert await _read(connection, Part(FIELDS, AT)) == {
        "at": [2 * SECOND_US, SECOND_US, 0],
        "a": [7, 2**31 - 1, 0],
        "b": [2**31 - 1, 4, 3],
        "flag": [1, 1, 0],
        "c": [1, 31, 0],
    }


@pytest.mark.parametrize(
    ("words", "row"),
    [
        ("the first of a word", (2**31, 0, 0)),
        ("the last of a word", (0, 2**31, 0)),
        ("alone in a word", (0, 0, 32)),
        ("as wide as its column", (2**63 - 1, 2**62, 2**15 - 1)),
        ("below zero", (-1, 5, -(2**15))),
    ],
)
async def test_what_does_not_fit_is_read_all_the_same(
    connection: Any, words: str, row: tuple[int, int, int]
) -> None:
    await _keep(connection, (1, 2, 3), row)

    found = await _read(connection, Part(FIELDS))

    assert (found["a"], found["b"], found["c"]) == ([row[0], 1], [row[1], 2], [row[2], 3])


async def test_rows_may_be_left_out_of_some_columns(connection: Any) -> None:
    await _keep(connection, (1, 2, 3), (4, 5, 6), (2**40, 7, 8))

    found = await _read(connection, Part(FIELDS[1:2]), Part(FIELDS[:1], only="n < 2"))

    assert found == {"b": [7, 5, 2], "a": [4, 1]}


async def test_what_is_left_out_need_not_fit(connection: Any) -> None:
    await _keep(connection, (1, 2, 3), (2**40, 5, 6))

    assert await _read(connection, Part(FIELDS[:1], only="n = 0")) == {"a": [1]}


async def test_no_rows_are_empty_columns(connection: Any) -> None:
    assert await _read(connection, Part(FIELDS, AT)) == {"at": [], "a": [], "b": [], "flag": [], "c": []}
