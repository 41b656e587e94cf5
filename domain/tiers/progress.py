"""What is missing to the next tier, and the cheapest ways to get there (S0-15, S0-16)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from domain.tiers.policy import Tier, TierPart, TierRule
from domain.tiers.standing import ORDERED_FACT, PartStanding, Standing, total_score
from domain.words import Words


class RecipeKind(StrEnum):
    MORE_ORDERS = "MORE_ORDERS"
    MORE_SPEND = "MORE_SPEND"
    USUAL_BASKETS = "USUAL_BASKETS"


@dataclass(frozen=True, slots=True, kw_only=True)
class TierGap:
    """`metric` is `score` or the name of a fact; numbers are points, or the stored unit of the fact."""

    metric: str
    words: Words
    current: Fraction
    required: Fraction

    @property
    def missing(self) -> Fraction:
        return self.required - self.current


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way up. Not `reachable`: this factor alone is capped before the next tier."""

    kind: RecipeKind
    words: Words
    reachable: bool
    orders: int | None = None
    spend_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierProgress:
    """`next_tier` None: on top, and there is nothing to list. `gaps` begin with the score; `recipes` with
    the cheapest. `margin` is the score above the cut of the present tier; None: that tier has no cut."""

    next_tier: Tier | None
    gaps: tuple[TierGap, ...]
    recipes: tuple[Recipe, ...]
    almost_there: bool
    margin: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Orders and money on top of what counts already; `refreshes`: the last order was just now."""

    orders: int = 0
    spend_cents: int = 0
    refreshes: bool = False


def progress(rule: TierRule, standing: Standing, *, usual_basket_cents: int | None = None) -> TierProgress:
    """*Shape*: at most three recipes. A share such as the high-margin one is held as it is.

    `usual_basket_cents` is the mean order of the period; None: no order in it, so no recipe of baskets.
    """
    margin = _margin(standing)
    target = rule.tier_above(standing.rank)
    if target is None or target.threshold is None:
        return TierProgress(next_tier=target, gaps=(), recipes=(), almost_there=False, margin=margin)
    gap = Fraction(target.threshold) - standing.score
    found = (
        _more_orders(rule, standing, target, usual_basket_cents),
        _more_spend(rule, standing, target),
        _usual_baskets(rule, standing, target, usual_basket_cents),
    )
    priced = [pair for pair in found if pair is not None]
    recipes = tuple(recipe for recipe, _ in sorted(priced, key=_cheapest_first))
    return TierProgress(
        next_tier=target,
        gaps=(_score_gap(standing, target), *_fact_gaps(standing, recipes)),
        recipes=recipes,
        almost_there=gap <= rule.almost_there_gap,
        margin=margin,
    )


def usual_basket(*, orders: int, spend_cents: int) -> int | None:
    """The mean order in whole cents, cut; None: no order, or nothing paid."""
    return (spend_cents // orders or None) if orders else None


def score_after(rule: TierRule, standing: Standing, purchase: Purchase) -> Fraction:
    """The score with a purchase on top. Whoever never ordered is refreshed by any purchase."""
    parts = tuple(_part_after(part, purchase, standing.never_ordered) for part in standing.parts)
    return total_score(rule, parts)


def _part_after(part: PartStanding, purchase: Purchase, never_ordered: bool) -> PartStanding:
    rule = part.part
    if rule.per is not None:
        return part
    amount = part.amount or 0
    if rule.fact == ORDERED_FACT and (purchase.refreshes or never_ordered):
        amount = 0
    amount += purchase.orders if _counts_orders(rule) else 0
    amount += purchase.spend_cents if _counts_money(rule) else 0
    return replace(part, amount=amount, points=rule.clamp(rule.base + rule.slope * amount))


def _counts_orders(part: TierPart) -> bool:
    return part.fact.startswith("orders_")


def _counts_money(part: TierPart) -> bool:
    return part.fact.startswith("spend_")


Priced = tuple[Recipe, int | None]
"""A recipe with its expected cost in cents; None: unknown."""


def _cheapest_first(priced: Priced) -> tuple[bool, bool, int]:
    recipe, cost = priced
    return not recipe.reachable, cost is None, cost or 0


def _more_orders(rule: TierRule, standing: Standing, target: Tier, basket_cents: int | None) -> Priced | None:
    if not any(_counts_orders(part) for part in rule.parts):
        return None
    orders = _least_of_one(rule, standing, target, _counts_orders)
    if orders is None:
        words = Words("仅靠增加订单次数无法升级", "Not reachable by more orders alone")
        return Recipe(kind=RecipeKind.MORE_ORDERS, words=words, reachable=False), None
    words = Words(f"再下 {orders} 单", f"{orders} more {_orders_word(orders)}")
    recipe = Recipe(kind=RecipeKind.MORE_ORDERS, words=words, reachable=True, orders=orders)
    return recipe, orders * basket_cents if basket_cents else None


def _more_spend(rule: TierRule, standing: Standing, target: Tier) -> Priced | None:
    if not any(_counts_money(part) for part in rule.parts):
        return None
    cents = _least_of_one(rule, standing, target, _counts_money)
    if cents is None:
        words = Words("仅靠增加消费金额无法升级", "Not reachable by more spend alone")
        return Recipe(kind=RecipeKind.MORE_SPEND, words=words, reachable=False), None
    words = Words(f"再消费 {_money(cents)}", f"Spend {_money(cents)} more")
    return Recipe(kind=RecipeKind.MORE_SPEND, words=words, reachable=True, spend_cents=cents), cents


def _usual_baskets(rule: TierRule, standing: Standing, target: Tier, basket: int | None) -> Priced | None:
    if basket is None:
        return None
    orders = _least_baskets(rule, standing, target, basket)
    if orders is None:
        words = Words("仅靠平常的订单无法升级", "Not reachable by usual orders alone")
        return Recipe(kind=RecipeKind.USUAL_BASKETS, words=words, reachable=False), None
    words = Words(
        f"按平常每单 {_money(basket)} 再下 {orders} 单",
        f"{orders} more {_orders_word(orders)} of the usual {_money(basket)}",
    )
    cost = orders * basket
    recipe = Recipe(
        kind=RecipeKind.USUAL_BASKETS, words=words, reachable=True, orders=orders, spend_cents=cost
    )
    return recipe, cost


def _least_of_one(
    rule: TierRule, standing: Standing, target: Tier, moves: Callable[[TierPart], bool]
) -> int | None:
    """The least increase of the one fact that reaches the target, all others as they are; None: capped."""
    start = score_after(rule, standing, Purchase())
    part = next(part for part in standing.parts if moves(part.part))
    needed = part.points + (Fraction(target.threshold or 0) - start) / part.part.weight
    if needed > part.part.cap or (needed == part.part.cap and not target.threshold_inclusive):
        return None
    amount = (needed - part.part.base) / part.part.slope
    least = ceil(amount) if target.threshold_inclusive else floor(amount) + 1
    # someone who never ordered needs an order, or a cent, even where being fresh is enough
    return max(1, least - (part.amount or 0))


def _least_baskets(rule: TierRule, standing: Standing, target: Tier, basket_cents: int) -> int | None:
    """Each order moves frequency and money and makes recency fresh, so more never hurts: bisection."""

    def reaches(orders: int) -> bool:
        purchase = Purchase(orders=orders, spend_cents=orders * basket_cents, refreshes=True)
        return target.admits(score_after(rule, standing, purchase))

    if reaches(1):
        return 1
    enough = _baskets_until_capped(rule, basket_cents)
    if not reaches(enough):
        return None
    too_few = 1
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if reaches(middle) else (middle, enough)
    return enough


def _baskets_until_capped(rule: TierRule, basket_cents: int) -> int:
    """From here on another order changes nothing."""
    most = 1
    for part in rule.parts:
        step = 1 if _counts_orders(part) else basket_cents if _counts_money(part) else 0
        if step and part.slope > 0:
            most = max(most, ceil((part.cap - part.base) / part.slope / step))
    return most


def _margin(standing: Standing) -> Fraction | None:
    if standing.tier is None or standing.tier.threshold is None:
        return None
    return standing.score - Fraction(standing.tier.threshold)


def _score_gap(standing: Standing, target: Tier) -> TierGap:
    words = Words("得分", "Score")
    return TierGap(
        metric="score", words=words, current=standing.score, required=Fraction(target.threshold or 0)
    )


def _fact_gaps(standing: Standing, recipes: tuple[Recipe, ...]) -> tuple[TierGap, ...]:
    """The single-factor recipes once more, as the fact that is to rise."""
    gaps = []
    for recipe in recipes:
        moves = {RecipeKind.MORE_ORDERS: _counts_orders, RecipeKind.MORE_SPEND: _counts_money}.get(
            recipe.kind
        )
        if recipe.reachable and moves:
            part = next(part for part in standing.parts if moves(part.part))
            gaps.append(_fact_gap(part, recipe.orders or recipe.spend_cents or 0))
    return tuple(gaps)


def _fact_gap(part: PartStanding, increase: int) -> TierGap:
    current = Fraction(part.amount or 0)
    return TierGap(metric=part.part.fact, words=part.part.words, current=current, required=current + increase)


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"


def _orders_word(orders: int) -> str:
    return "order" if orders == 1 else "orders"
