"""Mobile numbers, one for each customer, and the spellings in which sources hold them."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.randomness import pick
from domain.synthetic.tables import Column, joined, numbered, texts

_PREFIXES = texts(
    "139", "138", "137", "136", "135", "158", "188", "130", "131", "186", "133", "189", "177", "199"
)
# Coprime to 10^8, so that different customers have different numbers without anybody keeping a list.
_STRIDE = 73_856_093
SPELLINGS = ("plain", "spaces", "dashes", "+86", "0086", "86", "full width", "one digit short", "missing")
_SHARES = np.array([45.0, 12, 8, 10, 5, 7, 8, 2, 3])


def phone_numbers(customers: NDArray[np.int64], *, offset: int) -> Column:
    """Eleven digits each, different for different customer numbers below 10^8."""
    tail = ((customers + 1) * _STRIDE + offset) % 10**8
    return joined(_PREFIXES[customers % 10_007 % len(_PREFIXES)], numbered("", tail, 8))


def spell_phones(random: Generator, phones: Column) -> Column:
    """As sources write them; one digit short cannot be repaired, and some have none."""
    digits = np.ascontiguousarray(phones.astype("S11")).view(np.uint8).reshape(-1, 11)
    head, middle, tail = (_text(digits[:, start:stop]) for start, stop in ((0, 3), (3, 7), (7, 11)))
    spelling = pick(random, _SHARES, len(phones))
    choices = (
        phones,
        joined(head, b" ", middle, b" ", tail),
        joined(head, b"-", middle, b"-", tail),
        joined(b"+86", phones),
        joined(b"0086", phones),
        joined(b"86", phones),
        _full_width(digits),
        _text(digits[:, :10]),
        np.zeros(len(phones), "S1"),
    )
    return np.select([spelling == number for number in range(len(choices))], choices, b"")


def _text(digits: NDArray[np.uint8]) -> Column:
    whole = np.ascontiguousarray(digits)
    return whole.view(f"S{whole.shape[1]}").ravel()


def _full_width(digits: NDArray[np.uint8]) -> Column:
    """U+FF10 ... U+FF19, three bytes each in UTF-8."""
    wide = np.empty((*digits.shape, 3), np.uint8)
    wide[..., 0], wide[..., 1], wide[..., 2] = 0xEF, 0xBC, digits - ord("0") + 0x90
    return _text(wide.reshape(len(digits), -1))
