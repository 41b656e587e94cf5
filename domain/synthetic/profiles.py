"""How large a retailer to invent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from domain.errors import DomainError, ErrorCode

MOST_CUSTOMERS = 9_999_999  # the digits of a generated identifier
BLOCK_CUSTOMERS = 100_000
"""Customers made at a time; bounds memory (about 1 GB) and is part of what the bytes depend on."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A size; `days` of orders end at the end of data."""

    name: str
    customers: int
    days: int = 365


PROFILES: Mapping[str, Profile] = {
    "tiny": Profile("tiny", 2_000),
    "demo": Profile("demo", 20_000),
    "full": Profile("full", 1_000_000),
}


def get_profile(name: str, *, customers: int | None = None) -> Profile:
    """The profile of that name, with another number of customers when one is given."""
    profile = PROFILES.get(name)
    if profile is None:
        known = ", ".join(PROFILES)
        raise DomainError(
            ErrorCode.NOT_FOUND, f"There is no profile {name!r}; choose one of {known}.", ("profile",)
        )
    if customers is None:
        return profile
    if not 1 <= customers <= MOST_CUSTOMERS:
        message = f"The number of customers must be from 1 to {MOST_CUSTOMERS:,}."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("customers",))
    return replace(profile, customers=customers)


@dataclass(frozen=True, slots=True)
class Block:
    """A run of customers: number `first`, the next, ... `first + size - 1`."""

    number: int
    first: int
    size: int


def blocks(customers: int) -> Iterator[Block]:
    for number, first in enumerate(range(0, customers, BLOCK_CUSTOMERS)):
        yield Block(number, first, min(BLOCK_CUSTOMERS, customers - first))
