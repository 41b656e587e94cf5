"""Columns of many rows as a few arrays in one row, in which several small integers share a word.

A row costs PostgreSQL and a driver more than its values, and a value more than its bits: ten million rows of nine
columns are read by this at half the price of COPY. Integers that do not fit in their bits are noticed by the same
statement, and everything is read again with a word for each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from db.binary_copy import Array, WireColumn, read_arrays

WORD_BITS = 63
OVERFLOW = WireColumn("overflow", "int8")


@dataclass(frozen=True, slots=True)
class Field:
    """An integer of SQL that is never NULL and nearly always within 0 and 2**bits - 1; `is_certain`: always."""

    name: str
    sql: str
    bits: int
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """`alone` are columns that have an array of their own. `only`: the condition of SQL that a row must meet to be
    in these arrays."""

    fields: tuple[Field, ...]
    alone: tuple[WireColumn, ...] = ()
    only: str | None = None

    def words(self) -> Iterator[tuple[Field, ...]]:
        """Each as full as the order of the fields allows."""
        word: tuple[Field, ...] = ()
        for field in self.fields:
            if word and sum(one.bits for one in word) + field.bits > WORD_BITS:
                yield word
                word = ()
            word = (*word, field)
        if word:
            yield word

    def spread(self) -> "Part":
        """With a word for each field."""
        fields = tuple(replace(field, bits=WORD_BITS, is_certain=True) for field in self.fields)
        return replace(self, fields=fields)


async def read_packed(connection: Any, parts: Sequence[Part], rows: str) -> dict[str, Array]:
    """The columns of all parts by name, in the order of `rows`, which is what stands behind FROM.

    *Shape*: int64, but for what stands alone."""
    found = await _read(connection, parts, rows)
    if found is None:
        found = await _read(connection, [part.spread() for part in parts], rows)
        assert found is not None, "nothing can overflow a word of its own"
    return found


async def _read(connection: Any, parts: Sequence[Part], rows: str) -> dict[str, Array] | None:
    """None: something does not fit."""
    columns = [column for part in parts for column in _columns_of(part)]
    read = await read_arrays(connection, _query(parts, rows), [*columns, OVERFLOW])
    if read[OVERFLOW.name].any():
        return None
    found = {column.name: read[column.name] for part in parts for column in part.alone}
    for part in parts:
        for word in part.words():
            found |= _unpacked(read[word[0].name], word)
    return found


def _query(parts: Sequence[Part], rows: str) -> str:
    arrays, overflows = [], []
    for part in parts:
        only = f" FILTER (WHERE {part.only})" if part.only else ""
        values = [column.name for column in part.alone] + [_word(word) for word in part.words()]
        arrays += [f"array_agg({value}){only}" for value in values]
        beyond = [f"({one.sql})::bigint >> {one.bits}" for one in part.fields if not one.is_certain]
        if beyond:
            overflows.append(f"coalesce(bit_or({' | '.join(map('({})'.format, beyond))}){only}, 0)")
    return f"SELECT {', '.join(arrays)}, ARRAY[{', '.join(overflows) or 0}]::bigint[] FROM {rows}"


def _columns_of(part: Part) -> list[WireColumn]:
    """A word is named after its first field."""
    return [*part.alone, *(WireColumn(word[0].name, "int8") for word in part.words())]


def _word(fields: Sequence[Field]) -> str:
    word = f"({fields[0].sql})::bigint"
    for field in fields[1:]:
        word = f"(({word} << {field.bits}) | ({field.sql}))"
    return word


def _unpacked(word: Array, fields: Sequence[Field]) -> dict[str, Array]:
    found = {}
    for field in reversed(fields[1:]):
        found[field.name] = word & np.int64((1 << field.bits) - 1)
        word = word >> field.bits
    return {fields[0].name: word, **found}
