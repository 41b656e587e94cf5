"""Rows of `conditions_made` as the columns a NumpyReader takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from conditions_made import AS_OF_US, INPUTS

from domain.conditions.expression import INT32, Fact
from domain.conditions.numpy_reader import Column, NumpyReader


def reader_of(rows: Sequence[dict[str, Any]], shared: frozenset[int] = frozenset()) -> NumpyReader:
    def has_label(code: str) -> Any:
        return np.array([row[code] for row in rows], np.bool_)

    def tier_in(policy: str, codes: tuple[str, ...]) -> Any:
        return np.array([row["tier"] in codes for row in rows], np.bool_)

    columns = {name: _column(fact, [row[name] for row in rows]) for name, fact in INPUTS.items()}
    return NumpyReader(columns, AS_OF_US, len(rows), shared, has_label, tier_in)


def _column(fact: Any, values: list[int | None]) -> Column:
    is_narrow = isinstance(fact, Fact) and fact.lo >= INT32[0] and fact.hi <= INT32[1]
    numbers = np.array([value or 0 for value in values], np.int32 if is_narrow else np.int64)
    return Column(numbers, np.array([value is not None for value in values]) if fact.nullable else None)
