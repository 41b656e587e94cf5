"""Millions at once and one at a time give the same tiers, on the stated side of every cut."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tier_cases import INPUTS, NEVER, any_facts, columns_of, ordering_facts, unhurried

from domain.conditions.expression import Fact
from domain.conditions.numpy_reader import Column
from domain.errors import DomainError, ErrorCode
from domain.tiers.evaluation import RuleReading, evaluate, read_rule
from domain.tiers.exact import micro
from domain.tiers.policy import TierRule
from domain.tiers.presets.kuailv_grade import HighMarginMode, kuailv_rule
from domain.tiers.standing import stand

Facts = Mapping[str, int | None]
MISPLACED_BY_FLOATS = 22
READINGS = {mode: read_rule(kuailv_rule(mode)) for mode in HighMarginMode}
GRADE = READINGS[HighMarginMode.OFF]


def _ranks_and_scores(reading: RuleReading, customers: list[Facts]) -> list[tuple[int, int, bool]]:
    found = evaluate(reading, columns_of(customers), as_of_us=0, rows=len(customers))
    return list(
        zip(found.ranks.tolist(), found.micro_scores.tolist(), found.never_ordered.tolist(), strict=True)
    )


@pytest.mark.parametrize("mode", HighMarginMode)
@unhurried
@given(customers=st.lists(any_facts, min_size=1, max_size=20))
def test_many_at_once_equal_each_alone(mode: HighMarginMode, customers: list[Facts]) -> None:
    each = [stand(READINGS[mode].rule, customer) for customer in customers]

    together = _ranks_and_scores(READINGS[mode], customers)

    assert together == [(one.rank, micro(one.score), one.never_ordered) for one in each]


@pytest.mark.parametrize("mode", HighMarginMode)
@unhurried
@given(facts=ordering_facts, days=st.integers(0, 60), orders=st.integers(0, 30))
def test_buying_more_often_or_later_never_lowers_the_score(
    mode: HighMarginMode, facts: dict[str, int], days: int, orders: int
) -> None:
    rule = kuailv_rule(mode)
    better = facts | {
        "days_since_last_order": max(0, facts["days_since_last_order"] - days),
        "orders_90d": facts["orders_90d"] + orders,
    }

    assert stand(rule, better).score >= stand(rule, facts).score


@unhurried
@given(facts=ordering_facts, cents=st.integers(0, 20_000_000))
def test_spending_more_never_lowers_the_score(facts: dict[str, int], cents: int) -> None:
    more = facts | {"spend_90d": facts["spend_90d"] + cents}

    assert stand(kuailv_rule(), more).score >= stand(kuailv_rule(), facts).score


@unhurried
@given(facts=any_facts)
def test_everybody_has_exactly_one_tier_and_always_the_same(facts: Facts) -> None:
    standing = stand(kuailv_rule(), facts)

    assert standing.tier is not None
    assert stand(kuailv_rule(), facts) == standing
    if not standing.never_ordered:
        higher = [tier for tier in kuailv_rule().tiers if tier.rank > standing.rank]
        assert not any(tier.admits(standing.score) for tier in higher)
        assert standing.tier.admits(standing.score)


@pytest.mark.parametrize(
    ("rank", "orders", "cents"), [(2, 10, 0), (3, 15, 0), (4, 20, 1_666_667), (5, 20, 6_666_667)]
)
@pytest.mark.parametrize("mode", HighMarginMode)
def test_a_cut_belongs_to_the_higher_tier_unless_it_is_strict(
    mode: HighMarginMode, rank: int, orders: int, cents: int
) -> None:
    """Each cut is set to exactly the score of a customer, once with `>=` and once with `>` (C5)."""
    facts: Facts = NEVER | {"days_since_last_order": 0, "orders_90d": orders, "spend_90d": cents}
    rule = kuailv_rule(mode)
    score = stand(rule, facts).score

    for is_inclusive, expected in ((True, rank), (False, rank - 1)):
        cut_rule = _with_cut(rule, rank, score, is_inclusive)
        assert stand(cut_rule, facts).rank == expected
        assert _ranks_and_scores(read_rule(cut_rule), [facts])[0][0] == expected


def _with_cut(rule: TierRule, rank: int, score: Any, inclusive: bool) -> TierRule:
    """The cut of `rank` at `score`, the others one point apart around it."""
    tiers = tuple(
        replace(
            tier,
            threshold=None if tier.rank == 1 else score + tier.rank - rank,
            threshold_inclusive=inclusive,
        )
        for tier in rule.tiers
    )
    return replace(rule, tiers=tiers)


def _whole_points() -> tuple[NDArray[Any], ...]:
    grid = np.meshgrid(np.arange(61), np.arange(26), np.arange(101) * 100_000, indexing="ij")
    return tuple(axis.ravel() for axis in grid)


def test_every_whole_point_input_is_on_the_right_side_where_floats_are_not() -> None:
    """C5: days 0 to 60, orders 0 to 25, spend in whole 1,000 CNY up to 100,000: 160,186 customers."""
    days, orders, cents = _whole_points()
    columns = {
        "days_since_last_order": Column(days),
        "orders_90d": Column(orders),
        "spend_90d": Column(cents),
    }
    tenths = 3 * np.maximum(0, 100 - 2 * days) + 4 * np.minimum(100, 5 * orders) + 3 * (cents // 100_000)
    exact = 1 + sum((tenths >= 10 * cut).astype(int) for cut in (40, 60, 75, 90))

    found = evaluate(GRADE, columns, as_of_us=0, rows=days.size)

    assert days.size == 160_186
    assert np.array_equal(found.ranks, exact)
    assert np.array_equal(found.micro_scores, tenths * 100_000)
    assert int((_float_ranks(days, orders, cents) != exact).sum()) == MISPLACED_BY_FLOATS


def _float_ranks(days: NDArray[Any], orders: NDArray[Any], cents: NDArray[Any]) -> NDArray[Any]:
    recency, frequency = np.maximum(0, 100 - days * 2), np.minimum(100, orders * 5)
    money = np.minimum(100, cents / 100 / 1000)
    score = recency * 0.3 + frequency * 0.4 + money * 0.3
    ranks: NDArray[Any] = 1 + sum((score >= cut).astype(int) for cut in (40, 60, 75, 90))
    return ranks


def test_the_greatest_amounts_stay_exact() -> None:
    """With a share the score is multiplied by up to 2^36 cents, which still fits 64 bits."""
    most = {name: fact.hi for name, fact in INPUTS.items()} | {"days_since_last_order": 0}

    found = _ranks_and_scores(READINGS[HighMarginMode.BONUS_CAPPED], [most])

    assert found == [(5, 100_000_000, False)]


@pytest.mark.parametrize(
    ("words", "inputs", "code"),
    [
        ("missing", {k: v for k, v in INPUTS.items() if k != "spend_90d"}, ErrorCode.UNKNOWN_FACT),
        ("unknown", INPUTS | {"spend_90d": Fact("spend_90d", 0, 9, nullable=True)}, ErrorCode.INVALID),
        ("too great", INPUTS | {"spend_90d": Fact("spend_90d", 0, 2**62)}, ErrorCode.OUT_OF_RANGE),
    ],
)
def test_a_fact_that_cannot_be_scored_exactly_is_refused(
    words: str, inputs: dict[str, Fact], code: ErrorCode
) -> None:
    with pytest.raises(DomainError) as caught:
        read_rule(kuailv_rule(), inputs)

    assert caught.value.code == code


def test_customers_who_never_ordered_may_be_given_no_tier() -> None:
    rule = replace(kuailv_rule(), never_ordered_tier=None)

    assert _ranks_and_scores(read_rule(rule), [NEVER]) == [(0, 0, True)]
    assert stand(rule, NEVER).tier is None
