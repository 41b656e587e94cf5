from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.import_plain_cells import (
    Cells,
    Read,
    is_padded,
    read_choice,
    read_moment,
    read_number,
    read_text,
    split,
)
from domain.calendar import calendar_of, microseconds

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"


def cells_of(*texts: str) -> Cells:
    cells = split("".join(f"{text},-\n" for text in texts).encode(), b",", 2)
    assert cells is not None
    return cells


def sure(read: Read) -> list[object]:
    """Values, None where they are not sure."""
    return [
        value if is_sure else None
        for value, is_sure in zip(read.values.tolist(), read.sure.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("words", "text", "cents"),
    [
        ("whole", "12", 1200),
        ("one decimal", "12.5", 1250),
        ("two decimals", "12.05", 1205),
        ("nothing", "0", 0),
        ("zeros before", "007.50", 750),
        ("three decimals", "1.005", None),
        ("no digit after the point", "5.", None),
        ("no digit before the point", ".5", None),
        ("two points", "1.2.3", None),
        ("a sign", "-5", None),
        ("an exponent", "1e2", None),
        ("digits of another script", "１２", None),
        ("empty", "", None),
        ("a space", " 5", None),
        ("too long", "1234567890123", None),
    ],
)
def test_a_number_is_read_if_it_is_plain(words: str, text: str, cents: int | None) -> None:
    assert sure(read_number(cells_of(text, "1"), 0, 2)) == [cents, 100]


@given(st.lists(st.integers(0, 10**11 - 1), min_size=1))
def test_every_amount_of_cents_is_read_back(cents: list[int]) -> None:
    texts = [f"{amount // 100}.{amount % 100:02}" for amount in cents]

    assert sure(read_number(cells_of(*texts), 0, 2)) == cents


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-31", datetime(2026, 5, 31, tzinfo=ZoneInfo(SHANGHAI))),
        ("2026-05-31 18:30", datetime(2026, 5, 31, 18, 30, tzinfo=ZoneInfo(SHANGHAI))),
        ("2026-05-31T18:30:59", datetime(2026, 5, 31, 18, 30, 59, tzinfo=ZoneInfo(SHANGHAI))),
        ("2026-05-31T18:30:59Z", datetime(2026, 5, 31, 18, 30, 59, tzinfo=UTC)),
        ("2026-05-31T18:30:59-03:30", datetime(2026, 5, 31, 22, 0, 59, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=ZoneInfo(SHANGHAI))),
        ("2023-02-29", None),
        ("2026-13-01", None),
        ("2026-05-31T24:00:00", None),
        ("2026-05-31T18:60", None),
        ("2026-05-31T18:30:60", None),
        ("2026-05-31T18:30:59+16:00", None),
        ("2026-05-31T18:30:59.5", None),
        ("2026/05/31", None),
        ("2026-5-31", None),
        ("1960-05-31", None),
        ("", None),
    ],
)
def test_a_moment_is_read_if_it_is_plain(text: str, moment: datetime | None) -> None:
    read = read_moment(cells_of(text), 0, calendar_of(SHANGHAI), minute_of_day=0)

    assert sure(read) == [moment and microseconds(moment)]


def test_dates_without_a_time_are_at_the_time_that_the_mapping_names() -> None:
    read = read_moment(
        cells_of("2026-05-31", "2026-05-31 18:30"), 0, calendar_of(SHANGHAI), minute_of_day=720
    )

    zone = ZoneInfo(SHANGHAI)
    assert sure(read) == [
        microseconds(datetime(2026, 5, 31, 12, tzinfo=zone)),
        microseconds(datetime(2026, 5, 31, 18, 30, tzinfo=zone)),
    ]


def test_local_times_around_a_change_of_clocks_are_not_sure() -> None:
    texts = ["2026-03-27 12:00", "2026-03-29 02:30", "2026-03-29T02:30:00Z", "2026-03-31 12:00"]

    read = read_moment(cells_of(*texts), 0, calendar_of(BERLIN), minute_of_day=0)

    assert sure(read) == [
        microseconds(datetime(2026, 3, 27, 11, tzinfo=UTC)),
        None,
        microseconds(datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
        microseconds(datetime(2026, 3, 31, 10, tzinfo=UTC)),
    ]


def test_choices_are_numbered_in_letters_of_either_case() -> None:
    read = read_choice(cells_of("APP", "store", "", "APPS", "app "), 0, ("APP", "STORE"))

    assert sure(read) == [1, 2, None, None, None]


def test_texts_that_are_empty_or_too_long_are_not_sure() -> None:
    assert sure(read_text(cells_of("订单1", "", "x" * 65), 0)) == ["订单1".encode(), None, None]


@pytest.mark.parametrize(
    ("words", "block"),
    [
        ("a quote", b'"a",b\n'),
        ("a cell too many", b"a,b,c\nd\n"),
        ("a cell too few", b"a\nb,c\n"),
        ("an empty line", b"a,b\n\n"),
        ("old line ends", b"a,b\rc,d\n"),
    ],
)
def test_a_block_that_is_not_plain_is_not_split(words: str, block: bytes) -> None:
    assert split(block, b",", 2) is None


def test_windows_line_ends_are_not_part_of_the_last_cell() -> None:
    cells = split(b"a,b\r\nc,d\r\n", b",", 2)

    assert cells is not None
    assert read_text(cells, 1).values.tolist() == [b"b", b"d"]


def test_spaces_around_a_cell_are_noticed() -> None:
    cells = split(b"a, b,c \nd,e,f\n", b",", 3)

    assert cells is not None
    assert [is_padded(cells, column) for column in range(3)] == [False, True, True]


def test_nothing_is_read_past_the_end_of_a_block() -> None:
    cells = split(b"1,2\n", b",", 2)

    assert cells is not None
    assert np.array_equal(cells.bytes_of(1, 25), np.frombuffer(b"2" + bytes(24), np.uint8)[None])
