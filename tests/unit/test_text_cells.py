"""Cells of numpy bytes read as the JSON that they are laid out to be."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.text_cells import choices, integers, integers_or_null, quoted_micros, side_by_side
from domain.conditions.numpy_reader import Column
from domain.tiers.exact import shown_micro

MOST = 2**63 - 1
numbers = st.lists(st.integers(0, MOST), min_size=1, max_size=20)


@given(values=numbers)
def test_integers_read_as_themselves(values: list[int]) -> None:
    cells = integers(np.array(values, np.int64))

    assert [json.loads(row.tobytes()) for row in cells] == values


@given(values=st.lists(st.integers(0, MOST) | st.none(), min_size=1, max_size=20))
def test_what_is_unknown_reads_as_null(values: list[int | None]) -> None:
    known = np.array([value is not None for value in values])
    column = Column(np.array([value or 0 for value in values], np.int64), known)

    assert [json.loads(row.tobytes()) for row in integers_or_null(column)] == values


@given(values=numbers)
def test_scores_read_as_the_text_that_a_single_decision_stores(values: list[int]) -> None:
    cells = quoted_micros(np.array(values, np.int64))

    assert [json.loads(row.tobytes()) for row in cells] == [str(shown_micro(value)) for value in values]


def test_choices_and_texts_stand_side_by_side() -> None:
    found = choices(['["GOLD"]', "[]"], np.array([1, 0]))

    rows = side_by_side(['{"in": ', found, ', "上海": ', integers(np.array([7, 1234])), "}"], 2)

    assert [json.loads(row.tobytes()) for row in rows] == [
        {"in": [], "上海": 7},
        {"in": ["GOLD"], "上海": 1234},
    ]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 on"):
        integers(np.array([3, -1]))
