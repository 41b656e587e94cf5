"""CSV files as bytes for COPY: header, encoding and quoting are checked while they stream."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.errors import DomainError, ErrorCode
from domain.ingest.mapping import WHITESPACE

CHUNK_BYTES = 1 << 20
MAXIMUM_COLUMNS = 200
ENCODED_OTHERWISE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A table whose rows come as CSV bytes in UTF-8, without the header.

    `chunks()` reads anew each time; it raises DomainError at the first byte that is not UTF-8.
    """

    path: Path
    header: tuple[str, ...]
    delimiter: str
    size_bytes: int
    chunks: Callable[[], Iterator[bytes]]


def open_csv(path: Path, delimiter: str = ",") -> TextFile:
    """Errors: DomainError (INVALID) when the file is empty, not UTF-8, or its header cannot be used."""
    header, offset = read_header(path, delimiter)
    if delimiter == WHITESPACE:
        return TextFile(path, header, "\t", path.stat().st_size, lambda: aligned(checked(path, offset)))
    return TextFile(path, header, delimiter, path.stat().st_size, lambda: checked(path, offset))


def read_header(path: Path, delimiter: str) -> tuple[tuple[str, ...], int]:
    """The names of the columns, and where the first row begins."""
    with path.open("rb") as file:
        line = file.readline(CHUNK_BYTES)
        offset = file.tell()
    if line.startswith(ENCODED_OTHERWISE) or b"\0" in line:
        raise not_utf8(path, "it looks like UTF-16")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, f"byte {error.start + 1} of the header is 0x{line[error.start]:02X}") from error
    if not text.strip():
        raise unusable(path, "is empty: the first line must name the columns")
    cells = text.split() if delimiter == WHITESPACE else next(csv.reader([text], delimiter=delimiter))
    return usable_header(path, tuple(cell.strip() for cell in cells)), offset


def usable_header(path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({name for name in names if names.count(name) > 1 and name})
    if repeated:
        raise unusable(path, f"has two columns named {repeated[0]}; rename one")
    if len(names) > MAXIMUM_COLUMNS:
        raise unusable(path, f"has {len(names)} columns; at most {MAXIMUM_COLUMNS} can be read")
    return names


def checked(path: Path, offset: int) -> Iterator[bytes]:
    """The file from `offset`, in chunks, as long as it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        position = file.seek(offset)
        while chunk := file.read(CHUNK_BYTES):
            pending = decoder.getstate()[0]
            if pending or not chunk.isascii() or b"\0" in chunk:
                require_utf8(path, decoder, chunk, position - len(pending))
            position += len(chunk)
            yield chunk
        require_utf8(path, decoder, b"", position - len(decoder.getstate()[0]), final=True)


def require_utf8(
    path: Path, decoder: codecs.IncrementalDecoder, chunk: bytes, start: int, *, final: bool = False
) -> None:
    """`start` is the position in the file of the first byte that is decoded now."""
    try:
        text = decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        raise not_utf8_at(path, start + error.start) from error
    if "\0" in text:
        raise not_utf8_at(path, start + text[: text.index("\0")].encode().__len__())


def not_utf8_at(path: Path, position: int) -> DomainError:
    """Names the byte and its line, counted in the part of the file that was right."""
    with path.open("rb") as file:
        before = file.read(position)
        byte = file.read(1)
    line = before.count(b"\n") + 1
    return not_utf8(path, f"byte {position + 1:,} (line {line:,}) is 0x{byte[0] if byte else 0:02X}")


def not_utf8(path: Path, where: str) -> DomainError:
    return unusable(
        path, f"is not UTF-8: {where}. Save it as UTF-8 (in Excel: CSV UTF-8) and import it again"
    )


def aligned(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Columns that stand apart by spaces, with a tab between them instead."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield b"".join(b"\t".join(line.split()) + b"\n" for line in lines if line.strip())
    if rest.strip():
        yield b"\t".join(rest.split()) + b"\n"


def counted_rows(file: TextFile) -> Iterator[bytes]:
    """The rows again for a file whose rows are not all of one width: CSV of number, problem, cells.

    Slow (a loop over rows), and only for files that COPY refused.
    Errors: DomainError (INVALID) when quoting cannot be followed to the end.
    """
    text = io.TextIOWrapper(io.BufferedReader(Joined(file.chunks())), encoding="utf-8", newline="")
    width = len(file.header)
    out = io.StringIO()
    writer = csv.writer(out)
    try:
        rows = (row for row in csv.reader(text, delimiter=file.delimiter) if row)
        for number, row in enumerate(rows, 1):
            writer.writerow([number, width_problem(row, width), *fitted(row, width)])
            if out.tell() > CHUNK_BYTES:
                yield out.getvalue().encode()
                out.seek(0)
                out.truncate()
    except csv.Error as error:
        raise unusable(file.path, f"cannot be read as CSV ({error}); is a quote left open?") from error
    yield out.getvalue().encode()


def width_problem(row: list[str], width: int) -> str | None:
    if len(row) == width:
        return None
    hint = "; is a quote left open?" if any("\n" in cell for cell in row) else ""
    return f"the row has {len(row)} cells where the header has {width}{hint}"


def fitted(row: list[str], width: int) -> list[str]:
    """Exactly `width` cells; what is too much stands in the last, so that the reject file shows it."""
    if len(row) <= width:
        return row + [""] * (width - len(row))
    return [*row[: width - 1], ",".join(row[width - 1 :])]


class Joined(io.RawIOBase):
    """Chunks as one readable stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._rest = self._rest or next(self._chunks, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def unusable(path: Path, words: str) -> DomainError:
    return DomainError(ErrorCode.INVALID, f"{path.name} {words}.", ("path",))
