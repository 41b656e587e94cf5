"""What facts are measured from: the orders of many customers as parallel arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class OrderArrays:
    """Counted orders only, ascending by (customer, counted_at).

    Integers of 64 bits. `customer` is the ordinal in the batch, from 0; moments are microseconds since 1970, UTC;
    amounts are whole cents, at least 0; `is_refunded` is 1 for an order with a refund, else 0; `channel` is the
    code of an OrderChannel.
    """

    customer: Array
    counted_at_us: Array
    net_cents: Array
    is_refunded: Array
    channel: Array
    line_cents: Array
    high_margin_cents: Array
    organic_cents: Array
    imported_cents: Array

    @classmethod
    def bare(cls, customer: Array, counted_at_us: Array, net_cents: Array) -> "OrderArrays":
        """Orders of which nothing else is known; the rest is 0."""
        nothing = np.broadcast_to(np.int64(0), len(customer))
        return cls(customer, counted_at_us, net_cents, *[nothing] * (len(cls.__slots__) - 3))

    def where(self, kept: NDArray[np.bool_]) -> "OrderArrays":
        at = np.flatnonzero(kept)
        return OrderArrays(*(getattr(self, name).take(at) for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class CategoryDayArrays:
    """The roll-up by business day (a day number since 1970) and category, in any order, as integers of 64 bits."""

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
