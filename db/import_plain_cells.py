"""Cells of CSV bytes as numpy arrays, each with whether it is plainly right.

Plainly right is less than what SQL understands: a number with an exponent or a date without its zeros may mean
something, but that is for `db.import_checks` to say. What is read here means the same there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.calendar import DAY_US, Calendar

Array = NDArray[Any]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]

NEWLINE, SPACE, POINT, ZERO, DASH, COLON, T, Z, PLUS = b"\n .0-:TZ+"
LONGEST_TEXT = 64
LONGEST_NUMBER = 12
LONGEST_MOMENT = 25
DATE, TO_MINUTE, TO_SECOND, IN_UTC, WITH_OFFSET = 10, 16, 19, 20, 25
"""Lengths of moments: 2026-05-31 18:30:00+08:00 and its beginnings, or a Z for the offset."""
SURE_YEARS = 1971, 2099
"""Whose offsets from UTC a calendar knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Values of a column; `sure` is false where they mean nothing."""

    values: Array
    sure: Booleans


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """`starts` and `ends` are places in `buffer`, a row for each row and a column for each column."""

    buffer: NDArray[np.uint8]
    starts: Integers
    ends: Integers

    def lengths(self, column: int) -> Integers:
        lengths: Integers = self.ends[:, column] - self.starts[:, column]
        return lengths

    def bytes_of(self, column: int, width: int) -> Array:
        """The first bytes of each cell, and zeros behind its end."""
        matrix: Array = np.lib.stride_tricks.sliding_window_view(self.buffer, width)[self.starts[:, column]]
        lengths = self.lengths(column)
        if lengths.min(initial=width) < width:
            matrix[np.arange(width) >= lengths[:, None]] = 0
        return matrix


def split(block: bytes, delimiter: bytes, width: int) -> Cells | None:
    """Of whole lines; None when they are not plainly rows of that width: quotes, bare carriage returns."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    if b'"' in block or b"\r" in block:
        return None
    buffer = np.frombuffer(block + bytes(LONGEST_TEXT), np.uint8)
    found = np.flatnonzero((buffer == ord(delimiter)) | (buffer == NEWLINE))
    if len(found) % width:
        return None
    ends = found.reshape(-1, width)
    if (buffer[ends[:, -1]] != NEWLINE).any() or (buffer[ends[:, :-1]] == NEWLINE).any():
        return None
    starts = np.concatenate([[0], found + 1])[:-1].reshape(-1, width)
    return Cells(buffer, starts, ends)


def is_padded(cells: Cells, column: int) -> bool:
    """Whether some cell begins or ends with a space."""
    filled = cells.lengths(column) > 0
    firsts, lasts = cells.starts[filled, column], cells.ends[filled, column] - 1
    return bool((cells.buffer[firsts] == SPACE).any() or (cells.buffer[lasts] == SPACE).any())


def read_text(cells: Cells, column: int) -> Read:
    """As fixed-width bytes. A text that is too long is cut and not sure."""
    lengths = cells.lengths(column)
    width = int(min(max(lengths.max(initial=1), 1), LONGEST_TEXT))
    values = cells.bytes_of(column, width).view(f"S{width}")[:, 0]
    return Read(values, (lengths > 0) & (lengths <= width))


def read_number(cells: Cells, column: int, decimals: int) -> Read:
    """Of digits with at most that many behind the point, as a count of the last decimal."""
    lengths = cells.lengths(column)
    sure = (lengths > 0) & (lengths <= LONGEST_NUMBER)
    values, behind = np.zeros(len(lengths), np.int64), np.zeros(len(lengths), np.int64)
    has_point = np.zeros(len(lengths), np.bool_)
    width = int(lengths[sure].max(initial=1))
    for place, letter in enumerate(cells.bytes_of(column, width).T):
        digit = letter - np.uint8(ZERO)
        is_digit = digit <= 9  # the rest wraps round to more
        is_point = (letter == POINT) & ~has_point & (place > 0)
        values = np.where(is_digit, values * 10 + digit, values)
        behind += is_digit & has_point
        has_point |= is_point
        sure &= is_digit | is_point | (place >= lengths)
    sure &= (behind <= decimals) & (has_point == (behind > 0))
    scale = 10 ** np.arange(decimals, -1, -1, dtype=np.int64)
    return Read(values * scale[np.minimum(behind, decimals)], sure)


def read_choice(cells: Cells, column: int, choices: tuple[str, ...]) -> Read:
    """The number of a choice from 1, in letters of either case."""
    width = max(map(len, choices)) + 1
    letters = cells.bytes_of(column, width)
    letters[(letters >= ord("a")) & (letters <= ord("z"))] -= ord("a") - ord("A")
    texts = letters.view(f"S{width}")[:, 0]
    values = np.zeros(len(texts), np.int64)
    for number, choice in enumerate(choices, 1):
        values[texts == choice.encode()] = number
    return Read(values, values > 0)


def read_moment(cells: Cells, column: int, calendar: Calendar, *, minute_of_day: int) -> Read:
    """Microseconds since 1970. Dates without a time are at that minute; what has no zone is in the calendar's,
    and not sure within a day of a change of its clocks."""
    lengths = cells.lengths(column)
    text = cells.bytes_of(column, LONGEST_MOMENT)
    days, sure = read_dates(text)
    has_time = lengths > DATE
    seconds, sure_time = read_times(text, has_seconds=lengths > TO_MINUTE)
    offset, sure_offset = read_offsets(text)
    local = days * DAY_US + np.where(has_time, seconds, minute_of_day * 60) * 1_000_000
    here, sure_here = offsets_here(calendar, local)
    in_utc = (lengths == IN_UTC) & (text[:, TO_SECOND] == Z)
    with_offset = (lengths == WITH_OFFSET) & sure_offset
    plain = (lengths == DATE) | (lengths == TO_MINUTE) | (lengths == TO_SECOND)
    offset = np.where(in_utc, 0, np.where(with_offset, offset, here))
    sure &= (sure_time | ~has_time) & (in_utc | with_offset | (plain & sure_here))
    return Read(local - offset, sure)


def read_dates(text: Array) -> tuple[Integers, Booleans]:
    """Days since 1970 of 2026-05-31."""
    (year, sure_year), (month, sure_month), (day, sure_day) = (
        digits(text, 0, 4),
        digits(text, 5, 2),
        digits(text, 8, 2),
    )
    sure = sure_year & sure_month & sure_day & (text[:, 4] == DASH) & (text[:, 7] == DASH)
    sure &= (year >= SURE_YEARS[0]) & (year <= SURE_YEARS[1]) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(sure, (year - 1970) * 12 + month - 1, 0)
    first, following = (
        (months + ahead).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for ahead in (0, 1)
    )
    days = first + day - 1
    return days, sure & (days < following)


def read_times(text: Array, *, has_seconds: Booleans) -> tuple[Integers, Booleans]:
    """Seconds of the day, of T18:30:00 behind a date."""
    (hour, sure_hour), (minute, sure_minute), (second, sure_second) = (
        digits(text, at, 2) for at in (11, 14, 17)
    )
    sure = ((text[:, DATE] == T) | (text[:, DATE] == SPACE)) & (text[:, 13] == COLON)
    sure &= sure_hour & sure_minute & (hour < 24) & (minute < 60)
    sure &= ~has_seconds | (sure_second & (second < 60) & (text[:, TO_MINUTE] == COLON))
    return hour * 3600 + minute * 60 + np.where(has_seconds, second, 0), sure


def read_offsets(text: Array) -> tuple[Integers, Booleans]:
    """Microseconds ahead of UTC, of +08:00 behind a time."""
    sign = text[:, TO_SECOND]
    (hours, sure_hours), (minutes, sure_minutes) = digits(text, 20, 2), digits(text, 23, 2)
    sure = ((sign == PLUS) | (sign == DASH)) & (text[:, 22] == COLON) & sure_hours & sure_minutes
    ahead = np.where(sign == DASH, -1, 1) * (hours * 60 + minutes) * 60_000_000
    return ahead, sure & (hours < 15) & (minutes < 60)


def digits(text: Array, at: int, count: int) -> tuple[Integers, Booleans]:
    """Of the letters from `at` on."""
    number, sure = np.zeros(len(text), np.int64), np.ones(len(text), np.bool_)
    for place in range(at, at + count):
        digit = text[:, place] - np.uint8(ZERO)
        number = number * 10 + digit
        sure &= digit <= 9  # the rest wraps round to more
    return number, sure


def offsets_here(calendar: Calendar, local_us: Integers) -> tuple[Integers, Booleans]:
    """Microseconds ahead of UTC in the calendar's zone; sure where they are the same a day before and after."""
    before, after = (
        calendar.offsets_us[np.maximum(np.searchsorted(calendar.starts_us, moments, side="right") - 1, 0)]
        for moments in (local_us - DAY_US, local_us + DAY_US)
    )
    same: Booleans = before == after
    return before, same
