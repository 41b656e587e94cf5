"""Which businesses buy on credit, how long they may take to pay, and how long they do (C4)."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.people import People
from domain.synthetic.profiles import Block
from domain.synthetic.randomness import Stream, stream
from domain.synthetic.retailer import SECONDS_PER_DAY, Retailer
from domain.synthetic.segments import SEGMENTS
from domain.synthetic.tables import texts

TERMS = {"chain": (0.9, 30), "restaurant": (0.6, 15), "eatery": (0.25, 7)}
"""By segment: how many of them buy on credit, and for how many days."""
_PROMPT, _SLOW = 0.8, 0.95
"""Up to here somebody always pays in time, up to there sometimes not; the rest let others wait."""
_MISSING = np.datetime64("NaT", "s")
Seconds = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Credit:
    """One row an order. An order that is not on credit, or not confirmed by the end of data, has no days."""

    is_on_credit: NDArray[np.bool_]
    confirmed_at: NDArray[np.datetime64]
    days: NDArray[np.bytes_]
    paid_at: NDArray[np.datetime64]
    """Of orders on credit only; missing: not paid by the end of data."""


def draw_credit(
    retailer: Retailer, block: Block, people: People, person: NDArray[np.int64], placed: Seconds
) -> Credit:
    """`person`: who placed each order. A confirmation takes minutes, the payment days."""
    random = stream(retailer.seed, Stream.CREDIT, block.number)
    days_of_person, patience = _terms(random, people), random.random(len(people.number))
    days = days_of_person[person]
    confirmed = placed + random.integers(300, 5_400, len(placed))
    paid = confirmed + (_share_taken(random, patience[person]) * days * SECONDS_PER_DAY).astype(np.int64)
    is_on_credit = days > 0
    is_confirmed = is_on_credit & (confirmed <= retailer.end_second)
    is_paid = is_confirmed & (paid <= retailer.end_second)
    return Credit(
        is_on_credit=is_on_credit,
        confirmed_at=np.where(is_confirmed, confirmed.astype("datetime64[s]"), _MISSING),
        days=np.where(is_confirmed, texts(*map(str, range(31)))[days], b""),
        paid_at=np.where(is_paid, paid.astype("datetime64[s]"), _MISSING),
    )


def _terms(random: Generator, people: People) -> NDArray[np.int64]:
    """Days to pay of each person; 0: buys nothing on credit."""
    offered = np.array([TERMS.get(segment.code, (0.0, 0)) for segment in SEGMENTS])[people.segment]
    has_credit = random.random(len(people.segment)) < offered[:, 0]
    return np.where(has_credit, offered[:, 1], 0).astype(np.int64)


def _share_taken(random: Generator, patience: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the days to pay; beyond 1 is late."""
    most = np.select([patience < _PROMPT, patience < _SLOW], [0.98, 1.3], 2.5)
    taken: NDArray[np.float64] = random.uniform(0.3, 1.0, len(patience)) * most
    return taken
