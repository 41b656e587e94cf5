"""PostgreSQL's binary COPY to and from numpy, without a Python object for a row or a value.

It needs columns of fixed width. Streams out must be NOT NULL, so that every row has one size; streams in may
hold NULLs, which are written as one block of rows for each pattern of NULLs. What is sent as bytea may go into a
column of any type whose wire form these bytes are.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
WireType = Literal["int2", "int4", "int8", "bool", "timestamptz", "date", "bytea"]

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_ROWS_A_PART = 1_000
_NUMBERS = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "bool": "u1", "timestamptz": ">i8", "date": ">i4"}
_OIDS = {"int2": 21, "int4": 23, "int8": 20, "bool": 16, "timestamptz": 1184, "date": 1082}
_ARRAY_HEAD = 20
# PostgreSQL counts from 2000-01-01, these arrays from 1970-01-01
_EPOCHS = {"timestamptz": 946_684_800_000_000, "date": 10_957}


@dataclass(frozen=True, slots=True)
class WireColumn:
    """`width` is the number of bytes of a bytea; `length` makes an array of that many integers."""

    name: str
    type: WireType
    width: int | None = None
    length: int | None = None

    @property
    def epoch(self) -> int:
        return _EPOCHS.get(self.type, 0)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The bytes of one value after its size."""
        if self.type == "bytea":
            return np.dtype((np.void, self.width))
        if self.length is None:
            return np.dtype(_NUMBERS[self.type])
        head = [(name, ">i4") for name in ("dimensions", "has_nulls", "oid", "length", "first")]
        item = np.dtype([("size", ">i4"), ("value", _NUMBERS[self.type])])
        return np.dtype([*head, ("items", item, (self.length,))])


async def read_columns(
    connection: "asyncpg.Connection[Any]", query: str, columns: Sequence[WireColumn], *arguments: Any
) -> dict[str, Array]:
    """The columns of a query's answer. Moments and days count from 1970; a bytea is a row of uint8.

    Errors: ValueError when the query gives NULLs or other columns than promised.
    """
    return decoded(await _received(connection, query, *arguments), columns)


async def read_arrays(
    connection: "asyncpg.Connection[Any]", query: str, columns: Sequence[WireColumn]
) -> dict[str, Array]:
    """The arrays in the only row of a query's answer, by name; NULL is an empty one. A bytea holds values of the
    column's width, one after another.

    Errors: ValueError when there are NULLs in an array, or other columns than promised.
    """
    stream = await _received(connection, query)
    at = len(_HEADER)
    if int.from_bytes(stream[at : at + 2], "big") != len(columns):
        raise ValueError("The stream holds other columns than promised.")
    at += 2
    found = {}
    for column in columns:
        size = max(0, int.from_bytes(stream[at : at + 4], "big", signed=True))
        found[column.name] = _array_of(column, memoryview(stream)[at + 4 : at + 4 + size])
        at += 4 + size
    return found


async def _received(connection: "asyncpg.Connection[Any]", query: str, *arguments: Any) -> bytearray:
    received = bytearray()

    async def keep(part: bytes) -> None:
        received.extend(part)

    await connection.copy_from_query(query, *arguments, output=keep, format="binary")
    return received


@dataclass(frozen=True, slots=True, eq=False)
class WireRows:
    """So many rows, in which each column is an array, the same for all, or None for NULL."""

    count: int
    columns: tuple[WireColumn, ...]
    values: Mapping[str, Any]

    def encoded(self) -> Array:
        """Without the ends of a stream: rows of any width may follow one another."""
        absent = frozenset(n for n, one in enumerate(self.columns) if self.values[one.name] is None)
        rows = np.zeros(self.count, _row_type(self.columns, absent))
        rows["columns"] = len(self.columns)
        for n, column in enumerate(self.columns):
            if n in absent:
                rows[f"size {n}"] = -1
                continue
            rows[f"size {n}"] = column.dtype.itemsize
            _to_wire(column, rows[f"value {n}"], self.values[column.name])
        return rows


async def stream_rows(
    connection: "asyncpg.Connection[Any]",
    table: str,
    groups: Sequence[WireRows],
    *,
    order: Array | None = None,
) -> None:
    """Appends all groups in one stream; they name the same columns, whose widths may differ.

    `order`: the places of the rows, counted through all groups, in which they are sent."""
    if not groups:
        return

    async def parts() -> AsyncIterator[bytes]:
        yield _HEADER
        for part in _ordered(groups, order) if order is not None else groups:
            yield part if isinstance(part, bytes) else part.encoded().tobytes()
        yield _TRAILER

    names = [column.name for column in groups[0].columns]
    await connection.copy_to_table(table, source=parts(), columns=names, format="binary")


async def write_columns(
    connection: "asyncpg.Connection[Any]",
    table: str,
    columns: Sequence[WireColumn],
    values: Mapping[str, Array],
    *,
    known: Mapping[str, NDArray[np.bool_]] | None = None,
    schema: str | None = None,
) -> None:
    """Appends rows to a table; where `known[name]` is false the value is NULL."""

    async def parts() -> AsyncIterator[bytes]:
        yield encoded(columns, values, known or {})

    names = [column.name for column in columns]
    await connection.copy_to_table(table, source=parts(), columns=names, format="binary", schema_name=schema)


def _ordered(groups: Sequence[WireRows], order: Array) -> Iterator[bytes]:
    """As bytes of rows, which cost a tenth of a microsecond each; an array that fits all widths costs more."""
    rows: list[bytes] = []
    for group in groups:
        encoded = group.encoded()
        rows += encoded.view(np.dtype((np.void, encoded.itemsize))).tolist()
    for start in range(0, len(order), _ROWS_A_PART):
        yield b"".join([rows[place] for place in order[start : start + _ROWS_A_PART].tolist()])


def decoded(stream: bytes | bytearray, columns: Sequence[WireColumn]) -> dict[str, Array]:
    row = _row_type(columns, frozenset())
    body = len(stream) - len(_HEADER) - len(_TRAILER)
    if body % row.itemsize:
        raise ValueError("The stream holds a NULL or a value of another width than promised.")
    rows = np.frombuffer(stream, row, body // row.itemsize, len(_HEADER))
    if (rows["columns"] != len(columns)).any():
        raise ValueError("The stream holds other columns than promised.")
    return {column.name: _from_wire(column, rows[f"value {n}"]) for n, column in enumerate(columns)}


def _array_of(column: WireColumn, wire: memoryview) -> Array:
    if column.type == "bytea":
        return _from_wire(column, np.frombuffer(wire, column.dtype))
    if len(wire) <= _ARRAY_HEAD:  # none, or one without values
        return _from_wire(column, np.zeros(0, column.dtype))
    _, has_nulls, oid, *_ = np.frombuffer(wire[:_ARRAY_HEAD], ">i4").tolist()
    if has_nulls or oid != _OIDS[column.type]:
        raise ValueError("The stream holds a NULL or values of another type than promised.")
    item = np.dtype([("size", ">i4"), ("value", column.dtype)])
    return _from_wire(column, np.frombuffer(wire[_ARRAY_HEAD:], item)["value"])


def encoded(
    columns: Sequence[WireColumn], values: Mapping[str, Array], known: Mapping[str, NDArray[np.bool_]]
) -> bytes:
    """A whole stream for COPY FROM STDIN; rows with NULLs stand behind those without."""
    rows = len(values[columns[0].name])
    pattern = np.zeros(rows, np.int64)
    nullable = [n for n, column in enumerate(columns) if column.name in known]
    for bit, n in enumerate(nullable):
        pattern |= (~known[columns[n].name]).astype(np.int64) << bit
    blocks = [_HEADER]
    for found in np.unique(pattern):
        absent = frozenset(n for bit, n in enumerate(nullable) if found >> bit & 1)
        blocks.append(_block(columns, values, np.flatnonzero(pattern == found), absent))
    return b"".join([*blocks, _TRAILER])


def _block(
    columns: Sequence[WireColumn], values: Mapping[str, Array], chosen: Array, absent: frozenset[int]
) -> bytes:
    """The chosen rows, in all of which the same columns are absent."""
    present = {
        column.name: None if n in absent else values[column.name][chosen] for n, column in enumerate(columns)
    }
    return WireRows(len(chosen), tuple(columns), present).encoded().tobytes()


def _row_type(columns: Sequence[WireColumn], absent: frozenset[int]) -> np.dtype[Any]:
    fields: list[Any] = [("columns", ">i2")]
    for n, column in enumerate(columns):
        fields.append((f"size {n}", ">i4"))
        if n not in absent:
            fields.append((f"value {n}", column.dtype))
    return np.dtype(fields)


def _from_wire(column: WireColumn, wire: Array) -> Array:
    if column.type == "bytea":
        return np.ascontiguousarray(wire).view(np.uint8).reshape(len(wire), column.width or 0)
    numbers = wire["items"]["value"] if column.length else wire
    native = numbers.astype(numbers.dtype.newbyteorder("="))
    if column.type == "bool":
        return native.view(np.bool_)
    return native + column.epoch if column.epoch else native


def _to_wire(column: WireColumn, wire: Array, values: Array) -> None:
    if column.type == "bytea":
        wire[:] = np.atleast_2d(np.ascontiguousarray(values)).view(column.dtype)[:, 0]
    elif column.length:
        wire["dimensions"], wire["first"] = 1, 1
        wire["oid"], wire["length"] = _OIDS[column.type], column.length
        wire["items"]["size"] = np.dtype(_NUMBERS[column.type]).itemsize
        wire["items"]["value"] = values
    else:
        wire[:] = values - column.epoch if column.epoch else values
