"""Every shipped policy comes out as its own examples say, and keeps the laws of a ladder."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tier_cases import any_facts, columns_of, ordering_facts, preset_rule, ranking_of, unhurried

from domain.standings.compute_standings import ActivePolicy, Measures, active_policies
from domain.standings.looks import BatchLook
from domain.tiers.evaluation import evaluate, read_rule
from domain.tiers.evidence import evidence_of
from domain.tiers.exact import micro
from domain.tiers.measure import BandsMeasure, Combination, RankMeasure
from domain.tiers.policy import TierExample, TierPolicy, TierRule
from domain.tiers.presets import PRESETS
from domain.tiers.presets.chuanwei_value import chuanwei_rule
from domain.tiers.presets.xiaoxiang_layer import xiaoxiang_rule
from domain.tiers.purchase import Purchase, facts_after
from domain.tiers.standing import stand

Facts = Mapping[str, int | None]
AS_OF = datetime(2026, 6, 1, 16, tzinfo=UTC)
EXAMPLES = [
    pytest.param(preset_rule(policy), example, id=f"{policy.code} {number} {example.tier}")
    for policy in PRESETS
    for number, example in enumerate(policy.examples)
]
every_policy = pytest.mark.parametrize("policy", PRESETS, ids=lambda policy: policy.code)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_worked_example_comes_out_to_the_digit(rule: TierRule, example: TierExample) -> None:
    standing = stand(rule, example.facts)

    assert (standing.tier.code if standing.tier else None) == example.tier
    assert standing.score == example.score
    assert standing.never_ordered is example.never_ordered
    if example.points:
        assert tuple(part.points for part in standing.parts) == tuple(map(Fraction, example.points))
    assert tuple(part.tier.code for part in standing.parts if part.tier) == example.part_tiers


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_worked_example_comes_out_among_millions(rule: TierRule, example: TierExample) -> None:
    found = evaluate(read_rule(rule), columns_of([example.facts]), as_of_us=0, rows=1)

    tier = rule.find_tier(example.tier)
    assert found.ranks.tolist() == [tier.rank if tier else 0]
    assert found.micro_scores.tolist() == [micro(Fraction(example.score or 0))]


@every_policy
def test_every_tier_is_in_an_example_and_has_a_name_in_both_languages(policy: TierPolicy) -> None:
    tiers = policy.versions[0].rule.tiers

    assert {tier.code for tier in tiers} <= {example.tier for example in policy.examples}
    assert all(tier.name.zh and tier.name.en for tier in tiers)
    assert all(benefit.words.zh and benefit.words.en for tier in tiers for benefit in tier.benefits)
    assert any(example.never_ordered for example in policy.examples)


@every_policy
@unhurried
@given(customers=st.lists(any_facts, min_size=1, max_size=20), others=st.lists(ordering_facts, max_size=40))
def test_many_at_once_equal_each_alone(
    policy: TierPolicy, customers: list[Facts], others: list[Facts]
) -> None:
    rule = ranking_of(policy.versions[0].rule, [*customers, *others])
    each = [stand(rule, customer) for customer in customers]

    found = evaluate(read_rule(rule), columns_of(customers), as_of_us=0, rows=len(customers))

    assert found.ranks.tolist() == [one.rank for one in each]
    assert found.micro_scores.tolist() == [micro(one.score or Fraction(0)) for one in each]
    assert found.never_ordered.tolist() == [one.never_ordered for one in each]


@every_policy
@unhurried
@given(customers=st.lists(any_facts, min_size=1, max_size=20))
def test_the_record_of_a_decision_is_the_same_from_columns_and_from_a_standing(
    policy: TierPolicy, customers: list[Facts]
) -> None:
    rule = ranking_of(policy.versions[0].rule, customers)
    version = replace(policy.versions[0], rule=rule)
    looks = looks_at(active_policies({0: (1, version)})[0], customers)

    for look, facts in zip(looks, customers, strict=True):
        assert look.evidence(as_of=AS_OF) == evidence_of(version, stand(rule, facts), as_of=AS_OF)


def looks_at(policy: ActivePolicy, customers: list[Facts]) -> list[BatchLook]:
    columns, rows = columns_of(customers), len(customers)
    found = evaluate(policy.reading, columns, as_of_us=0, rows=rows)
    measures = Measures(
        as_of=AS_OF,
        facts=columns,
        facts_digest=np.zeros(rows, np.int64),
        columns=columns,
        raw_ranks=found.ranks.astype(np.uint8)[:, None],
        micro_scores=found.micro_scores[None, :],
        versions=np.ones((rows, 1), np.uint8),
    )
    return [BatchLook(measures, place, policy) for place in range(rows)]


@pytest.mark.parametrize("combination", Combination)
@unhurried
@given(customers=st.lists(any_facts, min_size=1, max_size=20))
def test_bands_are_combined_alike_by_both_readers(combination: Combination, customers: list[Facts]) -> None:
    rule = chuanwei_rule(combination)

    found = evaluate(read_rule(rule), columns_of(customers), as_of_us=0, rows=len(customers))

    assert found.ranks.tolist() == [stand(rule, customer).rank for customer in customers]


@every_policy
@unhurried
@given(
    facts=ordering_facts,
    orders=st.integers(0, 30),
    cents=st.integers(0, 20_000_000),
    refreshes=st.booleans(),
    others=st.lists(ordering_facts, max_size=30),
)
def test_buying_more_or_later_never_lowers_a_tier(
    policy: TierPolicy, facts: Facts, orders: int, cents: int, refreshes: bool, others: list[Facts]
) -> None:
    rule = ranking_of(policy.versions[0].rule, [facts, *others])
    more = facts_after(facts, Purchase(orders=orders, spend_cents=cents, refreshes=refreshes))

    assert stand(rule, more).rank >= stand(rule, facts).rank


@every_policy
@unhurried
@given(facts=any_facts, days=st.integers(0, 400))
def test_silence_never_raises_a_tier(policy: TierPolicy, facts: dict[str, int | None], days: int) -> None:
    rule, last = preset_rule(policy), facts["days_since_last_order"]
    if last is not None:
        assert stand(rule, facts | {"days_since_last_order": last + days}).rank <= stand(rule, facts).rank


@every_policy
@unhurried
@given(facts=any_facts)
def test_everybody_has_at_most_one_tier_and_always_the_same(policy: TierPolicy, facts: Facts) -> None:
    rule = preset_rule(policy)
    standing = stand(rule, facts)

    assert stand(rule, facts) == standing
    has_tier = policy.code != "xiaoxiang_layer" or not standing.never_ordered
    assert (standing.tier is not None) is has_tier


@pytest.mark.parametrize(
    ("combination", "tiers", "expected"),
    [
        (Combination.MEDIAN, (60_000, 18, 100), "MID"),
        (Combination.ALL, (60_000, 18, 100), "LOW"),
        (Combination.FIRST, (60_000, 18, 100), "HIGH"),
        (Combination.ALL, (60_000, 36, 30), "HIGH"),
        (Combination.FIRST, (9_000, 36, 30), "LOW"),
    ],
)
def test_dimensions_are_combined_in_three_ways(
    combination: Combination, tiers: tuple[int, int, int], expected: str
) -> None:
    """S1-5; 18 orders in 365 days are 1.5 a month, 36 are more than 3."""
    spend_cny, orders, days = tiers
    facts = {
        "spend_365d": spend_cny * 100,
        "orders_365d": orders,
        "days_since_first_order": 365,
        "days_since_last_order": days,
    }

    standing = stand(chuanwei_rule(combination), facts)

    assert standing.tier is not None
    assert standing.tier.code == expected


def test_the_middle_of_two_is_the_lower_one() -> None:
    measure = chuanwei_rule().measure
    assert isinstance(measure, BandsMeasure)

    assert BandsMeasure(measure.dimensions[:2]).needed == 2
    assert BandsMeasure(measure.dimensions).needed == 2
    assert BandsMeasure((*measure.dimensions, measure.dimensions[0])).needed == 3


def _everybody(count: int, *, days: int) -> list[Facts]:
    """Customer n has n orders of 10 CNY, and all bought last on the same day."""
    return [
        {
            "orders_all_time": n,
            "spend_all_time": n * 1_000,
            "days_since_last_order": days,
            "last_order_at": 1_000 * n,
            "customer_id": n,
        }
        for n in range(1, count + 1)
    ]


def test_shares_hold_where_nobody_is_silent() -> None:
    """S4-4: of 1,000 customers 50 are platinum and 200 gold."""
    customers = _everybody(1_000, days=3)
    rule = ranking_of(xiaoxiang_rule(), customers)

    found = evaluate(read_rule(rule), columns_of(customers), as_of_us=0, rows=1_000)

    assert np.bincount(found.ranks, minlength=6).tolist() == [0, 0, 0, 750, 200, 50]


def test_places_that_silence_frees_are_not_filled() -> None:
    """S4-4: the best 100 of 1,000 fell silent, so nobody is platinum and 150 instead of 200 are gold."""
    customers = _everybody(900, days=3) + _everybody(1_000, days=70)[900:]
    rule = ranking_of(xiaoxiang_rule(), customers)

    found = evaluate(read_rule(rule), columns_of(customers), as_of_us=0, rows=1_000)

    assert np.bincount(found.ranks, minlength=6).tolist() == [0, 0, 0, 850, 150, 0]


def test_before_the_first_ranking_nobody_has_a_place() -> None:
    rule = xiaoxiang_rule()
    customers = _everybody(100, days=3)

    found = evaluate(read_rule(rule), columns_of(customers), as_of_us=0, rows=100)

    assert set(found.ranks.tolist()) == {3}
    assert stand(rule, customers[-1]).score is None
    assert found.micro_scores.tolist() == [0] * 100


def test_a_share_of_too_few_customers_is_nobody() -> None:
    """5 % of 19 customers are none, 25 % are four."""
    measure = ranking_of(xiaoxiang_rule(), _everybody(19, days=3)).measure

    assert isinstance(measure, RankMeasure)
    assert measure.frozen is not None
    assert set(measure.frozen.cuts) == {"GOLD"}
