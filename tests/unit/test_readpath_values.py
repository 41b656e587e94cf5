import base64
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, DateTime, Text

from resolvers.readpath.cursors import decode_cursor, decode_id, encode_cursor, storable
from resolvers.readpath.operation import Slot, shape, symbolic
from resolvers.readpath.scalars import print_amount, print_moment, read_amount, read_moment

PREFIXES = frozenset({"cus", "ord"})
MOMENTS = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(MOMENTS, st.integers(-(2**63) + 1, 2**63 - 1), TEXTS)
def test_a_cursor_gives_back_its_keys(moment: datetime, number: int, text: str) -> None:
    cursor = encode_cursor([moment, number, text])

    assert decode_cursor(cursor, [DateTime(), BigInteger(), Text()]) == [moment, number, text]


@given(st.one_of(st.text(), st.binary().map(lambda b: base64.b64encode(b).decode())))
def test_anything_else_is_refused_as_a_cursor_with_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="This is not a cursor of this list"):
        decode_cursor(text, [DateTime(), BigInteger()])


@pytest.mark.parametrize(
    "keys", ["[1]", "[1, 2, 3]", "[true, 1]", '["1", 1]', "[1e99, 1]", "[99999999999999999999, 1]", "{}"]
)
def test_keys_of_another_list_are_no_cursor(keys: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        decode_cursor(base64.b64encode(keys.encode()).decode(), [DateTime(), BigInteger()])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("cus_42", 42),
        ("ord_42", None),
        ("cus_", None),
        ("cus_x", None),
        ("cus_042", None),
        ("cus_-1", None),
        ("cus_٣", None),
        ("cus_9999999999999999999", None),
        ("", None),
    ],
)
def test_only_an_id_as_we_print_it_names_something(text: str, number: int | None) -> None:
    assert decode_id(text, "cus") == number


@given(MOMENTS)
def test_a_moment_is_read_as_it_is_printed(moment: datetime) -> None:
    assert read_moment(print_moment(moment)) == moment


def test_a_moment_is_printed_in_utc_without_trailing_zeros() -> None:
    eight = timezone(timedelta(hours=8))

    assert (
        print_moment(datetime(2026, 11, 1, 8, 0, 0, 120000, tzinfo=eight)) == "2026-11-01T00:00:00.12+00:00"
    )


@pytest.mark.parametrize("text", ["2026-11-01T00:00:00", "0001-01-01T00:00:00+14:00", "yesterday"])
def test_a_moment_without_offset_or_outside_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_moment(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999999", "1" * 21, ""])
def test_an_amount_that_sql_could_fail_on_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 20 digits"):
        read_amount(text)


def test_an_amount_keeps_its_digits() -> None:
    assert print_amount(read_amount("12.50")) == "12.50"
    assert print_amount(Decimal("1E-7")) == "0.0000001"


@pytest.mark.parametrize("value", ["a\0b", "\ud800", ["fine", "a\0"]])
def test_a_text_that_cannot_be_stored_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        storable(value)


def test_values_leave_the_shape_but_nulls_booleans_keys_and_types_stay() -> None:
    first = {"where": {"city": "Beijing", "open": True}, "id": "cus_1", "after": None}
    second = {"where": {"city": "Xi'an", "open": True}, "id": "cus_2", "after": None}

    assert shape(first, PREFIXES) == shape(second, PREFIXES)
    for changed in (
        {**first, "after": "x"},
        {**first, "id": "ord_1"},
        {**first, "where": {"city": "Beijing"}},
        {**first, "where": {"city": "Beijing", "open": False}},
    ):
        assert shape(changed, PREFIXES) != shape(first, PREFIXES)


def test_unknown_prefixes_share_one_shape() -> None:
    assert shape("abc_1", PREFIXES) == shape("xyz_1", PREFIXES) == shape("", PREFIXES)


def test_a_symbolic_value_is_read_back_from_the_variables() -> None:
    variables = {"input": {"ids": ["cus_1", "ord_2"], "all": [{"n": 1}]}}
    made = symbolic(variables["input"], ("input",), PREFIXES)

    assert made["ids"] == Slot(("input", "ids"), PREFIXES)
    assert made["all"][0]["n"].read(variables) == 1
