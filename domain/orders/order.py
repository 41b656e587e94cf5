"""An order's states, channels and the one rule of when it counts. [C4]"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]

MAXIMUM_CATEGORIES = 64
MOST_CREDIT_DAYS = 365
MAXIMUM_SPEND_CENTS = 2**36
"""Bound of one customer's spend in any window, so that scores stay in 64 bits."""


class OrderStatus(Enum):
    """Where an order is on its way."""

    PLACED = "PLACED"
    PAID = "PAID"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"

    @property
    def code(self) -> int:
        """The number it is stored as, from 1."""
        return list(OrderStatus).index(self) + 1


class OrderChannel(Enum):
    """Where an order was placed. May grow."""

    APP = "APP"
    MINI_PROGRAM = "MINI_PROGRAM"
    STORE = "STORE"
    WHOLESALE = "WHOLESALE"
    COMMUNITY_GROUP = "COMMUNITY_GROUP"
    OTHER = "OTHER"

    @property
    def code(self) -> int:
        """The number it is stored as, from 1."""
        return list(OrderChannel).index(self) + 1


ONLINE_CHANNELS = (OrderChannel.APP, OrderChannel.MINI_PROGRAM, OrderChannel.COMMUNITY_GROUP)

COUNTED_AT_SQL = """
CASE WHEN status IN (4, 5) OR (refunded_cents > 0 AND refunded_cents >= charged_cents) THEN NULL
     WHEN coalesce(paid_at, confirmed_at) IS NOT NULL THEN least(paid_at, confirmed_at)
     WHEN status IN (2, 3) THEN placed_at END
""".strip()
"""When an order starts to count: paid, or on credit confirmed, whichever was first; else (PAID, DELIVERED) placed.
PLACED does not count yet; cancelled and fully refunded orders never do. An order of nothing (0.00) counts: nothing was
refunded."""

PAID, DELIVERED, CANCELLED, FULLY_REFUNDED = (
    OrderStatus.PAID.code,
    OrderStatus.DELIVERED.code,
    OrderStatus.CANCELLED.code,
    OrderStatus.REFUNDED.code,
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Of many orders, in microseconds; a moment counts where it is known."""

    us: Integers
    known: Booleans

    def earliest(self, other: "Moments") -> "Moments":
        """Of two that may both be unknown."""
        is_other = other.known & (~self.known | (other.us < self.us))
        return Moments(np.where(is_other, other.us, self.us), self.known | other.known)


def counted_moments(
    *,
    status: Integers,
    placed_us: Integers,
    paid: Moments,
    confirmed: Moments,
    charged_cents: Integers,
    refunded_cents: Integers,
) -> tuple[Integers, Booleans]:
    """`COUNTED_AT_SQL` for arrays: moments, and which orders count at all."""
    refunded = (refunded_cents > 0) & (refunded_cents >= charged_cents)
    counts = (status != CANCELLED) & (status != FULLY_REFUNDED) & ~refunded
    settled = paid.earliest(confirmed)
    counts &= settled.known | (status == PAID) | (status == DELIVERED)
    return np.where(settled.known, settled.us, placed_us), counts
