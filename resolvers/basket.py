"""What a basket costs a customer, why, and what it earns. [S0-20, S2-5, S2-6]"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import strawberry
from sqlalchemy import JSON, BigInteger, Column, MetaData, Numeric, Table

from db import tables as t
from domain.errors import DomainError, ErrorCode
from domain.pricing.price import PricedBasket, PriceStepKind
from domain.pricing.price import PricedLine as LineAtPrice
from domain.pricing.price_basket import BasketLine, Pricing, price_basket
from domain.pricing.published import Held, published_tiers
from domain.pricing.rules import ListedProduct, MemberDayOffer, PriceRules
from domain.words import Words
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.basket_rows import baskets
from resolvers.context import Context
from resolvers.money import Money, cents_in, money
from resolvers.products import Product
from resolvers.readpath.declare import column, computed, entity, one, worked
from resolvers.readpath.sources import WITHIN_PARENT
from resolvers.remembered import once_an_operation
from resolvers.words import in_language, locale

strawberry.enum(PriceStepKind, description="What offers a price. May grow.")
Basket = Mapping[str, Any]
"""As `basket_rows` prints it: lines, on, products, offers, held."""

FURTHEST = timedelta(days=31)
MOST_CENTS = 2_000_000_000
"""So that points, which no multiplier takes over a hundredfold, are a whole number of 32 bits."""

priced_lines = Table(
    "priced_lines",
    MetaData(),
    Column("product_id", BigInteger, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("unit_price_cents", BigInteger, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("steps", JSON, nullable=False),
)


@strawberry.type(description="A price that a published rule offers. [S2-6]")
class PriceStep:
    kind: PriceStepKind = strawberry.field(description="What kind of rule.")
    rule: str = strawberry.field(
        description="Names the rule: `list`, `member_day`, `floor`, or policy, version and tier as in "
        "kuailv_grade@1/DIAMOND."
    )
    words: str = strawberry.field(description="The same in words.")
    unit_price: Money = strawberry.field(description="What a unit would cost by this rule alone.")
    applied: bool = strawberry.field(description="Whether this is the price. Exactly one is.")


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


def total(context: Context, basket: Basket) -> Money:
    return cents_in(context.shop.currency_code, priced(context, basket).total_cents)


def points_earned(context: Context, basket: Basket) -> int:
    return priced(context, basket).points_earned


def rows_of_lines(context: Context, basket: Basket) -> list[tuple[object, ...]]:
    return [
        (line.product_id, line.quantity, line.unit_price_cents, line.total_cents, steps_as_json(line))
        for line in priced(context, basket).lines
    ]


def steps_as_json(line: LineAtPrice) -> str:
    steps = [
        (step.kind, step.rule, step.words.zh, step.words.en, step.unit_price_cents, step.applied)
        for step in line.steps
    ]
    return json.dumps(steps, ensure_ascii=False)


def steps(context: Context, stored: Sequence[Sequence[Any]], *, locale: str) -> list[PriceStep]:
    return [
        PriceStep(
            kind=PriceStepKind(kind),
            rule=rule,
            words=in_language(Words(chinese, english), locale),
            unit_price=cents_in(context.shop.currency_code, cents),
            applied=applied,
        )
        for kind, rule, chinese, english, cents, applied in stored
    ]


@entity(priced_lines, roles=STAFF_AND_CUSTOMERS, scope=WITHIN_PARENT)
class PricedLine:
    """Units at one price. What goes beyond a limited offer is a line of its own."""

    product: Product = one("What.", on=t.products.c.product_id == priced_lines.c.product_id)
    quantity: Decimal = column(priced_lines.c.quantity, "How many units.")
    unit_price: Money = money(priced_lines.c.unit_price_cents, "Of one unit.")
    line_total: Money = money(priced_lines.c.total_cents, "Of all, half a cent rounded up.")
    steps: list[PriceStep] = computed(
        steps,
        priced_lines.c.steps,
        about="Every price that a published rule offers, the list price first. The lowest one applies, they do not "
        "add up; the floor (cost and least margin) may raise it. [S2-5, S2-6]",
        parameters=[locale],
    )


@entity(baskets, roles=STAFF_AND_CUSTOMERS, scope=baskets.c.customer_id)
class BasketPreview:
    """What a basket costs by published rules and the tiers held, never by what somebody might pay. [S2-6, S3-20]"""

    total: Money = computed(total, baskets.c.basket, about="Of all lines, without delivery.")
    points_earned: int = computed(
        points_earned,
        baskets.c.basket,
        about="Whole points: one for each whole unit of currency, times the best multiplier of the tiers held. [S2-4]",
    )
    lines: list[PricedLine] = worked(
        "In the order given.", rows_of_lines, baskets.c.basket, rows=priced_lines
    )
