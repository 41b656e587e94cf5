"""What is missing to rise: a recipe reaches the next tier, and one step less does not."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tier_cases import NEVER, any_facts, unhurried

from domain.tiers.policy import TierRule
from domain.tiers.presets.kuailv_grade import kuailv_rule
from domain.tiers.progress import Recipe, RecipeKind, TierProgress, progress, usual_basket
from domain.tiers.standing import stand

Facts = Mapping[str, int | None]


def _strict_rule() -> TierRule:
    tiers = tuple(replace(tier, threshold_inclusive=False) for tier in kuailv_rule().tiers)
    return replace(kuailv_rule(), tiers=tiers)


def _progress(rule: TierRule, facts: Facts) -> TierProgress:
    basket = usual_basket(orders=facts["orders_90d"] or 0, spend_cents=facts["spend_90d"] or 0)
    return progress(rule, stand(rule, facts), usual_basket_cents=basket)


def _customer(days: int, orders: int, spend_cny: int) -> Facts:
    return NEVER | {"days_since_last_order": days, "orders_90d": orders, "spend_90d": spend_cny * 100}


def _after(facts: Facts, recipe: Recipe, *, less: int = 0) -> Facts:
    """The facts once the recipe is followed, or followed with one order (or one cent) less."""
    orders, cents = recipe.orders or 0, recipe.spend_cents or 0
    if recipe.kind is RecipeKind.USUAL_BASKETS:
        cents -= less * (cents // orders)
        orders -= less
        days: int | None = 0 if orders else facts["days_since_last_order"]
    else:
        orders -= less if recipe.orders else 0
        cents -= less if recipe.spend_cents else 0
        days = facts["days_since_last_order"] or 0
    changed = {
        "orders_90d": (facts["orders_90d"] or 0) + orders,
        "spend_90d": (facts["spend_90d"] or 0) + cents,
    }
    return {**facts, **changed, "days_since_last_order": days}


@pytest.mark.parametrize("rule", [kuailv_rule(), _strict_rule()], ids=["inclusive", "strict"])
@unhurried
@given(facts=any_facts)
def test_a_recipe_reaches_the_next_tier_and_one_step_less_does_not(rule: TierRule, facts: Facts) -> None:
    found = _progress(rule, facts)

    for recipe in found.recipes:
        if recipe.reachable and found.next_tier:
            assert stand(rule, _after(facts, recipe)).rank >= found.next_tier.rank
            assert _is_least(rule, facts, recipe, found.next_tier.rank)


def _is_least(rule: TierRule, facts: Facts, recipe: Recipe, rank: int) -> bool:
    is_first_step = recipe.orders == 1 or recipe.spend_cents == 1
    return is_first_step or stand(rule, _after(facts, recipe, less=1)).rank < rank


@unhurried
@given(facts=any_facts, orders=st.integers(1, 10**6), cents=st.integers(1, 2**36))
def test_what_is_called_unreachable_is_reached_by_no_amount(facts: Facts, orders: int, cents: int) -> None:
    rule = kuailv_rule()

    for recipe in _progress(rule, facts).recipes:
        if not recipe.reachable and facts["days_since_last_order"] is not None:
            more = replace(recipe, orders=orders, spend_cents=orders * cents)
            tried = replace(more, spend_cents=None) if recipe.kind is RecipeKind.MORE_ORDERS else more
            tried = replace(more, orders=None) if recipe.kind is RecipeKind.MORE_SPEND else tried
            assert stand(rule, _after(facts, tried)).rank == stand(rule, facts).rank


def test_the_recipes_are_those_of_the_formula_with_the_cheapest_first() -> None:
    """S0-15: gap 3 to platinum: ceil(3 / 0.4 / 5) orders, 3 / 0.3 * 1000 CNY, or one usual order of 4,000."""
    found = _progress(kuailv_rule(), _customer(10, 15, 60_000))

    assert found.next_tier is not None
    assert found.next_tier.code == "PLATINUM"
    assert [(r.kind, r.reachable, r.orders, r.spend_cents, r.words.en) for r in found.recipes] == [
        (RecipeKind.USUAL_BASKETS, True, 1, 400_000, "1 more order of the usual 4,000.00"),
        (RecipeKind.MORE_ORDERS, True, 2, None, "2 more orders"),
        (RecipeKind.MORE_SPEND, True, None, 1_000_000, "Spend 10,000.00 more"),
    ]
    assert [(g.metric, int(g.current), int(g.required), int(g.missing)) for g in found.gaps] == [
        ("score", 72, 75, 3),
        ("orders_90d", 15, 17, 2),
        ("spend_90d", 6_000_000, 7_000_000, 1_000_000),
    ]


def test_a_capped_factor_says_that_it_is_not_enough_alone() -> None:
    """S0-7: without spend, orders end at gold."""
    found = _progress(kuailv_rule(), _customer(0, 20, 0))

    assert [(r.kind, r.reachable, r.words.zh) for r in found.recipes] == [
        (RecipeKind.MORE_SPEND, True, "再消费 16,666.67"),
        (RecipeKind.MORE_ORDERS, False, "仅靠增加订单次数无法升级"),
    ]


@pytest.mark.parametrize(("rule", "orders"), [(kuailv_rule(), 17), (_strict_rule(), None)])
def test_a_cut_exactly_at_the_cap_is_reached_unless_it_is_strict(rule: TierRule, orders: int | None) -> None:
    """R 0 and M 0: only F 100, which is 20 orders, makes the 40 of silver."""
    found = _progress(rule, _customer(60, 3, 0))

    more_orders = next(recipe for recipe in found.recipes if recipe.kind is RecipeKind.MORE_ORDERS)
    assert more_orders.orders == orders


@pytest.mark.parametrize(("words", "spend_cny", "almost"), [("gap 5", 10_000, True), ("more", 9_999, False)])
def test_five_points_are_almost_there(words: str, spend_cny: int, almost: bool) -> None:
    """S0-16: R 100 and F 55 are 52 points; 10,000 CNY make it 55, five below gold."""
    assert _progress(kuailv_rule(), _customer(0, 11, spend_cny)).almost_there is almost


def test_on_top_nothing_is_missing() -> None:
    found = _progress(kuailv_rule(), _customer(0, 20, 100_000))

    assert found == TierProgress(next_tier=None, gaps=(), recipes=(), almost_there=False, margin=Fraction(10))


def test_the_first_order_of_a_customer_counts_as_just_now() -> None:
    """R is 100 after it; silver then needs F 25 or M 33.33…"""
    found = _progress(kuailv_rule(), NEVER)

    assert found.gaps[0].missing == 40
    assert [(r.kind, r.orders, r.spend_cents) for r in found.recipes] == [
        (RecipeKind.MORE_SPEND, None, 3_333_334),
        (RecipeKind.MORE_ORDERS, 5, None),
    ]


def test_the_margin_says_how_far_above_its_cut_a_customer_stands() -> None:
    rule = kuailv_rule()

    assert _progress(rule, _customer(10, 15, 60_000)).margin == 12
    assert _progress(rule, _customer(30, 5, 4_000)).margin is None
    assert rule.tiers[2].threshold == Decimal(60)
