"""The short way of files into the tables, as one import goes it: which files, and what is left of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from db.import_batches import BatchDone
from db.import_csv import TextFile
from db.import_plain import Target, take_plain
from db.import_plain_cells import Booleans
from db.import_plain_rows import PlainRows, RowReader
from domain.calendar import Calendar
from domain.ingest.canonical import RecordKind
from domain.ingest.import_files import Feed, InputFile


@dataclass(frozen=True, slots=True, eq=False)
class TakenShort:
    """`left`: which rows of a file are left to be judged, by its path."""

    done: BatchDone
    left: dict[Path, Booleans]


@dataclass(slots=True)
class ShortWay:
    """`rows`: files that were read and are not taken yet."""

    connections: Sequence[Any]
    source_id: int
    calendar: Calendar
    now_us: int
    rows: dict[Path, PlainRows] = field(default_factory=dict)

    async def read(self, file: InputFile, table: TextFile, advance: Callable[[int], None]) -> bool:
        """Whether the file can go this way. Errors: DomainError when it is not UTF-8."""
        reader = RowReader(file.sections[0], file.format, self.calendar, self.now_us)
        if len(file.sections) > 1 or not reader.can_read(table):
            return False
        rows = await asyncio.to_thread(reader.read, table, advance)
        if rows is not None:
            self.rows[file.path] = rows
        return rows is not None

    async def take(
        self, feeds: Sequence[Feed], runs: Sequence[int], advance: Callable[[int, int], None]
    ) -> TakenShort:
        """`feeds` as they are taken in together; this way goes only who begins with orders."""
        read = {file.path: self.rows.pop(file.path) for file, _ in feeds if file.path in self.rows}
        if len(read) < len(feeds) or feeds[0][1].kind is not RecordKind.ORDERS:
            return TakenShort(
                BatchDone(), {path: np.ones(rows.rows, np.bool_) for path, rows in read.items()}
            )
        orders, lines = read[feeds[0][0].path], read[feeds[1][0].path] if feeds[1:] else None
        target = Target(self.connections, self.source_id, self.calendar, runs)
        taken = await take_plain(target, orders, lines, lambda done: advance(done, orders.rows))
        return TakenShort(taken.done, dict(zip(read, taken.left, strict=True)))
