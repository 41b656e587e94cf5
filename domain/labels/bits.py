"""Which labels hold for any number of customers at once, as fixed-width bit sets, and what changed since."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.conditions.catalogue import intern
from domain.conditions.explanation import Check, CustomerValues, explain
from domain.conditions.expression import Condition
from domain.conditions.numpy_reader import Booleans, Column, NumpyReader
from domain.labels.rule import LabelDefinition

WIDTH_BYTES = 38
"""304 labels; bit b is bit b % 8 of byte b // 8."""

Bits = NDArray[np.uint8]
TierIn = Callable[[str, tuple[str, ...]], Booleans]


@dataclass(frozen=True, slots=True)
class LabelReading:
    """Labels ready to be read: equal parts of their conditions are one object."""

    by_bit: tuple[tuple[int, Condition], ...]
    by_hand: tuple[tuple[int, str], ...]
    shared: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelBlock:
    """Customers to label together. `held_by_hand` has a mask for each manual label that anybody holds."""

    columns: Mapping[str, Column]
    rows: int
    as_of_us: int
    tier_in: TierIn
    held_by_hand: Mapping[str, Booleans] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelChanges:
    """One entry a change, in order of row and bit: `entered` false means left."""

    rows: NDArray[np.intp]
    bits: NDArray[np.intp]
    entered: Booleans


def read_labels(labels: Sequence[LabelDefinition]) -> LabelReading:
    """*Cost*: once per catalogue, not per run."""
    current = [label for label in labels if label.retired_at is None]
    computed = [(label.bit, label.condition) for label in current if label.condition is not None]
    catalogue = intern([condition for _, condition in computed])
    return LabelReading(
        tuple(zip((bit for bit, _ in computed), catalogue.conditions, strict=True)),
        tuple((label.bit, label.code) for label in current if label.condition is None),
        catalogue.shared,
    )


def label_bits(reading: LabelReading, block: LabelBlock) -> Bits:
    """*Shape*: uint8[rows, WIDTH_BYTES]. *Cost*: blocks of 8,000 to 16,000 rows stay in the cache."""

    def has_label(code: str) -> Booleans:
        return _by_hand(block, code)

    reader = NumpyReader(
        block.columns,
        block.as_of_us,
        block.rows,
        reading.shared,
        has_label=has_label,
        tier_in=block.tier_in,
    )
    # one contiguous plane a byte, turned once at the end: np.packbits over columns is a hundred times slower
    planes = np.zeros((WIDTH_BYTES, block.rows), np.uint8)
    for bit, condition in reading.by_bit:
        planes[bit >> 3] |= reader.condition(condition).view(np.uint8) << np.uint8(bit & 7)
    for bit, code in reading.by_hand:
        planes[bit >> 3] |= _by_hand(block, code).view(np.uint8) << np.uint8(bit & 7)
    return np.ascontiguousarray(planes.T)


def changed_labels(old: Bits, new: Bits) -> LabelChanges:
    """*Cost*: unpacks only the rows that changed."""
    difference = old ^ new
    touched = np.flatnonzero(difference.any(axis=1))
    places, bits = np.nonzero(np.unpackbits(difference[touched], axis=1, bitorder="little"))
    rows = touched[places]
    entered = (new[rows, bits >> 3] >> (bits & 7).astype(np.uint8)) & 1
    return LabelChanges(rows, bits, entered.astype(np.bool_))


def held_bits(bits: bytes) -> tuple[int, ...]:
    """The labels of one stored bit set."""
    return tuple(np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")).tolist())


def reasons(label: LabelDefinition, customer: CustomerValues) -> tuple[Check, ...]:
    """Each test behind the label as read for one customer; none for a label that was given by hand."""
    return explain(label.condition, customer) if label.condition else ()


def _by_hand(block: LabelBlock, code: str) -> Booleans:
    held = block.held_by_hand.get(code)
    return np.zeros(block.rows, np.bool_) if held is None else held
