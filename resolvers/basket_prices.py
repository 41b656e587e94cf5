"""From what the database knows of a basket to its price. [S0-20, S2-5, S2-6]"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from domain.errors import DomainError, ErrorCode
from domain.pricing.price import PricedBasket
from domain.pricing.price_basket import BasketLine, Pricing, price_basket
from domain.pricing.published import Held, published_tiers
from domain.pricing.rules import ListedProduct, MemberDayOffer, PriceRules
from resolvers.context import Context
from resolvers.remembered import once_an_operation

Basket = Mapping[str, Any]
"""As `basket_rows` prints it: lines, on, products, offers, held."""

FURTHEST = timedelta(days=31)
MOST_CENTS = 2_000_000_000
"""So that points, which no multiplier takes over a hundredfold, are a whole number of 32 bits."""


def tiers_of(context: Context, held: Sequence[Sequence[int]]) -> list[Held]:
    versions = [(context.shop.versions[version_id], rank) for version_id, rank in held]
    return [(version, version.rule.tiers[rank - 1]) for version, rank in versions]


def offer_of(percent: int, limit: int | None, taken: str) -> MemberDayOffer:
    left = None if limit is None else max(Decimal(0), limit - Decimal(taken))
    return MemberDayOffer(factor=Fraction(percent, 100), units_left=left)


def pricing_of(context: Context, basket: Basket) -> Pricing:
    """All that may move a price; the types hold nothing else of a customer. [PIPL art. 24]"""
    return Pricing(
        rules=PriceRules(),
        tiers=published_tiers(tiers_of(context, basket["held"] or ())),
        offers={product_id: offer_of(*offer) for product_id, *offer in basket["offers"] or ()},
        on=day_of(context, basket),
    )


def day_of(context: Context, basket: Basket) -> date:
    today, on = context.shop.today, date.fromisoformat(basket["on"])
    if not today <= on <= today + FURTHEST:
        message = (
            f"at must lie on {today} or within {FURTHEST.days} days: list prices of the past are not kept."
        )
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("at",))
    return on


def lines_of(basket: Basket) -> list[BasketLine]:
    shelf = {
        product_id: ListedProduct(product_id=product_id, list_price_cents=price, unit_cost_cents=cost)
        for product_id, price, cost in basket["products"] or ()
    }
    for product_id, _ in basket["lines"]:
        if product_id not in shelf:
            message = f"prd_{product_id} is no product: take an id from products."
            raise DomainError(ErrorCode.UNKNOWN_PRODUCT, message, ("lines",))
    return [BasketLine(shelf[product_id], Decimal(quantity)) for product_id, quantity in basket["lines"]]


@once_an_operation
def priced(context: Context, basket: Basket) -> PricedBasket:
    found = price_basket(lines_of(basket), pricing_of(context, basket))
    if found.total_cents > MOST_CENTS:
        message = f"A basket costs at most {MOST_CENTS // 100:,}: leave something out."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("lines",))
    return found
