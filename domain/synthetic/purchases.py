"""When customers buy and when they leave: MBG/NBD, one vectorised round for each next purchase."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Purchases:
    """Purchases of all customers, by no particular order, and each customer's hidden end.

    `day` counts days (with fraction) from the start of the log; `death_day` is NaN for who is
    still a customer.
    """

    customer: NDArray[np.int64]
    day: NDArray[np.float64]
    death_day: NDArray[np.float64]


def simulate(
    random: Generator,
    *,
    first_day: NDArray[np.float64],
    rate: NDArray[np.float64],
    dropout: NDArray[np.float64],
    last_day: float,
) -> Purchases:
    """`rate` is purchases a day, `dropout` the chance to leave after any purchase, the first included."""
    death = np.full(len(first_day), np.nan)
    active = np.flatnonzero(first_day < last_day)
    day = first_day[active]
    customers, days = [], []
    while len(active):
        customers.append(active)
        days.append(day)
        leaves = random.random(len(active)) < dropout[active]
        death[active[leaves]] = day[leaves]
        active, day = active[~leaves], day[~leaves]
        day = day + random.standard_exponential(len(active)) / rate[active]
        inside = day < last_day
        active, day = active[inside], day[inside]
    if not customers:
        return Purchases(np.zeros(0, np.int64), np.zeros(0), death)
    return Purchases(np.concatenate(customers), np.concatenate(days), death)
