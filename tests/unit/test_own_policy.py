"""A policy that no code knows: made as JSON, checked, read for many and for one, explained."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tier_cases import NEVER, any_facts, columns_of, ordering_facts, ranking_of, unhurried

from domain.errors import DomainError, ErrorCode
from domain.tiers.evaluation import evaluate, read_rule
from domain.tiers.evidence import evidence_of
from domain.tiers.explanation import explain_standing
from domain.tiers.policy import TierPolicyVersion, TierRule, VersionStatus
from domain.tiers.progress import progress
from domain.tiers.rule_check import require_sound, rule_problems
from domain.tiers.rule_json import rule_from_json, rule_to_json
from domain.tiers.standing import stand

SILENCE = {
    "code": "R",
    "words": "距上次下单天数",
    "wordsEn": "days since the last order",
    "fact": "days_since_last_order",
    "per": None,
}
AS_OF = datetime(2026, 11, 22, 16, tzinfo=UTC)
TIMING = {"cadence": "DAILY", "qualificationDays": 90}


def _tier(rank: int, code: str, **more: Any) -> dict[str, Any]:
    plain = {"threshold": None, "inclusive": True, "targetShare": None, "benefits": []}
    return plain | {"code": code, "name": code, "nameEn": code.title(), "rank": rank} | more


# Mean order and share of high-margin goods, in bands; the best tier also asks for a recent order.
BASKETS = {
    "measure": {
        "bands": [
            {
                "code": "basket",
                "words": "客单价",
                "wordsEn": "mean order",
                "fact": "spend_90d",
                "per": "orders_90d",
                "steps": [
                    {"tier": "FAIR", "operator": ">=", "value": "10000"},
                    {"tier": "FINE", "operator": ">", "value": "40000"},
                ],
            },
            {
                "code": "margin",
                "words": "高毛利占比",
                "wordsEn": "high-margin share",
                "fact": "high_margin_spend_90d",
                "per": "line_spend_90d",
                "steps": [
                    {"tier": "FAIR", "operator": ">=", "value": "0.1"},
                    {"tier": "FINE", "operator": ">=", "value": "1/3"},
                ],
            },
        ],
        "combine": "ALL",
    },
    "tiers": [
        _tier(1, "PLAIN"),
        _tier(2, "FAIR"),
        _tier(3, "FINE", gates=[SILENCE | {"operator": "<", "value": "15"}]),
    ],
    "neverOrderedTier": None,
    "almostThereGap": None,
    "timing": TIMING,
}
# A top tenth by spend of 90 days that also ordered three times; everybody else who is not silent is regular.
TOP = {
    "measure": {
        "rank": [{"code": "M", "words": "消费", "wordsEn": "spend", "fact": "spend_90d", "per": None}]
    },
    "tiers": [
        _tier(1, "ASLEEP"),
        _tier(2, "REGULAR", gates=[SILENCE | {"operator": "<=", "value": "45"}]),
        _tier(
            3,
            "TOP",
            threshold="0.1",
            gates=[
                SILENCE | {"operator": "<=", "value": "45"},
                {"code": "F", "words": "下单", "wordsEn": "orders", "fact": "orders_90d", "per": None}
                | {"operator": ">=", "value": "3"},
            ],
        ),
    ],
    "neverOrderedTier": "ASLEEP",
    "almostThereGap": None,
    "timing": TIMING,
}
# A score with a gate: 1 point a CNY of 30 days, but the best tier is closed to the silent.
GATED_SCORE = {
    "measure": {
        "score": [
            {
                "code": "spend",
                "words": "消费",
                "wordsEn": "Spend",
                "fact": "spend_30d",
                "per": None,
                "base": "0",
                "slope": "1/100",
                "floor": "0",
                "cap": None,
                "weight": "1",
                "bonus": False,
            }
        ]
    },
    "scoreCap": "100",
    "tiers": [
        _tier(1, "LOW"),
        _tier(2, "TOP", threshold="300", gates=[SILENCE | {"operator": "<=", "value": "7"}]),
    ],
    "neverOrderedTier": "LOW",
    "almostThereGap": "20",
    "timing": TIMING,
}
DOCUMENTS = {"baskets": BASKETS, "top": TOP, "gated score": GATED_SCORE}
every_document = pytest.mark.parametrize("name", DOCUMENTS)


def _rule(name: str) -> TierRule:
    return require_sound(rule_from_json(json.loads(json.dumps(DOCUMENTS[name]))))


@every_document
def test_it_survives_json_without_losing_a_digit(name: str) -> None:
    rule = _rule(name)

    assert rule_from_json(json.loads(json.dumps(rule_to_json(rule)))) == rule


@every_document
@unhurried
@given(customers=st.lists(any_facts, min_size=1, max_size=20), others=st.lists(ordering_facts, max_size=20))
def test_many_at_once_equal_each_alone(name: str, customers: list[Any], others: list[Any]) -> None:
    rule = ranking_of(_rule(name), [*customers, *others])

    found = evaluate(read_rule(rule), columns_of(customers), as_of_us=0, rows=len(customers))

    assert found.ranks.tolist() == [stand(rule, customer).rank for customer in customers]


@every_document
@unhurried
@given(facts=any_facts)
def test_it_explains_itself_and_shows_a_way_up(name: str, facts: dict[str, int | None]) -> None:
    rule = ranking_of(_rule(name), [facts])
    version = TierPolicyVersion(
        policy_code="own", number=1, status=VersionStatus.ACTIVE, effective_from=None, rule=rule
    )
    standing = stand(rule, facts)

    found = explain_standing(rule, standing, AS_OF)

    assert standing.tier is None or standing.tier.name.en in found.words.en
    assert found.checks
    assert progress(rule, standing, usual_basket_cents=5_000).next_tier == rule.goal_above(standing.rank)
    assert (
        evidence_of(version, standing, as_of=AS_OF)["facts"]["days_since_last_order"]
        == (facts["days_since_last_order"])
    )


def test_mean_order_and_share_are_read_exactly() -> None:
    """3 orders of 1,200.01 CNY are more than 400.00 each; a third is a third."""
    facts = NEVER | {
        "days_since_last_order": 14,
        "orders_90d": 3,
        "spend_90d": 120_001,
        "line_spend_90d": 3,
        "high_margin_spend_90d": 1,
    }
    rule = _rule("baskets")

    assert stand(rule, facts).rank == 3
    assert stand(rule, facts | {"spend_90d": 120_000}).rank == 2
    assert stand(rule, facts | {"high_margin_spend_90d": 0}).rank == 1
    assert stand(rule, facts | {"days_since_last_order": 15}).rank == 2
    assert explain_standing(rule, stand(rule, facts), AS_OF).words.en == (
        "Taken together Fine: mean order 400.00 (Fine), high-margin share 0.333333 (Fine), "
        "days since the last order 14"
    )


def _with(name: str, path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    document = deepcopy(DOCUMENTS[name])
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


BASKET = ("measure", "bands", 0)


@pytest.mark.parametrize(
    ("words", "document", "code", "message"),
    [
        (
            "overlapping steps",
            _with("baskets", (*BASKET, "steps", 1, "value"), "10000"),
            None,
            None,
        ),
        (
            "steps the wrong way round",
            _with("baskets", (*BASKET, "steps", 1, "value"), "9999"),
            ErrorCode.THRESHOLDS_OVERLAP,
            "FINE must begin beyond FAIR: move its step of basket",
        ),
        (
            "a step that is missing",
            _with("baskets", (*BASKET, "steps"), BASKETS["measure"]["bands"][0]["steps"][:1]),  # type: ignore[index]
            ErrorCode.THRESHOLDS_GAP,
            "basket needs a step for each tier but the lowest, from the lowest up",
        ),
        (
            "a threshold in bands",
            _with("baskets", ("tiers", 1, "threshold"), "5"),
            ErrorCode.INVALID,
            "FAIR has a threshold, but bands have none: use the steps of the dimensions",
        ),
        (
            "a cut below zero",
            _with("baskets", (*BASKET, "steps", 0, "value"), "-1"),
            ErrorCode.OUT_OF_RANGE,
            "a cut of basket must not be below 0",
        ),
        (
            "a share in percent",
            _with("top", ("tiers", 2, "threshold"), "10"),
            ErrorCode.OUT_OF_RANGE,
            "the top share of TOP must lie between 0 and 1, such as 0.05",
        ),
        (
            "a tier that asks for nothing",
            _with("top", ("tiers", 1, "gates"), []),
            ErrorCode.REQUIRED,
            "only the lowest tier may lack a threshold: give REGULAR one",
        ),
        (
            "a ranking of nothing",
            _with("top", ("measure", "rank"), []),
            ErrorCode.REQUIRED,
            "a ranking needs at least one fact: add one",
        ),
        (
            "no dimensions",
            _with("baskets", ("measure", "bands"), []),
            ErrorCode.REQUIRED,
            "bands need at least one dimension: add one",
        ),
        (
            "a cut nobody can reach",
            _with("top", ("tiers", 2, "gates", 1, "value"), "3000000000"),
            ErrorCode.TIER_UNREACHABLE,
            "nobody can be TOP: orders_90d is never above 2147483647: lower its cut",
        ),
    ],
)
def test_a_mistake_is_named(
    words: str, document: dict[str, Any], code: ErrorCode | None, message: str | None
) -> None:
    problems = rule_problems(rule_from_json(document))

    assert [problem.code for problem in problems[:1]] == ([code] if code else [])
    assert message is None or problems[0].message == message


@pytest.mark.parametrize(
    ("words", "document", "message"),
    [
        (
            "no measure of a known kind",
            _with("top", ("measure",), {"luck": []}),
            "the measure is none of score, bands and rank: give one of them as a list",
        ),
        (
            "an operator nobody knows",
            _with("top", ("tiers", 1, "gates", 0, "operator"), "=>"),
            "'=>' is not a operator: correct it",
        ),
    ],
)
def test_a_document_that_is_no_rule_is_refused(words: str, document: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as caught:
        rule_from_json(document)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("words", "fact", "code"),
    [
        ("nobody knows it", "luck_90d", ErrorCode.UNKNOWN_FACT),
        ("it may be unknown", "median_order_interval", ErrorCode.INVALID),
        ("it is a moment", "last_order_at", ErrorCode.UNKNOWN_FACT),
    ],
)
def test_a_fact_that_cannot_be_measured_is_refused(words: str, fact: str, code: ErrorCode) -> None:
    rule = rule_from_json(_with("top", ("measure", "rank", 0, "fact"), fact))

    with pytest.raises(DomainError) as caught:
        read_rule(rule)

    assert caught.value.code is code
