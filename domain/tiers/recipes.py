"""The ways to a higher tier: by one factor alone, or by orders as usual; each the least that is enough (S0-15)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from domain.orders.order import MAXIMUM_SPEND_CENTS
from domain.tiers.measure import (
    BandsMeasure,
    Cut,
    Measure,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    TierPart,
)
from domain.tiers.policy import Tier
from domain.tiers.purchase import Purchase, WhatIf, counts_money, counts_orders
from domain.tiers.shown_quantity import money_text
from domain.tiers.standing import PartStanding, Standing
from domain.words import Words

MOST_ORDERS = 2**31 - 1


class RecipeKind(StrEnum):
    MORE_ORDERS = "MORE_ORDERS"
    MORE_SPEND = "MORE_SPEND"
    USUAL_BASKETS = "USUAL_BASKETS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way up. Not `reachable`: this factor alone ends before the next tier."""

    kind: RecipeKind
    words: Words
    reachable: bool
    orders: int | None = None
    spend_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What alone is to grow. `moves`: whether a fact grows with it."""

    moves: Callable[[str], bool]
    purchase: Callable[[int], Purchase]
    most: int


ORDERS = Factor(moves=counts_orders, purchase=lambda n: Purchase(orders=n), most=MOST_ORDERS)
MONEY = Factor(moves=counts_money, purchase=lambda n: Purchase(spend_cents=n), most=MAXIMUM_SPEND_CENTS)

Priced = tuple[Recipe, int | None]
"""A recipe with its expected cost in cents; None: unknown."""


def recipes(customer: WhatIf, target: Tier, basket_cents: int | None) -> tuple[Recipe, ...]:
    """At most three, the cheapest first. `basket_cents` None: no usual order is known, so no recipe of them."""
    found = (
        _more_orders(customer, target, basket_cents),
        _more_spend(customer, target),
        _usual_baskets(customer, target, basket_cents),
    )
    priced = [pair for pair in found if pair is not None]
    return tuple(recipe for recipe, _ in sorted(priced, key=_cheapest_first))


def _cheapest_first(priced: Priced) -> tuple[bool, bool, int]:
    recipe, cost = priced
    return not recipe.reachable, cost is None, cost or 0


def _more_orders(customer: WhatIf, target: Tier, basket_cents: int | None) -> Priced | None:
    if not any(map(counts_orders, customer.facts)):
        return None
    orders = least_of_one(customer, target, ORDERS)
    if orders is None:
        words = Words("仅靠增加订单次数无法升级", "Not reachable by more orders alone")
        return Recipe(kind=RecipeKind.MORE_ORDERS, words=words, reachable=False), None
    words = Words(f"再下 {orders} 单", f"{orders} more {_orders_word(orders)}")
    recipe = Recipe(kind=RecipeKind.MORE_ORDERS, words=words, reachable=True, orders=orders)
    return recipe, orders * basket_cents if basket_cents else None


def _more_spend(customer: WhatIf, target: Tier) -> Priced | None:
    if not any(map(counts_money, customer.facts)):
        return None
    cents = least_of_one(customer, target, MONEY)
    if cents is None:
        words = Words("仅靠增加消费金额无法升级", "Not reachable by more spend alone")
        return Recipe(kind=RecipeKind.MORE_SPEND, words=words, reachable=False), None
    words = Words(f"再消费 {money_text(cents)}", f"Spend {money_text(cents)} more")
    return Recipe(kind=RecipeKind.MORE_SPEND, words=words, reachable=True, spend_cents=cents), cents


def _usual_baskets(customer: WhatIf, target: Tier, basket: int | None) -> Priced | None:
    if basket is None:
        return None
    orders = _least_baskets(customer, target, basket)
    if orders is None:
        words = Words("仅靠平常的订单无法升级", "Not reachable by usual orders alone")
        return Recipe(kind=RecipeKind.USUAL_BASKETS, words=words, reachable=False), None
    words = Words(
        f"按平常每单 {money_text(basket)} 再下 {orders} 单",
        f"{orders} more {_orders_word(orders)} of the usual {money_text(basket)}",
    )
    cost = orders * basket
    recipe = Recipe(
        kind=RecipeKind.USUAL_BASKETS, words=words, reachable=True, orders=orders, spend_cents=cost
    )
    return recipe, cost


def least_of_one(customer: WhatIf, target: Tier, factor: Factor) -> int | None:
    """The least increase of one factor that reaches the target, all else as it is; None: no increase does.

    Each part, dimension and gate that the factor moves says from where on it is satisfied. Where several move
    together, or a place among others does, the least is found between by bisection.
    """

    def reaches(increase: int) -> bool:
        return customer.reaches(target.rank, factor.purchase(increase))

    before = customer.standing_after(Purchase())
    enough = sorted({min(max(1, one), factor.most) for one in _enough(customer, before, target, factor)})
    too_little = 0
    for increase in enough:
        if reaches(increase):
            is_exact = len(enough) == 1 and not isinstance(customer.rule.measure, RankMeasure)
            return increase if is_exact else _least(reaches, too_little, increase)
        too_little = increase
    return None


def _enough(customer: WhatIf, before: Standing, target: Tier, factor: Factor) -> Iterator[int]:
    yield from _enough_measured(customer.rule.measure, before, target, factor)
    for gate in target.gates:
        if factor.moves(gate.quantity.fact):
            yield _until(gate.quantity, gate.cut, before)


def _enough_measured(measure: Measure, before: Standing, target: Tier, factor: Factor) -> Iterator[int]:
    match measure:
        case ScoreMeasure():
            moved = (part for part in before.parts if factor.moves(part.part.fact))
            yield from (one for part in moved if (one := _by_score(before, part, target)) is not None)
        case BandsMeasure(deciding=dimensions):
            moving = (one for one in dimensions if factor.moves(one.quantity.fact))
            cuts = ((one.quantity, one.find_cut(target.code)) for one in moving)
            yield from (_until(quantity, cut, before) for quantity, cut in cuts if cut)
        case RankMeasure(frozen=frozen) if frozen:
            pairs = zip(measure.quantities, frozen.facts, strict=True)
            for quantity, fact in pairs:
                if factor.moves(quantity.fact):
                    yield fact.most + 1 - (before.facts[quantity.fact] or 0)


def _by_score(before: Standing, part: PartStanding, target: Tier) -> int | None:
    """None: the part is capped before, or moves the other way."""
    rule = part.part
    if not isinstance(rule, TierPart) or rule.per or rule.slope <= 0 or target.threshold is None:
        return None
    missing = Fraction(target.threshold) - (before.score or Fraction(0))
    needed = (part.points or Fraction(0)) + missing / rule.weight
    is_capped = rule.cap is not None and needed >= rule.cap
    if is_capped and (needed != rule.cap or not target.threshold_inclusive):
        return None
    amount = (needed - rule.base) / rule.slope
    least = ceil(amount) if target.threshold_inclusive else floor(amount) + 1
    # someone who never ordered needs an order, or a cent, even where being fresh is enough
    return least - (part.amount or 0)


def _until(quantity: Quantity, cut: Cut, before: Standing) -> int:
    least = least_amount(cut, quantity.divisor(before.facts))
    return least - (before.facts[quantity.fact] or 0)


def least_amount(cut: Cut, divisor: Fraction = Fraction(1)) -> int:
    """The integer nearest to the cut that passes it: the least one, or the greatest of a cut from above."""
    edge = cut.value * divisor
    if cut.is_upper:
        return ceil(edge) - 1 if cut.is_strict else floor(edge)
    return floor(edge) + 1 if cut.is_strict else ceil(edge)


def _least_baskets(customer: WhatIf, target: Tier, basket_cents: int) -> int | None:
    """Each order moves frequency and money and makes recency fresh, so more never hurts: bisection."""

    def reaches(orders: int) -> bool:
        purchase = Purchase(orders=orders, spend_cents=orders * basket_cents, refreshes=True)
        return customer.reaches(target.rank, purchase)

    if reaches(1):
        return 1
    if not reaches(MOST_ORDERS):
        return None
    too_few, enough = 1, 2
    while not reaches(enough):
        too_few, enough = enough, enough * 2
    return _least(reaches, too_few, enough)


def _least(reaches: Callable[[int], bool], too_few: int, enough: int) -> int:
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if reaches(middle) else (middle, enough)
    return enough


def _orders_word(orders: int) -> str:
    return "order" if orders == 1 else "orders"
