"""Which customers a canary takes: a stable share of all or of a group, by a hash of the customer and the policy
(S1-19)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.errors import DomainError, ErrorCode

BUCKETS = 10_000
PRIME = 2**31 - 1
"""Squares below it stay in 64 signed bits, in numpy and in PostgreSQL."""
BETWEEN_POLICIES = 0x0F1BBCDD
"""The ids of two policies are hashed from starts far apart, so their canaries do not go together. Eight of it stay
in the 32 bits that PostgreSQL multiplies small integers in."""
TO_EACH_SQUARE = 0x45D9F3B


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryScope:
    """For whom a canary runs."""

    share: Decimal
    """Of the group; only of a group it may be all, 1."""
    where: str | None = None
    """The filter that the group was found by, as it was given; null: all customers."""

    @property
    def buckets(self) -> int:
        """*Errors*: as those of `buckets_of`."""
        return BUCKETS if self.where is not None and self.share == 1 else buckets_of(self.share)


def bucket(customer_id: Any, policy_id: Any) -> Any:
    """0 to 9,999, the same for ever. A share takes the buckets from 0 up, so a larger one holds the smaller.

    *Shape*: integers, numpy arrays of them, or columns of SQL, which all have the same four operators."""
    start = (customer_id % PRIME + (policy_id + 1) * BETWEEN_POLICIES) % PRIME
    once = (start * start + TO_EACH_SQUARE) % PRIME
    twice = (once * once + TO_EACH_SQUARE) % PRIME
    return twice * BUCKETS // PRIME


def buckets_of(share: Decimal) -> int:
    """How many buckets a share is. *Errors*: DomainError OUT_OF_RANGE; INVALID where it is no whole number."""
    if not 0 < share < 1:
        message = "A share lies between 0 and 1, such as 0.05: leave it out for all of a group."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("scope", "share"))
    buckets = share * BUCKETS
    if buckets != int(buckets):
        message = "A share has at most four digits, such as 0.0525: round it."
        raise DomainError(ErrorCode.INVALID, message, ("scope", "share"))
    return int(buckets)
