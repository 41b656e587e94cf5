from typing import Any

import pytest

from benchmarks.answers import first_difference, first_missing

ORDER = {"id": "ord_7", "placedAt": "2026-06-01T08:00:00.12+00:00", "netAmount": {"amount": "12.50"}}


def test_equal_answers_have_no_difference() -> None:
    assert first_difference({"orders": [ORDER]}, {"orders": [dict(ORDER)]}) is None


def test_a_moment_may_be_written_differently() -> None:
    theirs = {**ORDER, "placedAt": "2026-06-01T08:00:00.120000Z"}

    assert first_difference(ORDER, theirs) is None


@pytest.mark.parametrize(
    ("words", "theirs", "place"),
    [
        ("another value", {"orders": [{**ORDER, "id": "ord_8"}]}, "data.orders[0].id"),
        ("a number for a string", {"orders": [{**ORDER, "id": 7}]}, "data.orders[0].id"),
        ("a row too few", {"orders": []}, "data.orders"),
        ("a field too few", {"orders": [{"id": "ord_7"}]}, "data.orders[0]"),
        ("null for an object", {"orders": [None]}, "data.orders[0]"),
    ],
)
def test_a_difference_is_named_by_its_place(words: str, theirs: Any, place: str) -> None:
    found = first_difference({"orders": [ORDER]}, theirs)

    assert found is not None
    assert found.startswith(f"{place}:")


def test_true_is_not_one() -> None:
    assert first_difference({"a": 1}, {"a": True}) is not None


def test_an_answer_of_another_shape_has_the_same_values() -> None:
    theirs = {"rows": [{"orderId": "7", "at": "2026-06-01T08:00:00.120000+00:00", "cents": "1250"}]}

    assert first_missing({"order": {**ORDER, "status": "PAID"}}, theirs) is None


def test_a_value_that_an_answer_of_another_shape_lacks_is_named() -> None:
    theirs = {"orderId": "7", "at": "2026-06-01T08:00:00.12+00:00", "cents": "1251"}

    assert first_missing(ORDER, theirs) == "amount: '12.50' is nowhere there"
