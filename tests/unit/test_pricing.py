"""A price follows from published rules alone, says which, and never surprises."""

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DomainError
from domain.pricing.price import PriceStepKind
from domain.pricing.price_basket import BasketLine, Pricing, half_up, member_day_price, price_basket
from domain.pricing.rules import ListedProduct, MemberDayOffer, PriceRules, PublishedTiers, TierPrice
from domain.pricing.set_member_day import MemberDayList, set_member_day
from domain.privacy.viewer import Role, Viewer
from domain.words import Words

WEDNESDAY, THURSDAY = date(2026, 6, 3), date(2026, 6, 4)
SPINACH = ListedProduct(product_id=1, list_price_cents=1_000)
DIAMOND = TierPrice(
    rule="kuailv_grade@1/DIAMOND", tier_name=Words("钻石", "Diamond"), factor=Fraction(95, 100)
)
PLATINUM = TierPrice(
    rule="kuailv_grade@1/PLATINUM", tier_name=Words("铂金", "Platinum"), factor=Fraction(97, 100)
)
PLAIN = Pricing(rules=PriceRules(), tiers=PublishedTiers(), offers={}, on=THURSDAY)
MEMBER = PublishedTiers(prices=(DIAMOND,), is_member=True)
HALF = {1: MemberDayOffer()}


def prices(pricing: Pricing, quantity: str = "1", product: ListedProduct = SPINACH) -> list[tuple[str, int]]:
    basket = price_basket([BasketLine(product, Decimal(quantity))], pricing)
    return [(str(line.quantity), line.unit_price_cents) for line in basket.lines]


def test_without_a_tier_the_list_price_applies() -> None:
    basket = price_basket([BasketLine(SPINACH, Decimal("2.5"))], PLAIN)

    assert basket.total_cents == 2_500
    assert [(step.kind, step.applied) for step in basket.lines[0].steps] == [(PriceStepKind.LIST, True)]


def test_the_lowest_of_several_tier_prices_applies_and_every_one_is_shown() -> None:  # S0-20
    pricing = replace(PLAIN, tiers=PublishedTiers(prices=(PLATINUM, DIAMOND)))

    [line] = price_basket([BasketLine(SPINACH, Decimal(1))], pricing).lines

    assert [(step.rule, step.unit_price_cents, step.applied) for step in line.steps] == [
        ("list", 1_000, False),
        ("kuailv_grade@1/PLATINUM", 970, False),
        ("kuailv_grade@1/DIAMOND", 950, True),
    ]


def test_member_day_is_half_price_on_wednesday_and_does_not_stack() -> None:  # S2-5: 5折
    assert prices(replace(PLAIN, tiers=MEMBER, offers=HALF, on=WEDNESDAY)) == [("1", 500)]
    assert prices(replace(PLAIN, tiers=MEMBER, offers=HALF, on=THURSDAY)) == [("1", 950)]


async def test_a_shop_may_have_its_member_day_on_another_weekday() -> None:
    rules = PriceRules(member_weekday=3)
    pricing = replace(PLAIN, rules=rules, tiers=MEMBER, offers=HALF)
    nowhere: Any = None

    with pytest.raises(DomainError, match="2026-06-03 is no Thursday: choose one"):
        await set_member_day(
            nowhere,
            MemberDayList(on=WEDNESDAY, offers=(), today=WEDNESDAY, rules=rules),
            Viewer("x", Role.OPERATOR),
        )

    assert prices(replace(pricing, on=WEDNESDAY)) == [("1", 950)]
    assert prices(replace(pricing, on=THURSDAY)) == [("1", 500)]
    assert rules.next_member_day(WEDNESDAY) == THURSDAY == rules.next_member_day(THURSDAY)


def test_member_day_is_for_members() -> None:
    assert prices(replace(PLAIN, offers=HALF, on=WEDNESDAY)) == [("1", 1_000)]


def test_units_beyond_the_cap_are_a_line_of_their_own() -> None:
    capped = {1: MemberDayOffer(units_left=Decimal(2))}
    pricing = replace(PLAIN, tiers=MEMBER, offers=capped, on=WEDNESDAY)

    assert prices(pricing, "5") == [("2", 500), ("3", 950)]


def test_a_cap_holds_over_all_lines_of_a_basket() -> None:
    capped = {1: MemberDayOffer(units_left=Decimal(2))}
    pricing = replace(PLAIN, tiers=MEMBER, offers=capped, on=WEDNESDAY)
    lines = [BasketLine(SPINACH, Decimal("1.5")), BasketLine(SPINACH, Decimal("1.5"))]

    priced = price_basket(lines, pricing).lines

    assert [(line.quantity, line.unit_price_cents) for line in priced] == [
        (Decimal("1.5"), 500),
        (Decimal("0.5"), 500),
        (Decimal("1.0"), 950),
    ]


def test_a_discount_stops_at_cost_and_least_margin() -> None:  # S2-6
    costly = replace(SPINACH, unit_cost_cents=601)

    [line] = price_basket(
        [BasketLine(costly, Decimal(1))], replace(PLAIN, tiers=MEMBER, offers=HALF, on=WEDNESDAY)
    ).lines

    assert line.unit_price_cents == 632  # 601 × 1.05 = 631.05, up to the next cent
    assert [step.kind for step in line.steps if step.applied] == [PriceStepKind.FLOOR]


def test_an_offer_is_shown_as_a_member_without_a_tier_would_pay_it() -> None:
    costly = replace(SPINACH, unit_cost_cents=601)

    assert member_day_price(SPINACH, MemberDayOffer(), PriceRules()) == 500
    assert member_day_price(costly, MemberDayOffer(), PriceRules()) == 632


def test_a_list_price_below_the_floor_stays_the_list_price() -> None:
    sold_off = replace(SPINACH, unit_cost_cents=2_000)

    assert prices(replace(PLAIN, tiers=MEMBER), product=sold_off) == [("1", 1_000)]


def test_points_are_whole_and_multiplied_by_the_tier() -> None:
    gold = replace(PLAIN, tiers=PublishedTiers(points_multiplier=Fraction(2)))

    assert price_basket([BasketLine(SPINACH, Decimal("1.555"))], PLAIN).points_earned == 15
    assert price_basket([BasketLine(SPINACH, Decimal("1.555"))], gold).points_earned == 31


@pytest.mark.parametrize(("cents", "rounded"), [("0.5", 1), ("1.4999", 1), ("1.5", 2), ("2.5", 3)])
def test_half_a_cent_is_rounded_up(cents: str, rounded: int) -> None:
    assert half_up(*Fraction(cents).as_integer_ratio()) == rounded


FACTORS = st.fractions(min_value=0, max_value=1, max_denominator=100)
PRODUCTS = st.builds(
    ListedProduct,
    product_id=st.just(1),
    list_price_cents=st.integers(0, 10**7),
    unit_cost_cents=st.none() | st.integers(0, 10**7),
)
TIER_PRICES = st.builds(TierPrice, rule=st.just("r"), tier_name=st.just(Words("级", "t")), factor=FACTORS)
TIERS = st.builds(
    PublishedTiers,
    prices=st.lists(TIER_PRICES, max_size=3).map(tuple),
    is_member=st.booleans(),
    points_multiplier=st.just(Fraction(1)),
)
PRICINGS = st.builds(
    Pricing,
    rules=st.just(PriceRules()),
    tiers=TIERS,
    offers=st.just({}) | st.just(HALF),
    on=st.sampled_from([WEDNESDAY, THURSDAY]),
)


@given(PRODUCTS, PRICINGS)
def test_exactly_one_step_gives_the_price_and_none_is_above_the_list_price(
    product: ListedProduct, pricing: Pricing
) -> None:
    [line] = price_basket([BasketLine(product, Decimal(1))], pricing).lines

    assert [s.unit_price_cents for s in line.steps if s.applied] == [line.unit_price_cents]
    assert line.unit_price_cents <= product.list_price_cents


@given(PRODUCTS, PRICINGS, TIER_PRICES)
def test_one_more_published_price_never_makes_anything_dearer(
    product: ListedProduct, pricing: Pricing, more: TierPrice
) -> None:
    line = BasketLine(product, Decimal(1))
    richer = replace(pricing, tiers=replace(pricing.tiers, prices=(*pricing.tiers.prices, more)))

    assert price_basket([line], richer).total_cents <= price_basket([line], pricing).total_cents


QUANTITIES = st.decimals(min_value="0.001", max_value=1_000, places=3)
CAPPED = st.builds(MemberDayOffer, factor=FACTORS, units_left=st.none() | st.decimals(0, 50, places=3))


@given(PRODUCTS, PRICINGS, CAPPED, QUANTITIES, QUANTITIES)
def test_more_units_never_cost_less(
    product: ListedProduct, pricing: Pricing, offer: MemberDayOffer, units: Decimal, more: Decimal
) -> None:
    limited = replace(pricing, offers={1: offer})
    fewer, all_of_them = (BasketLine(product, number) for number in (units, units + more))

    assert price_basket([fewer], limited).total_cents <= price_basket([all_of_them], limited).total_cents


@given(st.lists(PRODUCTS, min_size=1, max_size=6), PRICINGS, st.randoms(use_true_random=False))
def test_the_order_of_products_changes_no_total(
    products: list[ListedProduct], pricing: Pricing, chance: Random
) -> None:
    lines = [BasketLine(replace(one, product_id=n), Decimal("1.5")) for n, one in enumerate(products)]
    shuffled = chance.sample(lines, len(lines))

    assert price_basket(shuffled, pricing).total_cents == price_basket(lines, pricing).total_cents


def test_the_types_of_pricing_have_no_place_for_a_customer() -> None:  # PIPL art. 24, S3-20
    allowed = {"rules", "tiers", "offers", "on"} | {"prices", "is_member", "points_multiplier"}
    allowed |= {"rule", "tier_name", "factor", "units_left", "member_weekday", "least_margin"}
    allowed |= {"product_id", "list_price_cents", "unit_cost_cents", "product", "quantity"}

    types = (Pricing, PublishedTiers, TierPrice, MemberDayOffer, PriceRules, ListedProduct, BasketLine)

    assert {field.name for type_ in types for field in fields(type_)} == allowed
