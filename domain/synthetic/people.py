"""Who the customers of one block are: kind, tastes, place, inviter, and how they will buy."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.names import CITY_SHARES, business_names, person_parts
from domain.synthetic.phones import phone_numbers
from domain.synthetic.profiles import Block
from domain.synthetic.randomness import Stream, pick, pick_by_row, stream
from domain.synthetic.retailer import Retailer
from domain.synthetic.segments import SEGMENTS, each
from domain.synthetic.tables import Column

FAVOURITES = 8
_FAMILY = next(number for number, segment in enumerate(SEGMENTS) if segment.code == "family")
_OLD_SHARE, _OLD_DAYS = 0.25, 730.0
_GROWTH = 0.6  # below 1: more new customers every month
NOBODY = -1


@dataclass(frozen=True, slots=True)
class People:
    """Customers in the order of their registration; days count from the start of the log.

    `community`, `leads` and `inviter` (an index into these people) are NOBODY where there is none.
    """

    number: NDArray[np.int64]
    segment: NDArray[np.int64]
    is_business: NDArray[np.bool_]
    taste: NDArray[np.int64]
    registered_day: NDArray[np.float64]
    first_day: NDArray[np.float64]
    rate: NDArray[np.float64]
    dropout: NDArray[np.float64]
    amount_scale: NDArray[np.float64]
    favourites: NDArray[np.int16]
    city: NDArray[np.int64]
    community: NDArray[np.int64]
    leads: NDArray[np.int64]
    inviter: NDArray[np.int64]
    surnames: Column
    given: Column
    business_names: Column
    phones: Column

    @property
    def mean_amount(self) -> NDArray[np.float64]:
        """Expected order amount in yuan."""
        return each("p")[self.segment] * self.amount_scale


def build_people(retailer: Retailer, block: Block) -> People:
    random = stream(retailer.seed, Stream.PEOPLE, block.number)
    number = np.arange(block.first, block.first + block.size)
    leads = _communities_led(retailer, number)
    segment = np.where(leads != NOBODY, _FAMILY, pick(random, each("share"), block.size))
    is_business = each("is_business")[segment].astype(bool)
    taste = pick_by_row(random, np.array([s.tastes for s in SEGMENTS], dtype=float), segment)
    registered_day, first_day = _first_days(random, block.size, retailer.profile.days)
    community, city = _places(random, retailer, leads, is_business)
    surnames, given = person_parts(random, block.size)
    codes = np.array([s.code for s in SEGMENTS])[segment]
    return People(
        number=number,
        segment=segment,
        is_business=is_business,
        taste=taste,
        registered_day=registered_day,
        first_day=first_day,
        rate=random.standard_gamma(each("r")[segment]) / each("alpha")[segment],
        dropout=random.beta(each("a")[segment], each("b")[segment]),
        amount_scale=each("v")[segment] / random.standard_gamma(each("q")[segment]),
        favourites=_favourites(random, retailer, is_business, taste),
        city=city,
        community=community,
        leads=leads,
        inviter=_inviters(random, is_business),
        surnames=surnames,
        given=given,
        business_names=business_names(
            random, surnames=surnames, is_chain=codes == "chain", is_eatery=codes == "eatery"
        ),
        phones=phone_numbers(number, offset=retailer.seed * 48_271 % 10**8),
    )


def _communities_led(retailer: Retailer, number: NDArray[np.int64]) -> NDArray[np.int64]:
    community, rest = np.divmod(number, retailer.communities.leader_every)
    return np.where((rest == 0) & (community < len(retailer.communities.names)), community, NOBODY)


def _first_days(random: Generator, count: int, days: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Old customers registered before the log began and buy in its first month; new ones keep coming.

    A first purchase is more than a day after registering, so whatever hour it gets, it is not before it; who
    registered in the last days has often not bought yet.
    """
    is_old = random.random(count) < _OLD_SHARE
    when = random.random(count)
    registered = np.sort(np.where(is_old, -_OLD_DAYS * when, days * when**_GROWTH))
    thinks = 1 + 1.5 * random.standard_exponential(count)
    returns = 1 + 30 * random.random(count)
    return registered, np.where(registered < 0, returns, registered + thinks)


def _places(
    random: Generator, retailer: Retailer, leads: NDArray[np.int64], is_business: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Community and city: three households in five belong to a community and live in its city."""
    count = len(leads)
    belongs = (random.random(count) < 0.6) & ~is_business
    community = np.where(belongs, pick(random, retailer.communities.sizes, count), NOBODY)
    community = np.where(leads != NOBODY, leads, community)
    elsewhere = pick(random, CITY_SHARES, count)
    return community, np.where(community != NOBODY, retailer.communities.cities[community], elsewhere)


def _inviters(random: Generator, is_business: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A forest: one household in four was invited by an earlier one; early ones invite more."""
    households = np.flatnonzero(~is_business)
    rank = np.arange(len(households))
    earlier = households[(rank * random.random(len(rank)) ** 2).astype(np.int64)]
    invited = (random.random(len(rank)) < 0.25) & (earlier < households)
    inviter = np.full(len(is_business), NOBODY)
    inviter[households] = np.where(invited, earlier, NOBODY)
    return inviter


def _favourites(
    random: Generator, retailer: Retailer, is_business: NDArray[np.bool_], taste: NDArray[np.int64]
) -> NDArray[np.int16]:
    drawn = retailer.shelf.drawn
    quantile = random.integers(0, drawn.shape[2], (len(taste), FAVOURITES))
    return drawn[is_business.astype(np.int64)[:, None], taste[:, None], quantile]
