"""One independent random stream for each table and block of customers.

A stream depends on the seed, its table and its block only: blocks may be made in any order, and a new table
never shifts another.
"""

from enum import IntEnum

import numpy as np
from numpy.random import PCG64DXSM, Generator, SeedSequence
from numpy.typing import NDArray


class Stream(IntEnum):
    """What is drawn; append only, a changed number changes every byte."""

    COMMUNITIES = 0
    PRODUCTS = 1
    PEOPLE = 2
    RECORDS = 3
    PURCHASES = 4
    ORDERS = 5
    LINES = 6
    CREDIT = 7


def stream(seed: int, table: Stream, block: int = 0) -> Generator:
    return Generator(PCG64DXSM(SeedSequence(seed, spawn_key=(int(table), block))))


def pick(random: Generator, shares: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Indexes drawn by their shares (any positive weights)."""
    cumulative = np.cumsum(shares)
    found: NDArray[np.int64] = np.searchsorted(
        cumulative, random.random(count) * cumulative[-1], side="right"
    )
    return found


def pick_by_row(random: Generator, shares: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each entry of `rows`, an index drawn by the shares in that row of `shares`."""
    cumulative = np.cumsum(shares, axis=1)
    cumulative /= cumulative[:, -1:]
    flat = (cumulative + np.arange(len(shares))[:, None]).ravel()
    found = np.searchsorted(flat, rows + random.random(len(rows)), side="right")
    chosen: NDArray[np.int64] = np.minimum(found - rows * shares.shape[1], shares.shape[1] - 1)
    return chosen
