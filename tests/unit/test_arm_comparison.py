"""Two arms compared: exact means, and how sure the difference is."""

from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist, fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tiers.arm_comparison import ArmSums, KpiName, compare_arms, sample_ratio_probability

BOUGHT = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10**7)), min_size=2, max_size=40)


def sums(bought: list[tuple[int, int]]) -> ArmSums:
    """Of customers with so many orders and so much spend, which nobody has without an order."""
    spend = [cents if orders else 0 for orders, cents in bought]
    return ArmSums(
        customers=len(bought),
        active=sum(orders > 0 for orders, _ in bought),
        repeating=sum(orders > 1 for orders, _ in bought),
        orders=sum(orders for orders, _ in bought),
        order_squares=sum(orders**2 for orders, _ in bought),
        spend_cents=sum(spend),
        spend_squares=sum(cents**2 for cents in spend),
    )


@given(BOUGHT, BOUGHT)
def test_means_and_errors_are_those_of_the_customers_one_by_one(
    control: list[tuple[int, int]], treatment: list[tuple[int, int]]
) -> None:
    arpu = compare_arms(sums(control), sums(treatment))[0]

    amounts = [[cents / 100 if orders else 0.0 for orders, cents in arm] for arm in (control, treatment)]
    assert (float(arpu.control or 0), float(arpu.treatment or 0)) == pytest.approx(
        [fmean(one) for one in amounts]
    )
    error = sum(variance(one) / len(one) for one in amounts) ** 0.5
    if arpu.half_width is None:
        assert error == pytest.approx(0)
    else:
        assert arpu.half_width == pytest.approx(NormalDist().inv_cdf(0.975) * error, rel=1e-5)


@given(BOUGHT, BOUGHT)
def test_exchanging_the_arms_turns_the_difference_round(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    for there, back in zip(
        compare_arms(sums(one), sums(other)), compare_arms(sums(other), sums(one)), strict=True
    ):
        assert there.difference == (None if back.difference is None else -back.difference)
        assert there.p_value == pytest.approx(back.p_value)


@given(BOUGHT)
def test_equal_arms_do_not_differ(bought: list[tuple[int, int]]) -> None:
    for found in compare_arms(sums(bought), sums(bought)):
        assert found.difference in {0, None}
        assert found.p_value in {1, None}


def test_every_number_is_compared_once() -> None:
    control = ArmSums(
        customers=4, active=2, repeating=1, orders=3, order_squares=5, spend_cents=700, spend_squares=250_000
    )
    treatment = ArmSums(
        customers=2, active=2, repeating=2, orders=4, order_squares=8, spend_cents=500, spend_squares=130_000
    )

    found = compare_arms(control, treatment)

    assert [one.kpi for one in found] == list(KpiName)
    assert [(one.control, one.treatment) for one in found] == [
        (Fraction("1.75"), Fraction("2.5")),
        (Fraction("0.75"), Fraction(2)),
        (Fraction("0.5"), Fraction(1)),
        (Fraction("0.5"), Fraction(1)),
    ]


@pytest.mark.parametrize("few", [ArmSums(), ArmSums(customers=1, active=1, orders=1, order_squares=1)])
def test_of_too_few_nothing_is_claimed(few: ArmSums) -> None:
    many = ArmSums(customers=9, active=5, repeating=2, orders=8, order_squares=16)

    assert {(one.half_width, one.p_value) for one in compare_arms(many, few)} == {(None, None)}


@pytest.mark.parametrize(
    ("control", "treatment", "share", "probability"),
    [
        (900, 100, "0.1", 1.0),
        (0, 0, "0.1", 1.0),
        (880, 120, "0.1", 0.0350),
        (850, 150, "0.1", 1.36e-7),
    ],
)
def test_sizes_that_lots_would_not_give_are_improbable(
    control: int, treatment: int, share: str, probability: float
) -> None:
    assert sample_ratio_probability(control, treatment, Decimal(share)) == pytest.approx(
        probability, rel=0.01
    )


def test_where_nobody_is_left_out_no_lots_are_drawn() -> None:
    assert sample_ratio_probability(0, 300, Decimal(1)) == 1.0
