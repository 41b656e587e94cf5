"""What a basket costs a customer, why, and what it earns. [S0-20, S2-5, S2-6]"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import JSON, BigInteger, Column, MetaData, Numeric, Table

from db import tables as t
from domain.pricing.price import PricedLine as LineAtPrice
from domain.pricing.price import PriceStepKind
from domain.words import Words
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.basket_prices import Basket, priced
from resolvers.basket_rows import baskets
from resolvers.basket_tiers import TierChangePreview, rows_of_changes, tier_changes
from resolvers.context import Context
from resolvers.money import Money, cents_in, money
from resolvers.products import Product
from resolvers.readpath.declare import column, computed, entity, one, worked
from resolvers.readpath.sources import WITHIN_PARENT
from resolvers.words import in_language, locale

strawberry.enum(PriceStepKind, description="What offers a price. May grow.")
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
    tiers_after: list[TierChangePreview] = worked(
        "Where the order, once paid, would put the customer under each policy in force, by what it measures alone.",
        rows_of_changes,
        baskets.c.basket,
        baskets.c.graded_by,
        baskets.c.facts,
        rows=tier_changes,
    )
