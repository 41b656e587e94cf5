"""What facts are measured from: the orders of many customers as parallel arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class OrderArrays:
    """Counted orders only, ascending by (customer, counted_at).

    `customer` is the ordinal in the batch, from 0; moments are microseconds since 1970, UTC; amounts are
    whole cents, at least 0; `channel` is the code of an OrderChannel.
    """

    customer: Array
    counted_at_us: Array
    net_cents: Array
    refunded_cents: Array
    channel: Array
    line_cents: Array
    high_margin_cents: Array
    organic_cents: Array
    imported_cents: Array

    @classmethod
    def in_two_parts(cls, older: "OrderArrays", newer: "OrderArrays") -> "OrderArrays":
        """Each customer's older orders, then their newer ones."""
        customers = int(max(older.customer.max(initial=-1), newer.customer.max(initial=-1))) + 1
        older_until = np.cumsum(np.bincount(older.customer, minlength=customers))
        newer_until = np.cumsum(np.bincount(newer.customer, minlength=customers))
        newer_before = np.concatenate([[0], newer_until])[older.customer]
        older_at = np.arange(len(older.customer)) + newer_before
        newer_at = np.arange(len(newer.customer)) + older_until[newer.customer]
        return cls(
            *(
                _placed(getattr(older, name), older_at, getattr(newer, name), newer_at)
                for name in cls.__slots__
            )
        )

    @classmethod
    def bare(cls, customer: Array, counted_at_us: Array, net_cents: Array) -> "OrderArrays":
        """Orders of which nothing else is known; the rest is 0."""
        nothing = np.broadcast_to(np.int64(0), len(customer))
        return cls(customer, counted_at_us, net_cents, *[nothing] * (len(cls.__slots__) - 3))

    def where(self, kept: NDArray[np.bool_]) -> "OrderArrays":
        return OrderArrays(*(getattr(self, name)[kept] for name in self.__slots__))


def _placed(some: Array, some_at: Array, others: Array, others_at: Array) -> Array:
    found = np.empty(len(some) + len(others), others.dtype)
    found[some_at], found[others_at] = some, others
    return found


@dataclass(frozen=True, slots=True, eq=False)
class CategoryDayArrays:
    """The roll-up by business day (a day number since 1970) and category, in any order."""

    customer: Array
    day: Array
    category: Array
    orders: Array
    spend_cents: Array

    @classmethod
    def none(cls) -> "CategoryDayArrays":
        """Of no customer."""
        return cls(*[np.zeros(0, np.int64)] * len(cls.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class CustomerHistory:
    """All that facts need about `customers` customers, whose ordinals are 0 to `customers` - 1.

    `referrals` counts whom each of them brought until `as_of`; `customer_ids` settle ties of rankings.
    """

    customers: int
    orders: OrderArrays
    category_days: CategoryDayArrays
    referrals: Array
    customer_ids: Array
