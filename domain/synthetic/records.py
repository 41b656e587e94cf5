"""The customers as sources hold them: one record each, or several that differ in spelling."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.names import CITIES, spell_businesses, spell_people
from domain.synthetic.people import NOBODY, People
from domain.synthetic.phones import spell_phones
from domain.synthetic.profiles import Block
from domain.synthetic.randomness import Stream, pick_by_row, stream
from domain.synthetic.retailer import SECONDS_PER_DAY, Retailer
from domain.synthetic.segments import CHANNELS, SEGMENTS
from domain.synthetic.tables import Column, Table, joined, numbered, texts

_EXTRA_RECORDS = 0.18
_CHANNELS = texts(*CHANNELS)
_SOURCES = ("APP", "MP", "POS", "CRM")


@dataclass(frozen=True, slots=True)
class Records:
    """Record i is one of person `person[i]`; `first[p]` and `count[p]` are the records of person p."""

    external_id: Column
    person: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    registered_second: NDArray[np.int64]


def build_records(retailer: Retailer, block: Block, people: People) -> tuple[Records, Table]:
    """The records of a block, and the customers table that shows them."""
    random = stream(retailer.seed, Stream.RECORDS, block.number)
    records = _records(random, retailer, block, people)
    return records, _customers(random, records, people)


def communities_table(retailer: Retailer, people: People, records: Records) -> Table:
    """The communities whose leader is among these people."""
    leaders = np.flatnonzero(people.leads != NOBODY)
    led = people.leads[leaders]
    return {
        "external_id": numbered("Q", led + 1, 5),
        "name": retailer.communities.names[led],
        "city": CITIES[retailer.communities.cities[led]],
        "leader_external_id": records.external_id[records.first[leaders]],
        "leader_name": joined(people.surnames, people.given)[leaders],
    }


def _records(random: Generator, retailer: Retailer, block: Block, people: People) -> Records:
    extra = (
        random.poisson(_EXTRA_RECORDS, block.size) if retailer.has_duplicates else np.zeros(block.size, int)
    )
    count = (1 + extra).astype(np.int64)
    first = np.cumsum(count) - count
    person = np.repeat(np.arange(block.size), count)
    is_extra = np.arange(len(person)) != first[person]
    earlier = np.where(is_extra, 60 * random.random(len(person)), 0)  # whoever bought was on file
    day = people.registered_day[person] - earlier
    second = np.minimum(_awake(retailer.start_second + day * SECONDS_PER_DAY), retailer.end_second)
    return Records(_external_ids(random, retailer, block, person), person, first, count, second)


def _awake(second: NDArray[np.float64]) -> NDArray[np.int64]:
    """The same day and order of times, squeezed between 7:00 and 23:00."""
    midnight = np.floor(second / SECONDS_PER_DAY) * SECONDS_PER_DAY
    squeezed: NDArray[np.float64] = midnight + 7 * 3_600 + (second - midnight) * 2 / 3
    return squeezed.astype(np.int64)


def _external_ids(random: Generator, retailer: Retailer, block: Block, person: NDArray[np.int64]) -> Column:
    if not retailer.has_duplicates:
        return numbered("C", block.first + person + 1, 7)
    # Shuffled, so that neighbouring numbers do not give away whose record it is.
    number = block.number * 1_000_000 + random.permutation(len(person)) + 1
    sources = np.stack([numbered(source, number, 9).astype("S12") for source in _SOURCES])
    return sources[random.integers(0, len(_SOURCES), len(person)), np.arange(len(person))]


def _customers(random: Generator, records: Records, people: People) -> Table:
    person = records.person
    is_business = people.is_business[person]
    private = spell_people(random, people.surnames[person], people.given[person])
    trading = spell_businesses(random, people.business_names[person])
    inviter = people.inviter[person]
    community = people.community[person]
    channels = np.array([segment.channels for segment in SEGMENTS], dtype=float)
    return {
        "external_id": records.external_id,
        "name": np.where(is_business, trading, private),
        "phone": spell_phones(random, people.phones[person]),
        "email": _emails(random, people.number[person]),
        "kind": np.where(is_business, b"BUSINESS", b"HOUSEHOLD"),
        "city": CITIES[people.city[person]],
        "registered_at": records.registered_second.astype("datetime64[s]"),
        "channel": _CHANNELS[pick_by_row(random, channels, people.segment[person])],
        "referred_by": np.where(inviter == NOBODY, b"", records.external_id[records.first[inviter]]),
        "community": np.where(community == NOBODY, b"", numbered("Q", community + 1, 5)),
    }


def _emails(random: Generator, number: NDArray[np.int64]) -> Column:
    """One in three has one, in the domain reserved for examples."""
    address = joined(numbered("c", (number + 1) * 7_919 % 10**8, 8), b"@example.com")
    return np.where(random.random(len(number)) < 0.35, address, b"")
