"""A rule read for any number of customers at once, as exact integers in the condition language.

The score is kept as a fraction `numerator / (scale * divisor)` of integers. A tier test multiplies across
(`numerator >= threshold * scale * divisor`), so nothing is ever rounded on the way to a tier (C5).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from domain.conditions.catalogue import intern
from domain.conditions.expression import (
    Compare,
    Condition,
    ConditionRefused,
    Constant,
    Fact,
    Known,
    Moment,
    Number,
)
from domain.conditions.numpy_reader import Column, NumpyReader
from domain.customers.facts import CONDITION_INPUTS
from domain.errors import DomainError, ErrorCode
from domain.tiers.exact import MICRO
from domain.tiers.policy import Tier, TierPart, TierRule
from domain.tiers.standing import ORDERED_FACT

SCORE_PATH = ("measure", "score")
MAXIMUM_SCALE = 10**10
"""Beyond it millionths of a score no longer fit 64 bits on their way to being shown."""


@dataclass(frozen=True, slots=True)
class ScoreExpression:
    """`numerator / (scale * divisor)`; the divisor is at least 1 and only shares have another than 1."""

    numerator: Number
    divisor: Number
    scale: int


@dataclass(frozen=True, slots=True)
class RuleReading:
    """A rule ready to be read: `rank_tests[i]` is true for customers of at least the tier of rank i + 1."""

    rule: TierRule
    score: ScoreExpression
    rank_tests: tuple[Condition, ...]
    has_ordered: Condition
    shared: frozenset[int]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`ranks`: 0 is no tier. `micro_scores`: millionths of a point, cut; 0 for those who never ordered."""

    ranks: NDArray[np.int8]
    micro_scores: NDArray[np.int64]
    never_ordered: NDArray[np.bool_]


def read_rule(rule: TierRule, inputs: Mapping[str, Fact | Moment] = CONDITION_INPUTS) -> RuleReading:
    """*Errors*: DomainError when a fact is missing or may be unknown, or the score could leave 64 bits."""
    facts = {name: _usable_fact(name, inputs) for name in (ORDERED_FACT, *rule.fact_names())}
    try:
        score = score_expression(rule, facts)
        tests = tuple(_rank_test(tier, score, facts) for tier in rule.tiers)
    except ConditionRefused as error:
        raise DomainError(error.code, error.message, SCORE_PATH) from error
    catalogue = intern(tests)
    score = _with_interned_numerator(score, catalogue.conditions)
    return RuleReading(rule, score, catalogue.conditions, Known(facts[ORDERED_FACT]), catalogue.shared)


def evaluate(reading: RuleReading, columns: Mapping[str, Column], *, as_of_us: int, rows: int) -> Evaluation:
    """*Cost*: about 15 numpy operations; blocks of 8,000 to 16,000 rows stay in the processor's cache."""
    reader = NumpyReader(columns, as_of_us, rows, reading.shared)
    never_ordered = ~reader.condition(reading.has_ordered)
    ranks = np.zeros(rows, np.int8)
    for test in reading.rank_tests:
        ranks += reader.condition(test).view(np.int8)
    base = reading.rule.find_tier(reading.rule.never_ordered_tier)
    ranks[never_ordered] = base.rank if base else 0
    micro_scores = _micro_scores(reading, reader)
    micro_scores[never_ordered] = 0
    return Evaluation(ranks, micro_scores, never_ordered)


def score_expression(rule: TierRule, inputs: Mapping[str, Fact]) -> ScoreExpression:
    scale = _scale(rule)
    divisor = _divisor(rule, inputs)
    terms = [_term(part, scale, divisor, inputs) for part in rule.parts]
    numerator = terms[0]
    for term in terms[1:]:
        numerator = numerator + term
    if any(part.bonus for part in rule.parts):
        numerator = numerator.least(divisor * _whole(rule.score_cap * scale))
    return ScoreExpression(numerator, divisor, scale)


def _with_interned_numerator(score: ScoreExpression, tests: tuple[Condition, ...]) -> ScoreExpression:
    """The very object that the tests share, so that a reader computes it once for tiers and scores."""
    lefts = (test.left for test in tests if isinstance(test, Compare))
    return ScoreExpression(next(lefts, score.numerator), score.divisor, score.scale)


def _usable_fact(name: str, inputs: Mapping[str, Fact | Moment]) -> Fact:
    fact = inputs.get(name)
    if not isinstance(fact, Fact):
        raise DomainError(ErrorCode.UNKNOWN_FACT, f"there is no number {name!r}: choose another", SCORE_PATH)
    if fact.nullable and name != ORDERED_FACT:
        message = f"{name} may be unknown: score a fact that everybody has"
        raise DomainError(ErrorCode.INVALID, message, SCORE_PATH)
    return fact


def _scale(rule: TierRule) -> int:
    """The smallest number that turns every coefficient and threshold into an integer."""
    fractions = [
        part.weight * value for part in rule.parts for value in (part.base, part.slope, part.floor, part.cap)
    ]
    fractions += [Fraction(tier.threshold) for tier in rule.tiers if tier.threshold is not None]
    scale = lcm(rule.score_cap.denominator, *(fraction.denominator for fraction in fractions))
    if scale > MAXIMUM_SCALE:
        raise DomainError(ErrorCode.TOO_COMPLEX, "the weights have too many digits: round them", SCORE_PATH)
    return scale


def _divisor(rule: TierRule, inputs: Mapping[str, Fact]) -> Number:
    wholes = {part.per for part in rule.parts if part.per}
    return inputs[wholes.pop()].greatest(1) if wholes else Constant(1)


def _term(part: TierPart, scale: int, divisor: Number, inputs: Mapping[str, Fact]) -> Number:
    """weight * points * scale * divisor, as integers."""
    base, slope, floor, cap = (
        _whole(part.weight * value * scale) for value in (part.base, part.slope, part.floor, part.cap)
    )
    if part.per is None:
        line = _clamped(inputs[part.fact] * slope + base, Constant(floor), Constant(cap))
        return _times(line, divisor)
    return _clamped(inputs[part.fact] * slope + divisor * base, divisor * floor, divisor * cap)


def _clamped(line: Number, floor: Number, cap: Number) -> Number:
    """The clamps that the bounds of the fact make needless are left out: fewer columns to touch."""
    if line.lo < floor.hi:
        line = line.greatest(floor)
    return line.least(cap) if line.hi > cap.lo else line


def _times(line: Number, divisor: Number) -> Number:
    return line if divisor == Constant(1) else line * divisor


def _rank_test(tier: Tier, score: ScoreExpression, inputs: Mapping[str, Fact]) -> Condition:
    if tier.threshold is None:
        return Known(inputs[ORDERED_FACT])
    cut = _whole(Fraction(tier.threshold) * score.scale)
    required = _times(Constant(cut), score.divisor)
    return Compare(">=" if tier.threshold_inclusive else ">", score.numerator, required)


def _micro_scores(reading: RuleReading, reader: NumpyReader) -> NDArray[np.int64]:
    """Floors of the exact scores. Divided in two steps, because numerator * 1,000,000 leaves 64 bits."""
    numerator, divisor = (
        np.broadcast_to(np.asarray(reader.number(number)[0], np.int64), reader.rows)
        for number in (reading.score.numerator, reading.score.divisor)
    )
    whole, rest = np.divmod(numerator, divisor)
    micro: NDArray[np.int64] = (whole * MICRO + rest * MICRO // divisor) // reading.score.scale
    return micro


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise ValueError(f"{value} is not an integer: the scale is wrong")
    return value.numerator


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
