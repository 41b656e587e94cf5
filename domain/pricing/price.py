"""A price and how it came about, step by step."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.words import Words


class PriceStepKind(StrEnum):
    LIST = "LIST"
    TIER = "TIER"
    MEMBER_DAY = "MEMBER_DAY"
    FLOOR = "FLOOR"


@dataclass(frozen=True, slots=True)
class PriceStep:
    """A price that a rule offers. `applied`: it is the price, or the floor that raised it."""

    kind: PriceStepKind
    rule: str
    words: Words
    unit_price_cents: int
    applied: bool = False


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Units at one price. The steps begin with the list price."""

    product_id: int
    quantity: Decimal
    unit_price_cents: int
    total_cents: int
    steps: tuple[PriceStep, ...]


@dataclass(frozen=True, slots=True)
class PricedBasket:
    """`points_earned`: whole points, one for each whole unit of currency, times the tier's multiplier."""

    lines: tuple[PricedLine, ...]
    total_cents: int
    points_earned: int
