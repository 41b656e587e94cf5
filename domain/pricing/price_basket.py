"""Prices a basket: the lowest price that a published rule offers, never below the floor. [S0-20, S2-5, S2-6]"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from domain.pricing.price import PricedBasket, PricedLine, PriceStep, PriceStepKind
from domain.pricing.rules import ListedProduct, MemberDayOffer, PriceRules, PublishedTiers
from domain.words import Words

CENTS = 100


@dataclass(frozen=True, slots=True)
class BasketLine:
    """`quantity` is above 0; weighed goods have fractions."""

    product: ListedProduct
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """Everything that decides a price on a day of the shop. `offers`: by product id."""

    rules: PriceRules
    tiers: PublishedTiers
    offers: Mapping[int, MemberDayOffer]
    on: date


def member_day_price(product: ListedProduct, offer: MemberDayOffer, rules: PriceRules) -> int:
    """Cents of a unit for a member who has no other price."""
    steps = _steps(product, Pricing(rules=rules, tiers=PublishedTiers(), offers={}, on=date.min), offer)
    return _price_of(steps)


def price_basket(lines: Sequence[BasketLine], pricing: Pricing) -> PricedBasket:
    """Units beyond what a member may take on member day are a line of their own, at the next best price."""
    priced: list[PricedLine] = []
    taken: dict[int, Decimal] = {}
    for line in lines:
        priced += _priced(line, pricing, taken)
    total_cents = sum(line.total_cents for line in priced)
    points = floor(Fraction(total_cents, CENTS) * pricing.tiers.points_multiplier)
    return PricedBasket(tuple(priced), total_cents, points)


def _priced(line: BasketLine, pricing: Pricing, taken: dict[int, Decimal]) -> Iterator[PricedLine]:
    product_id = line.product.product_id
    offer = _find_offer(product_id, pricing)
    at_offer = _units_at_offer(line, offer, taken.get(product_id, Decimal(0)))
    taken[product_id] = taken.get(product_id, Decimal(0)) + at_offer
    if at_offer:
        yield _line(line.product, at_offer, _steps(line.product, pricing, offer))
    if line.quantity > at_offer:
        yield _line(line.product, line.quantity - at_offer, _steps(line.product, pricing, None))


def _find_offer(product_id: int, pricing: Pricing) -> MemberDayOffer | None:
    is_open = pricing.tiers.is_member and pricing.rules.is_member_day(pricing.on)
    return pricing.offers.get(product_id) if is_open else None


def _units_at_offer(line: BasketLine, offer: MemberDayOffer | None, taken: Decimal) -> Decimal:
    if offer is None:
        return Decimal(0)
    if offer.units_left is None:
        return line.quantity
    return min(line.quantity, max(Decimal(0), offer.units_left - taken))


def _steps(product: ListedProduct, pricing: Pricing, offer: MemberDayOffer | None) -> tuple[PriceStep, ...]:
    offered = [_list_step(product), *_tier_steps(product, pricing.tiers)]
    if offer is not None:
        words = Words("会员日价", "Member-day price")
        offered.append(
            PriceStep(PriceStepKind.MEMBER_DAY, "member_day", words, _share(product, offer.factor))
        )
    return _with_floor(_with_lowest_applied(offered), product, pricing.rules)


def _list_step(product: ListedProduct) -> PriceStep:
    return PriceStep(PriceStepKind.LIST, "list", Words("标价", "List price"), product.list_price_cents)


def _tier_steps(product: ListedProduct, tiers: PublishedTiers) -> Iterator[PriceStep]:
    for price in tiers.prices:
        words = Words(f"{price.tier_name.zh}价", f"{price.tier_name.en} price")
        yield PriceStep(PriceStepKind.TIER, price.rule, words, _share(product, price.factor))


def _with_lowest_applied(steps: list[PriceStep]) -> list[PriceStep]:
    """Rules do not add up (S2-5). Of equal prices the first applies, so that nobody needs a tier for the list price."""
    lowest = min(steps, key=lambda step: step.unit_price_cents)
    return [replace(step, applied=True) if step is lowest else step for step in steps]


def _with_floor(steps: list[PriceStep], product: ListedProduct, rules: PriceRules) -> tuple[PriceStep, ...]:
    """The floor raises a discount, and never a list price that is itself below it."""
    if product.unit_cost_cents is None:
        return tuple(steps)
    least = ceil(product.unit_cost_cents * (1 + rules.least_margin))
    least = min(least, product.list_price_cents)
    if least <= _price_of(steps):
        return tuple(steps)
    words = Words("最低毛利价", "Cost and least margin")
    floor_step = PriceStep(PriceStepKind.FLOOR, "floor", words, least, applied=True)
    return (*(replace(step, applied=False) for step in steps), floor_step)


def _price_of(steps: Sequence[PriceStep]) -> int:
    return next(step.unit_price_cents for step in steps if step.applied)


def _line(product: ListedProduct, quantity: Decimal, steps: tuple[PriceStep, ...]) -> PricedLine:
    unit, (units, parts) = _price_of(steps), quantity.as_integer_ratio()
    return PricedLine(product.product_id, quantity, unit, half_up(unit * units, parts), steps)


def _share(product: ListedProduct, factor: Fraction) -> int:
    return half_up(product.list_price_cents * factor.numerator, factor.denominator)


def half_up(cents: int, parts: int) -> int:
    """`cents / parts` to whole cents; half a cent is rounded up, as on a till's receipt."""
    return (2 * cents + parts) // (2 * parts)
