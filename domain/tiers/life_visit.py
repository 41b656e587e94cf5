"""What the state machine is told at a look: the measure, the day, and what came since the last look."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from domain.tiers.life_change import TierReason


class Look(Protocol):
    """What the measure alone gives as of the end of a day."""

    @property
    def rank(self) -> int:
        """0: no tier."""

    def is_past_margin(self, base_rank: int) -> bool:
        """Whether it is further past the cut next to `base_rank` than the timing's margin (S1-17)."""


LookAt = Callable[[int], Look]
"""By day. *Cost*: measures the customer anew for other days than today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`after`: whatever was due until the end of this day is done.

    `reaches_back`: an order that was there, or should have been, when the base rank was decided came or changed.
    """

    today: int
    after: int
    reason: TierReason
    has_large_order: bool = False
    reaches_back: bool = False

    @property
    def is_opening(self) -> bool:
        """The first look of a day on which one is due."""
        return self.today - self.after > 1
