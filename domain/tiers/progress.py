"""What is missing to the next tier with the cheapest ways there, and what keeps the present one (S0-15, S0-16)."""

from dataclasses import dataclass
from fractions import Fraction

from domain.tiers.gaps import TierGap, asked, gaps_to
from domain.tiers.policy import Tier, TierRule
from domain.tiers.purchase import what_if
from domain.tiers.recipes import Recipe, recipes
from domain.tiers.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class TierProgress:
    """`next_tier` None: on top, and there is nothing to list. `gaps` begin with the score; `recipes` with
    the cheapest. `retention` is what the present tier asks for. `margin` is the score above the cut of the
    present tier; None: that tier has no cut in points."""

    next_tier: Tier | None
    gaps: tuple[TierGap, ...]
    recipes: tuple[Recipe, ...]
    almost_there: bool
    margin: Fraction | None
    retention: tuple[TierGap, ...] = ()


def progress(rule: TierRule, standing: Standing, *, usual_basket_cents: int | None = None) -> TierProgress:
    """*Shape*: at most three recipes. A share such as the high-margin one is held as it is.

    `usual_basket_cents` is the mean order of the period; None: no order in it, so no recipe of baskets.
    """
    present = retention(rule, standing)
    margin = next((-gap.missing for gap in present if gap.metric == "score"), None)
    target = rule.goal_above(standing.rank)
    if target is None:
        return TierProgress(
            next_tier=None, gaps=(), recipes=(), almost_there=False, margin=margin, retention=present
        )
    ways = recipes(what_if(rule, standing.facts), target, usual_basket_cents)
    return TierProgress(
        next_tier=target,
        gaps=gaps_to(rule, standing, target, ways),
        recipes=ways,
        almost_there=is_almost_there(rule, standing, target),
        margin=margin,
        retention=present,
    )


def retention(rule: TierRule, standing: Standing) -> tuple[TierGap, ...]:
    """What the present tier asks for; nothing of those who have no tier or never ordered."""
    if standing.tier is None or standing.never_ordered:
        return ()
    return tuple(asked(rule, standing, standing.tier))


def is_almost_there(rule: TierRule, standing: Standing, target: Tier) -> bool:
    if rule.almost_there_gap is None or standing.score is None or target.threshold is None:
        return False
    return Fraction(target.threshold) - standing.score <= rule.almost_there_gap


def usual_basket(*, orders: int, spend_cents: int) -> int | None:
    """The mean order in whole cents, cut; None: no order, or nothing paid."""
    return (spend_cents // orders or None) if orders else None
