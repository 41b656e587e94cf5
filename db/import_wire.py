"""Rows in PostgreSQL's binary COPY format, in the order they are given, made from numpy columns at once.

Every row is laid out at its full width first; bytes of absent values and of what texts do not fill are then left
out in one go. (`db.binary_copy` writes absent values faster, but not in the order of the rows.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
POSTGRES_EPOCH_US = 946_684_800_000_000
POSTGRES_EPOCH_DAYS = 10_957
DIGIT_GROUP = 10_000

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The bytes of one column; a row uses the first `lengths` of them, all without, none where it is -1."""

    name: str
    matrix: Bytes
    lengths: NDArray[np.int64] | None = None


def whole(name: str, values: NDArray[Any], kind: str, known: NDArray[np.bool_] | None = None) -> Field:
    """`kind` is int2, int4 or int8; null where it is not known."""
    width = int(kind.removeprefix("int"))
    matrix = values.astype(f">i{width}").view(np.uint8).reshape(-1, width)
    return Field(name, matrix, None if known is None else np.where(known, width, -1))


def moment(name: str, values_us: NDArray[np.int64], known: NDArray[np.bool_] | None = None) -> Field:
    """Microseconds since 1970."""
    return whole(name, values_us - POSTGRES_EPOCH_US, "int8", known)


def day(name: str, days: NDArray[np.int64]) -> Field:
    """Days since 1970."""
    return whole(name, days - POSTGRES_EPOCH_DAYS, "int4")


def text(name: str, values: NDArray[np.bytes_]) -> Field:
    matrix = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    lengths = (matrix != 0).sum(axis=1)
    return Field(name, matrix, None if (lengths == matrix.shape[1]).all() else lengths)


def thousandths(name: str, values: NDArray[np.int64]) -> Field:
    """As numeric with three decimals: its head, then groups of four digits."""
    units, behind = np.divmod(values, 1_000)
    groups = (units // DIGIT_GROUP**2, units // DIGIT_GROUP % DIGIT_GROUP, units % DIGIT_GROUP, behind * 10)
    numbers = np.empty((len(values), 8), ">i2")
    numbers[:, :4] = 4, 2, 0, 3  # groups, weight of the first, sign, decimals
    for place, group in enumerate(groups, 4):
        numbers[:, place] = group
    return Field(name, numbers.view(np.uint8).reshape(-1, 16))


def stream(fields: Sequence[Field]) -> bytes:
    """Everything that COPY FROM STDIN (FORMAT binary) wants to hear."""
    rows = len(fields[0].matrix)
    width = 2 + sum(4 + field.matrix.shape[1] for field in fields)
    laid_out = np.empty((rows, width), np.uint8)
    laid_out[:, :2] = 0, len(fields)
    left_out = []
    at = 2
    for field in fields:
        end = at + 4 + field.matrix.shape[1]
        lengths = np.full(rows, field.matrix.shape[1]) if field.lengths is None else field.lengths
        laid_out[:, at : at + 4] = lengths.astype(">i4").view(np.uint8).reshape(-1, 4)
        laid_out[:, at + 4 : end] = field.matrix
        if field.lengths is not None:
            left_out.append((at + 4, end, lengths))
        at = end
    return b"".join([HEADER, without(laid_out, left_out), TRAILER])


def without(laid_out: Bytes, left_out: Sequence[tuple[int, int, NDArray[np.int64]]]) -> bytes:
    """The bytes from each first to each end, beyond the lengths."""
    if not left_out:
        return laid_out.tobytes()
    kept = np.ones(laid_out.shape, np.bool_)
    for first, end, lengths in left_out:
        kept[:, first:end] = np.arange(end - first) < lengths[:, None]
    return laid_out[kept].tobytes()
