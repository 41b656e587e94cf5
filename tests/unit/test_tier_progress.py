"""What is missing to rise: a recipe reaches the next tier, and one step less does not."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tier_cases import NEVER, any_facts, preset_rule, unhurried

from domain.tiers.measure import BandsMeasure, Combination
from domain.tiers.policy import TierRule
from domain.tiers.presets import PRESETS
from domain.tiers.presets.chuanwei_value import chuanwei_rule
from domain.tiers.presets.kuailv_grade import kuailv_rule
from domain.tiers.progress import TierProgress, progress, usual_basket
from domain.tiers.purchase import Purchase, facts_after
from domain.tiers.recipes import Recipe, RecipeKind
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
    is_baskets = recipe.kind is RecipeKind.USUAL_BASKETS
    if is_baskets:
        cents -= less * (cents // orders)
    elif recipe.spend_cents:
        cents -= less
    purchase = Purchase(
        orders=max(0, orders - less), spend_cents=cents, refreshes=is_baskets and orders > less
    )
    return facts_after(facts, purchase)


def _is_least(rule: TierRule, facts: Facts, recipe: Recipe, rank: int) -> bool:
    is_first_step = recipe.orders == 1 or recipe.spend_cents == 1
    return is_first_step or stand(rule, _after(facts, recipe, less=1)).rank < rank


RULES = {policy.code: preset_rule(policy) for policy in PRESETS} | {
    "strict": _strict_rule(),
    "all": chuanwei_rule(Combination.ALL),
    "first": chuanwei_rule(Combination.FIRST),
}
every_rule = pytest.mark.parametrize("code", RULES)


@every_rule
@unhurried
@given(facts=any_facts)
def test_a_recipe_reaches_the_next_tier_and_one_step_less_does_not(code: str, facts: Facts) -> None:
    rule = RULES[code]
    found = _progress(rule, facts)

    for recipe in found.recipes:
        if recipe.reachable and found.next_tier:
            assert stand(rule, _after(facts, recipe)).rank >= found.next_tier.rank
            assert _is_least(rule, facts, recipe, found.next_tier.rank)


@every_rule
@unhurried
@given(facts=any_facts, orders=st.integers(1, 10**6), cents=st.integers(1, 2**36))
def test_what_is_called_unreachable_is_reached_by_no_amount(
    code: str, facts: Facts, orders: int, cents: int
) -> None:
    rule = RULES[code]
    found = _progress(rule, facts)

    for recipe in found.recipes:
        if not recipe.reachable and facts["days_since_last_order"] is not None and found.next_tier:
            tried = replace(recipe, orders=orders, spend_cents=orders * cents)
            tried = replace(tried, spend_cents=None) if recipe.kind is RecipeKind.MORE_ORDERS else tried
            tried = replace(tried, orders=None) if recipe.kind is RecipeKind.MORE_SPEND else tried
            assert stand(rule, _after(facts, tried)).rank < found.next_tier.rank


@every_rule
@unhurried
@given(facts=any_facts)
def test_what_is_missing_is_above_nothing_and_what_is_kept_is_met(code: str, facts: Facts) -> None:
    rule = RULES[code]
    standing = stand(rule, facts)

    found = progress(rule, standing)

    assert all(gap.missing > 0 or gap.metric == "score" for gap in found.gaps)
    if isinstance(rule.measure, BandsMeasure):
        met = sum(gap.missing <= 0 for gap in found.retention)
        assert (
            met >= rule.measure.needed or rule.measure.combination is Combination.FIRST or not found.retention
        )
    else:
        assert all(gap.missing <= 0 for gap in found.retention)


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
        ("spend_90d", 60_000, 70_000, 10_000),
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

    assert (found.next_tier, found.gaps, found.recipes) == (None, (), ())
    assert (found.almost_there, found.margin) == (False, 10)
    assert [(g.metric, g.current, g.required, g.missing) for g in found.retention] == [
        ("score", 100, 90, -10)
    ]


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


def _layered(number: int, days: int, *, cents: int | None = None) -> Facts:
    """Customer `number` of the hundred of the examples, who has as many orders of 10 CNY."""
    return NEVER | {
        "days_since_last_order": days,
        "orders_all_time": number,
        "spend_all_time": number * 1_000 if cents is None else cents,
        "last_order_at": number,
        "customer_id": number,
    }


def test_the_way_up_a_ranking_is_measured_against_the_cuts_of_the_night() -> None:
    """Gold begins at customer 76 of 100, whose ranks add up to 304; customer 70 has 280, and bought earlier, so that
    304 are not enough."""
    found = _progress(RULES["xiaoxiang_layer"], _layered(70, 3))

    assert found.next_tier is not None
    assert found.next_tier.code == "GOLD"
    assert [(r.kind, r.reachable, r.orders, r.spend_cents) for r in found.recipes] == [
        (RecipeKind.MORE_SPEND, True, None, 12_001),
        (RecipeKind.MORE_ORDERS, True, 13, None),
    ]
    assert [(g.metric, g.unit, g.current, g.required, g.missing) for g in found.gaps] == [
        ("rank", "points", 70, 76, 6),
        ("spend_all_time", "CNY", 700, Fraction("820.01"), Fraction("120.01")),
        ("orders_all_time", "orders", 70, 83, 13),
    ]


def test_a_place_is_not_reachable_by_one_factor_alone_from_too_far_behind() -> None:
    found = _progress(RULES["xiaoxiang_layer"], _layered(10, 3))

    assert [(r.kind, r.reachable) for r in found.recipes] == [
        (RecipeKind.MORE_ORDERS, False),
        (RecipeKind.MORE_SPEND, False),
    ]


def test_a_closed_gate_is_a_gap_that_more_money_does_not_open() -> None:
    """S4-4: the best customer, silent for 40 days, is gold; only another order makes platinum of it."""
    facts = _layered(100, 40) | {"orders_90d": 2, "spend_90d": 2_000}

    found = _progress(RULES["xiaoxiang_layer"], facts)

    assert [(g.metric, g.current, g.required, g.missing, g.at_most) for g in found.gaps] == [
        ("days_since_last_order", 40, 30, 10, True)
    ]
    assert [(r.kind, r.reachable, r.orders) for r in found.recipes] == [
        (RecipeKind.USUAL_BASKETS, True, 1),
        (RecipeKind.MORE_ORDERS, False, None),
        (RecipeKind.MORE_SPEND, False, None),
    ]


@pytest.mark.parametrize(
    ("words", "facts"), [("new", NEVER), ("lost", _layered(9, 200)), ("dormant", _layered(9, 99))]
)
def test_layers_of_silence_are_no_goal(words: str, facts: Facts) -> None:
    found = _progress(RULES["xiaoxiang_layer"], facts)

    assert found.next_tier is not None
    assert found.next_tier.code == "SILVER"


def test_each_dimension_says_what_it_lacks() -> None:
    """S1-2: 20,000 CNY, 12 orders in 365 days and 40 days of silence are mid three times."""
    facts = NEVER | {
        "spend_365d": 2_000_000,
        "orders_365d": 12,
        "days_since_first_order": 365,
        "days_since_last_order": 40,
    }

    found = _progress(RULES["chuanwei_value"], facts)

    assert [(g.metric, g.unit, float(g.required), g.at_most) for g in found.gaps] == [
        ("spend_365d", "CNY", 50_000.01, False),
        ("frequency", "orders per month", 3.0, False),
        ("days_since_last_order", "days", 30.0, True),
    ]
    assert [(g.metric, float(g.required)) for g in found.retention] == [
        ("spend_365d", 10_000.01),
        ("frequency", 1 / 3),
        ("days_since_last_order", 90.0),
    ]
    assert [(r.kind, r.reachable) for r in found.recipes] == [
        (RecipeKind.MORE_ORDERS, False),
        (RecipeKind.MORE_SPEND, False),
    ]


def test_one_factor_is_enough_where_another_dimension_is_high_already() -> None:
    """S1-5: recency is high, so high spend or 36 orders make two of three."""
    facts = NEVER | {
        "spend_365d": 2_000_000,
        "orders_365d": 12,
        "days_since_first_order": 365,
        "days_since_last_order": 4,
    }

    found = _progress(RULES["chuanwei_value"], facts)

    assert [(r.kind, r.orders, r.spend_cents) for r in found.recipes] == [
        (RecipeKind.MORE_SPEND, None, 3_000_001),
        (RecipeKind.MORE_ORDERS, 24, None),
    ]
