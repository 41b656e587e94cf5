"""The kinds of customer the generator mixes, with the parameters a model should find again.

Purchases follow MBG/NBD: rates are Gamma(r, 1/alpha) a day, a customer leaves after a purchase with a chance
drawn from Beta(a, b). Order amounts are Gamma-Gamma(p, q, v) in yuan, with mean p v / (q - 1).
(Batislam, Denizel, Filiztekin 2007; Fader, Hardie 2013.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("APP", "MINI_PROGRAM", "STORE", "WHOLESALE", "COMMUNITY_GROUP", "OTHER")
TASTES = ("home", "hotpot", "sichuan", "seafood", "light", "breakfast", "fruit", "frozen")


@dataclass(frozen=True, slots=True)
class Segment:
    """One kind of customer."""

    code: str
    is_business: bool
    share: float
    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    v: float
    extra_lines: float
    """Mean number of lines past the first."""
    hours: tuple[int, ...]
    """Hours of the day at which it orders, equally likely; as many for each segment."""
    stays_home: tuple[float, ...]
    """Chance, Monday to Sunday, that an order waits for the next day."""
    channels: tuple[float, ...]
    """Weights, in the order of CHANNELS."""
    tastes: tuple[float, ...]
    """Weights, in the order of TASTES."""


_KITCHEN_HOURS = (4, 5, 5, 6, 14, 15, 20, 21, 22, 22, 23, 23)
_KITCHEN_DAYS = (0.0, 0.05, 0.05, 0.0, 0.0, 0.2, 0.5)
_FAMILY_DAYS = (0.3, 0.3, 0.25, 0.25, 0.1, 0.0, 0.0)

SEGMENTS = (
    Segment(
        "chain", True, 0.004, 3.0, 9, 0.4, 40, 6, 6, 9000, 5.0, _KITCHEN_HOURS, _KITCHEN_DAYS,
        (12, 3, 0, 84, 0, 1), (2, 4, 4, 1, 0, 0, 0, 2),
    ),
    Segment(
        "restaurant", True, 0.026, 2.0, 10, 0.6, 24, 6, 5, 1500, 4.0, _KITCHEN_HOURS, _KITCHEN_DAYS,
        (25, 8, 1, 65, 0, 1), (3, 3, 3, 2, 0, 0, 0, 1),
    ),
    Segment(
        "eatery", True, 0.07, 1.5, 12, 0.8, 14, 6, 4.5, 420, 3.0, _KITCHEN_HOURS, _KITCHEN_DAYS,
        (35, 18, 6, 40, 0, 1), (3, 1, 3, 0, 0, 2, 0, 3),
    ),
    Segment(
        "family", False, 0.45, 0.9, 15, 0.8, 5, 6, 4, 45, 1.4, (7, 9, 10, 11, 12, 16, 17, 17, 18, 18, 19, 20),
        _FAMILY_DAYS, (40, 30, 15, 0, 14, 1), (4, 1, 2, 1, 1, 2, 2, 1),
    ),
    Segment(
        "office_worker", False, 0.30, 0.7, 16, 0.9, 4, 6, 3.8, 30, 1.0,
        (8, 9, 11, 12, 12, 13, 18, 18, 19, 20, 21, 22), (0.0, 0.0, 0.0, 0.0, 0.1, 0.1, 0.0),
        (55, 35, 3, 0, 6, 1), (1, 2, 1, 1, 3, 2, 3, 3),
    ),
    Segment(
        "elderly", False, 0.15, 1.4, 12, 0.6, 9, 5, 5, 30, 1.2, (6, 6, 7, 7, 8, 8, 9, 9, 10, 15, 16, 17),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.15, 0.15), (12, 23, 40, 0, 24, 1), (5, 0, 2, 1, 2, 3, 1, 0),
    ),
)  # fmt: skip


def each(name: str) -> NDArray[np.float64]:
    """One parameter of all segments, to be picked from by the customers' segment numbers."""
    return np.array([getattr(segment, name) for segment in SEGMENTS], dtype=float)
