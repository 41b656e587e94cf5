"""What is stored of customers before a review: their fixed-width rows, and the states of standings at stake."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.conditions.numpy_reader import Booleans
from domain.tiers.life_state import StandingState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredStandings:
    """What is stored of the same customers, row by row; `known` is false for those who were never computed."""

    known: Booleans
    facts_digest: NDArray[np.int64]
    ranks: NDArray[np.uint8]
    raw_ranks: NDArray[np.uint8]
    versions: NDArray[np.uint8]
    tiers_due_day: NDArray[np.int64]
    label_bits: NDArray[np.uint8]
    review_day: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLife:
    """One standing as its last decision left it, and since when the tier in effect and the base tier are held."""

    version_id: int
    state: StandingState
    since: datetime
    base_since: datetime
