"""The published rules that may move a price, and nothing else that could. [S2-6, S3-20, PIPL art. 24]

A price is a function of these types alone. None of them can hold who a customer is, what they did or what
they might pay: whoever holds the same published tiers pays the same.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from domain.words import Words

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEDNESDAY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedProduct:
    """What is on the shelf. `unit_cost_cents` None: unknown, so there is no floor to keep."""

    product_id: int
    list_price_cents: int
    unit_cost_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPrice:
    """A benefit that a version of a policy publishes for a tier: `factor` of the list price [S0-20]."""

    rule: str
    """Names policy, version and tier: `kuailv_grade@1/DIAMOND`."""
    tier_name: Words
    factor: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDayOffer:
    """A hot item at `factor` of its list price. `units_left`: how many this member may still take today. [S2-5]"""

    factor: Fraction = Fraction(1, 2)
    units_left: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """The shop's own: which weekday is member day (0 is Monday), and how far above cost a price stays."""

    member_weekday: int = WEDNESDAY
    least_margin: Fraction = Fraction(5, 100)

    def is_member_day(self, day: date) -> bool:
        return day.weekday() == self.member_weekday

    def next_member_day(self, today: date) -> date:
        """Today where it is one."""
        return today + timedelta(days=(self.member_weekday - today.weekday()) % 7)

    @property
    def weekday_name(self) -> str:
        """Of member day, in English."""
        return WEEKDAYS[self.member_weekday]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTiers:
    """What a customer's tiers give. `is_member`: holds a level of a membership. [S2-3, S2-5]"""

    prices: tuple[TierPrice, ...] = ()
    is_member: bool = False
    points_multiplier: Fraction = Fraction(1)
