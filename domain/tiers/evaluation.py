"""A rule read for any number of customers at once: every tier becomes one test, and the highest that holds is it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.conditions.catalogue import intern
from domain.conditions.expression import Compare, Condition, ConditionRefused, Constant, Known
from domain.conditions.numpy_reader import Column, NumpyReader
from domain.customers.facts import CONDITION_INPUTS
from domain.errors import DomainError
from domain.tiers.exact import MICRO
from domain.tiers.measure import ORDERED_FACT, RankMeasure
from domain.tiers.measure_reading import (
    MEASURE_PATH,
    Inputs,
    ScoreExpression,
    gated,
    rank_name,
    read_measure,
    usable_fact,
)
from domain.tiers.policy import TierRule
from domain.tiers.ranking import FrozenRanking


@dataclass(frozen=True, slots=True)
class RuleReading:
    """A rule ready to be read: a customer has the highest tier whose test holds; `rank_tests[i]` is that of
    rank i + 1. `score` None: the measure has none. `ranking` None: nothing is ranked."""

    rule: TierRule
    score: ScoreExpression | None
    rank_tests: tuple[Condition, ...]
    has_ordered: Condition
    shared: frozenset[int]
    ranking: FrozenRanking | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`ranks`: 0 is no tier. `micro_scores`: millionths of a point, cut; 0 for those who never ordered and
    where the measure has no score."""

    ranks: NDArray[np.int8]
    micro_scores: NDArray[np.int64]
    never_ordered: NDArray[np.bool_]


def read_rule(rule: TierRule, inputs: Inputs = CONDITION_INPUTS) -> RuleReading:
    """*Errors*: DomainError when a fact is missing or may be unknown, or a number could leave 64 bits."""
    has_ordered = Known(usable_fact(ORDERED_FACT, inputs))
    try:
        score, tests = read_measure(rule, inputs, has_ordered)
        tests = [gated(test, tier, inputs) for test, tier in zip(tests, rule.tiers, strict=True)]
    except ConditionRefused as error:
        raise DomainError(error.code, error.message, MEASURE_PATH) from error
    # the numerator goes through the pool with the tests: a reader computes it once for tiers and scores
    beside = [Compare(">=", score.numerator, Constant(0))] if score else []
    catalogue = intern([*tests, *beside])
    rank_tests = catalogue.conditions[: len(tests)]
    if score and isinstance(shared := catalogue.conditions[-1], Compare):
        score = ScoreExpression(shared.left, score.divisor, score.scale)
    return RuleReading(rule, score, rank_tests, has_ordered, catalogue.shared, _ranking_of(rule))


def _ranking_of(rule: TierRule) -> FrozenRanking | None:
    return rule.measure.frozen if isinstance(rule.measure, RankMeasure) else None


def evaluate(reading: RuleReading, columns: Mapping[str, Column], *, as_of_us: int, rows: int) -> Evaluation:
    """*Cost*: about 15 numpy operations; blocks of 8,000 to 16,000 rows stay in the processor's cache."""
    reader = NumpyReader(with_ranks(reading, columns), as_of_us, rows, reading.shared)
    never_ordered = ~reader.condition(reading.has_ordered)
    ranks = np.zeros(rows, np.int8)
    for tier, test in zip(reading.rule.tiers, reading.rank_tests, strict=True):
        ranks[reader.condition(test)] = tier.rank
    base = reading.rule.find_tier(reading.rule.never_ordered_tier)
    ranks[never_ordered] = base.rank if base else 0
    micro_scores = _micro_scores(reading.score, reader)
    micro_scores[never_ordered] = 0
    return Evaluation(ranks, micro_scores, never_ordered)


def with_ranks(reading: RuleReading, columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """The columns and, for a ranking, the doubled rank of each ranked fact."""
    measure = reading.rule.measure
    if reading.ranking is None or not isinstance(measure, RankMeasure):
        return columns
    ranked = {}
    for quantity, fact in zip(measure.quantities, reading.ranking.facts, strict=True):
        ranked[rank_name(quantity.fact)] = Column(fact.doubled_ranks(columns[quantity.fact].values))
    return {**columns, **ranked}


def _micro_scores(score: ScoreExpression | None, reader: NumpyReader) -> NDArray[np.int64]:
    """Floors of the exact scores. Divided in two steps, because numerator * 1,000,000 leaves 64 bits."""
    if score is None:
        return np.zeros(reader.rows, np.int64)
    numerator, divisor = (
        np.broadcast_to(np.asarray(reader.number(number)[0], np.int64), reader.rows)
        for number in (score.numerator, score.divisor)
    )
    whole, rest = np.divmod(numerator, divisor)
    micro: NDArray[np.int64] = (whole * MICRO + rest * MICRO // divisor) // score.scale
    return micro


def tier_lookup(
    rules: Mapping[str, TierRule], ranks: Mapping[str, NDArray[np.int8]], *, rows: int
) -> Callable[[str, tuple[str, ...]], NDArray[np.bool_]]:
    """What conditions ask when they test tiers; a policy that is not active has nobody in any tier (C6)."""

    def tier_in(policy: str, codes: tuple[str, ...]) -> NDArray[np.bool_]:
        rule = rules.get(policy)
        if rule is None:
            return np.zeros(rows, np.bool_)
        wanted = [tier.rank for tier in rule.tiers if tier.code in codes]
        return np.isin(ranks[policy], wanted)

    return tier_in
