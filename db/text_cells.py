"""JSON of many rows laid out in numpy: each value in a cell as wide as its widest, filled up with spaces.

JSON does not mind the spaces, and every row has one size, as binary COPY wants it. Near ten million cells a second.
"""

import json
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from domain.conditions.numpy_reader import Column
from domain.tiers.exact import MICRO

Cells = NDArray[np.uint8]
"""A row of bytes for each row."""
Part = Cells | str

SPACE, QUOTE, POINT, ZERO = b' ".0'
_CHUNK = 10_000
_POWERS = 10 ** np.arange(1, 19, dtype=np.int64)
_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(_CHUNK)), np.uint8).reshape(_CHUNK, 4)


def side_by_side(parts: Iterable[Part], rows: int) -> Cells:
    """Columns of cells; a text is the same in each row."""
    wide = [_repeated(part, rows) if isinstance(part, str) else part for part in parts]
    return np.concatenate(wide, axis=1)


def _repeated(text: str, rows: int) -> Cells:
    letters = np.frombuffer(text.encode(), np.uint8)
    return np.broadcast_to(letters, (rows, len(letters)))


def integers(values: NDArray[np.int64]) -> Cells:
    """Decimal digits at the right. *Errors*: ValueError for negative numbers."""
    if values.min(initial=0) < 0:
        raise ValueError("Only numbers from 0 on are written so.")
    lengths = digits(values)
    width = int(lengths.max(initial=1))
    cells = with_zeros(values, width)
    cells[np.arange(width) < (width - lengths)[:, None]] = SPACE
    return cells


def digits(values: NDArray[np.int64]) -> NDArray[np.intp]:
    """How many digits each number has."""
    return np.searchsorted(_POWERS, values, side="right") + 1


def with_zeros(values: NDArray[np.int64], width: int) -> Cells:
    """The last `width` digits, with zeros in front."""
    rest, fours = values, []
    for _ in range(-(-width // 4)):
        rest, part = np.divmod(rest, _CHUNK)
        fours.append(_DIGITS[part])
    return np.concatenate(fours[::-1], axis=1)[:, -width:]


def integers_or_null(column: Column) -> Cells:
    """Where a value is unknown: null."""
    if column.known is None or column.known.all():
        return integers(column.values.astype(np.int64))
    numbers = integers(np.where(column.known, column.values, 0).astype(np.int64))
    cells = side_by_side([" " * max(0, 4 - numbers.shape[1]), numbers], len(numbers))
    cells[~column.known] = np.frombuffer(b"null".rjust(cells.shape[1]), np.uint8)
    return cells


def quoted_micros(micro_scores: NDArray[np.int64]) -> Cells:
    """Millionths as "62.000000", quotes and all."""
    whole, fraction = np.divmod(micro_scores, MICRO)
    number = integers(whole)
    cells = side_by_side([" ", number, ".", with_zeros(fraction, 6), '"'], len(number))
    cells[np.arange(len(cells)), number.shape[1] - digits(whole)] = QUOTE
    return cells


def choices(texts: Sequence[str], chosen: NDArray[np.intp]) -> Cells:
    """One of a few texts in each row."""
    width = max((len(text.encode()) for text in texts), default=0)
    table = np.frombuffer(b"".join(text.encode().ljust(width) for text in texts), np.uint8)
    return table.reshape(len(texts), width)[chosen]


def json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
