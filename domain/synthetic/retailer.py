"""What all blocks of customers share: the shelf, the communities, the clock and the seed."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from domain.synthetic.names import CITY_SHARES, community_names
from domain.synthetic.products import Shelf, build_shelf
from domain.synthetic.profiles import Profile
from domain.synthetic.randomness import Stream, pick, stream
from domain.synthetic.tables import Column

SHOP_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")  # without summer time since 1991
SECONDS_PER_DAY = 86_400
_CUSTOMERS_PER_COMMUNITY = 250


@dataclass(frozen=True, slots=True)
class Communities:
    """Estates with a group-buy leader (团长) each: every `leader_every`-th customer leads one."""

    names: Column
    cities: NDArray[np.int64]
    sizes: NDArray[np.float64]
    leader_every: int


@dataclass(frozen=True, slots=True)
class Retailer:
    """One invented shop; `end_second` is the end of data in local seconds since 1970."""

    profile: Profile
    seed: int
    end_second: int
    has_duplicates: bool
    shelf: Shelf
    communities: Communities

    @property
    def start_second(self) -> int:
        return self.end_second - self.profile.days * SECONDS_PER_DAY


def open_retailer(profile: Profile, *, seed: int, as_of: datetime, duplicates: bool = False) -> Retailer:
    """Errors: ValueError for an `as_of` without a zone."""
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone.")
    local = as_of.astimezone(SHOP_ZONE).replace(tzinfo=None)
    end_second = (local - datetime(1970, 1, 1)) // timedelta(seconds=1)  # noqa: DTZ001  local on both sides
    communities = _build_communities(profile.customers, seed)
    return Retailer(profile, seed, end_second, duplicates, build_shelf(seed), communities)


def _build_communities(customers: int, seed: int) -> Communities:
    random = stream(seed, Stream.COMMUNITIES)
    count = max(1, min(customers, max(4, customers // _CUSTOMERS_PER_COMMUNITY)))
    return Communities(
        names=community_names(random, count),
        cities=pick(random, CITY_SHARES, count),
        sizes=1 / (random.permutation(count) + 8.0) ** 0.8,  # Zipf
        leader_every=customers // count,
    )
