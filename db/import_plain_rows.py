"""Rows of orders and order lines as numpy columns, read block by block from a file whose cells are plain.

What is kept are columns; the text of rows that turn out not to be plainly right is read from the file again.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from db.import_csv import TextFile
from db.import_plain_cells import (
    Array,
    Booleans,
    Cells,
    Read,
    is_padded,
    read_choice,
    read_moment,
    read_number,
    read_text,
    split,
)
from domain.calendar import Calendar
from domain.ingest.canonical import COLUMNS, Column, RecordKind, ValueType
from domain.ingest.mapping import FileFormat, FromColumn, Section
from domain.orders.order import MAXIMUM_SPEND_CENTS

BLOCK_BYTES = 8 << 20
LARGEST_QUANTITY = 1_000_000_000_000
"""In thousandths."""
SHARE_OF_MEMORY = 16
"""Columns and what sorts them take about three times the file, and there are two files."""


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Money in cents, quantities in thousandths, moments in microseconds, choices from 1, texts as bytes.

    Where `known` is false there is no value.
    """

    values: Array
    known: Booleans


@dataclass(frozen=True, slots=True, eq=False)
class PlainRows:
    """A file's rows; `sure` are those that are plainly right by themselves."""

    columns: Mapping[str, Values]
    sure: Booleans
    content_sha256: bytes

    @property
    def rows(self) -> int:
        return len(self.sure)

    def __getitem__(self, name: str) -> Array:
        return self.columns[name].values


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads one file as one kind of record."""

    section: Section
    file_format: FileFormat
    calendar: Calendar
    now_us: int

    def can_read(self, table: TextFile) -> bool:
        """Orders and lines whose columns stand in the file as they are, if it fits in memory."""
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        origins = self.section.origins.values()
        return (
            self.section.kind in (RecordKind.ORDERS, RecordKind.ORDER_LINES)
            and all(isinstance(origin, FromColumn) for origin in origins)
            and not any(self.section.values.values())
            and self.file_format.date is None
            and len(table.header) > 1
            and table.size_bytes < memory // SHARE_OF_MEMORY
        )

    def read(self, table: TextFile, advance: Callable[[int], None]) -> PlainRows | None:
        """None when the file is not plain as a whole. Errors: DomainError when it is not UTF-8."""
        digest, parts = hashlib.sha256(), []

        def observe(chunk: bytes) -> None:
            digest.update(chunk)
            advance(len(chunk))

        for block in blocks(table, observe):
            cells = split(block, table.delimiter.encode(), len(table.header))
            if cells is None or self.is_padded(cells, table.header):
                return None
            parts.append(self.read_block(cells, table.header))
        return joined(parts, digest.digest())

    def is_padded(self, cells: Cells, header: tuple[str, ...]) -> bool:
        texts = [column for column in self.columns() if column.type is ValueType.TEXT]
        return any(
            is_padded(cells, place) for place in map(self.place_in(header), texts) if place is not None
        )

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS[self.section.kind]

    def place_in(self, header: tuple[str, ...]) -> Callable[[Column], int | None]:
        def place(column: Column) -> int | None:
            origin = self.section.origins.get(column.name)
            return header.index(origin.name) if isinstance(origin, FromColumn) else None

        return place

    def read_block(self, cells: Cells, header: tuple[str, ...]) -> tuple[dict[str, Values], Booleans]:
        sure, columns = np.ones(len(cells.ends), np.bool_), {}
        for column in self.columns():
            place = self.place_in(header)(column)
            read, given = self.read_column(cells, place, column)
            columns[column.name] = Values(read.values, given)
            sure &= read.sure
        return columns, sure

    def read_column(self, cells: Cells, place: int | None, column: Column) -> tuple[Read, Booleans]:
        """With which cells have a value: their own, or the column's default."""
        rows, default = len(cells.ends), default_of(column)
        if place is None:
            given = np.full(rows, default is not None)
            return Read(np.full(rows, default or 0, np.int64), given | (not column.needed)), given
        read, empty = self.read_cells(cells, place, column), cells.lengths(place) == 0
        if column.needed:
            return read, ~empty
        values = np.where(empty, default or 0, read.values)
        return Read(values, read.sure | empty), ~empty | (default is not None)

    def read_cells(self, cells: Cells, place: int, column: Column) -> Read:
        match column.type:
            case ValueType.MONEY:
                return within(read_number(cells, place, 2), 0, MAXIMUM_SPEND_CENTS)
            case ValueType.MOMENT:
                time = self.file_format.time_of_day
                minute_of_day = int(time[:2]) * 60 + int(time[3:])
                read = read_moment(cells, place, self.calendar, minute_of_day=minute_of_day)
                return within(read, 0, self.now_us)
            case ValueType.WHOLE_NUMBER:
                return within(read_number(cells, place, 0), 1, column.most)
            case ValueType.QUANTITY:
                return within(read_number(cells, place, 3), 1, LARGEST_QUANTITY - 1)
            case ValueType.CHOICE:
                return read_choice(cells, place, column.choices)
            case _:
                return read_text(cells, place)


def within(read: Read, least: int, most: int) -> Read:
    return Read(read.values, read.sure & (read.values >= least) & (read.values <= most))


def default_of(column: Column) -> int | None:
    """As `Values` count it."""
    if column.default is None:
        return None
    if column.type is ValueType.CHOICE:
        return column.choices.index(column.default) + 1
    scale = {ValueType.MONEY: 100, ValueType.QUANTITY: 1_000}
    return int(column.default) * scale[column.type]


def blocks(table: TextFile, observe: Callable[[bytes], None]) -> Iterator[bytes]:
    """Whole lines, the last of them ended."""
    gathered: list[bytes] = []
    for chunk in table.chunks():
        observe(chunk)
        gathered.append(chunk)
        if sum(map(len, gathered)) >= BLOCK_BYTES:
            lines, newline, rest = b"".join(gathered).rpartition(b"\n")
            yield lines + newline
            gathered = [rest]
    last = b"".join(gathered)
    if last:
        yield last if last.endswith(b"\n") else last + b"\n"


def joined(parts: list[tuple[dict[str, Values], Booleans]], digest: bytes) -> PlainRows | None:
    if not parts:
        return None
    names = parts[0][0]
    columns = {
        name: Values(
            np.concatenate([columns[name].values for columns, _ in parts]),
            np.concatenate([columns[name].known for columns, _ in parts]),
        )
        for name in names
    }
    return PlainRows(columns, np.concatenate([sure for _, sure in parts]), digest)


def rows_again(table: TextFile, chosen: Booleans) -> Iterator[bytes]:
    """The chosen rows as they stand in the file, each behind its number and the delimiter."""
    before, delimiter = 0, table.delimiter.encode()
    for block in blocks(table, lambda _: None):
        lines = block.splitlines()
        numbers = np.flatnonzero(chosen[before : before + len(lines)]).tolist()
        yield b"".join(b"%d%b%b\n" % (before + n + 1, delimiter, lines[n]) for n in numbers)
        before += len(lines)
