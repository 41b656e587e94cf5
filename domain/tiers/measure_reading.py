"""Measures as tests and scores of the condition language, in exact integers.

A score is a fraction `numerator / (scale * divisor)` of integers and a quantity an integer by an integer; tests
multiply across, so nothing is ever rounded on the way to a tier (C5). A place in a ranking enters as one more
column for each ranked fact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import lcm

from domain.conditions.expression import (
    INT64,
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Fact,
    Moment,
    Number,
)
from domain.customers.fact_values import MONTH_DAYS
from domain.errors import DomainError, ErrorCode
from domain.tiers.exact import MICRO
from domain.tiers.measure import (
    FIRST_ORDER_AGE,
    ORDERED_FACT,
    TENURE,
    BandsMeasure,
    Cut,
    Gate,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    TierPart,
)
from domain.tiers.policy import Tier, TierRule
from domain.tiers.ranking import Place

MEASURE_PATH = ("measure",)
SCORE_PATH = ("measure", "score")
MAXIMUM_SCALE = 10**10
"""Beyond it millionths of a score no longer fit 64 bits on their way to being shown."""
MAXIMUM_DIMENSIONS = 5
"""A median of more would be too many tests."""
MAXIMUM_RANK = 2**33
"""Doubled ranks of up to four thousand million customers."""
LAST_ORDER = Moment("last_order_at")
CUSTOMER = Fact("customer_id", 0, 2**63 - 1)

Inputs = Mapping[str, Fact | Moment]


@dataclass(frozen=True, slots=True)
class ScoreExpression:
    """`numerator / (scale * divisor)`; the divisor is at least 1 and only shares have another than 1."""

    numerator: Number
    divisor: Number
    scale: int


def rank_name(fact: str) -> str:
    """The column of the doubled rank of a fact; no fact has such a name."""
    return f"rank of {fact}"


def read_measure(
    rule: TierRule, inputs: Inputs, always: Condition
) -> tuple[ScoreExpression | None, list[Condition]]:
    """The score, and a test for each tier; `always` is that of a tier without a threshold."""
    match rule.measure:
        case ScoreMeasure() as measure:
            facts = {name: usable_fact(name, inputs) for name in measure.fact_names()}
            score = score_expression(rule, facts)
            return score, [_score_test(tier, score) or always for tier in rule.tiers]
        case BandsMeasure() as measure:
            return None, [_bands_test(tier, measure, inputs) or always for tier in rule.tiers]
        case RankMeasure() as measure:
            for quantity in measure.quantities:
                usable_fact(quantity.fact, inputs)
            return _place_score(measure), [_place_test(tier, measure) or always for tier in rule.tiers]


def gated(test: Condition, tier: Tier, inputs: Inputs) -> Condition:
    gates = tuple(_gate_test(gate, inputs) for gate in tier.gates)
    return AllOf((test, *gates)) if gates else test


def _gate_test(gate: Gate, inputs: Inputs) -> Condition:
    return _cut_test(gate.quantity, gate.cut, inputs)


def _cut_test(quantity: Quantity, cut: Cut, inputs: Inputs) -> Condition:
    """`fact / per` against the cut, multiplied across."""
    fact = usable_fact(quantity.fact, inputs)
    whole, unit = _whole_and_unit(quantity, inputs)
    scaled = fact * (cut.value.denominator * unit) if cut.value.denominator * unit != 1 else fact
    return Compare(cut.operator, scaled, _times(Constant(cut.value.numerator), whole))


def _whole_and_unit(quantity: Quantity, inputs: Inputs) -> tuple[Number, int]:
    """What the fact is divided by, as `number / unit`. Months of tenure age with the customer, so they are
    read from the age itself: whoever asks when a tier changes by itself must see it."""
    if quantity.per is None:
        return Constant(1), 1
    if quantity.per == TENURE:
        days = usable_fact(FIRST_ORDER_AGE, inputs).least(365)
        return (days * MONTH_DAYS.denominator).greatest(MONTH_DAYS.numerator), MONTH_DAYS.numerator
    return usable_fact(quantity.per, inputs).greatest(1), 1


def _bands_test(tier: Tier, measure: BandsMeasure, inputs: Inputs) -> Condition | None:
    """Whether enough of the dimensions reach the tier."""
    if len(measure.dimensions) > MAXIMUM_DIMENSIONS:
        message = f"more than {MAXIMUM_DIMENSIONS} dimensions cannot be combined: use fewer"
        raise DomainError(ErrorCode.TOO_COMPLEX, message, MEASURE_PATH)
    tests = [
        _cut_test(dimension.quantity, cut, inputs)
        for dimension in measure.deciding
        if (cut := dimension.find_cut(tier.code)) is not None
    ]
    if not tests:
        return None
    enough = [AllOf(chosen) for chosen in combinations(tests, measure.needed)]
    return enough[0] if len(enough) == 1 else AnyOf(tuple(enough))


def _place_value(measure: RankMeasure) -> Number:
    ranks: list[Number] = [Fact(rank_name(one.fact), 0, MAXIMUM_RANK) for one in measure.quantities]
    total = ranks[0]
    for rank in ranks[1:]:
        total = total + rank
    return total


def _place_score(measure: RankMeasure) -> ScoreExpression | None:
    if measure.frozen is None:
        return None
    whole = measure.frozen.whole
    return ScoreExpression((_place_value(measure) * 100).least(100 * whole), Constant(1), whole)


def _place_test(tier: Tier, measure: RankMeasure) -> Condition | None:
    """Whether the customer stands no lower than the last one whom the night put inside the share."""
    if tier.threshold is None:
        return None
    place = measure.frozen.cuts.get(tier.code) if measure.frozen else None
    if place is None:
        return AnyOf(())
    return _at_least(place, _place_value(measure))


def _at_least(place: Place, value: Number) -> Condition:
    earlier = LAST_ORDER.compare(">=", place.newest_first) & (-place.lowest_id >= CUSTOMER)
    tied = (value >= place.value) & (LAST_ORDER.compare(">", place.newest_first) | earlier)
    return (value > place.value) | tied


def score_expression(rule: TierRule, inputs: Mapping[str, Fact]) -> ScoreExpression:
    """*Errors*: TypeError for a measure that has no parts."""
    measure = rule.measure
    if not isinstance(measure, ScoreMeasure):
        raise TypeError(measure)
    scale = _scale(rule, measure)
    divisor = _divisor(measure, inputs)
    terms = [_term(part, scale, divisor, inputs) for part in measure.parts]
    numerator = terms[0]
    for term in terms[1:]:
        numerator = numerator + term
    if any(part.bonus for part in measure.parts):
        numerator = numerator.least(divisor * _whole(measure.score_cap * scale))
    if sum(_most_points(part, inputs) for part in measure.parts) * scale * MICRO > INT64[1]:
        raise DomainError(ErrorCode.TOO_COMPLEX, "the score may grow too great: lower the slopes", SCORE_PATH)
    return ScoreExpression(numerator, divisor, scale)


def usable_fact(name: str, inputs: Inputs) -> Fact:
    """Whoever has ordered has both ages; others are never tested."""
    fact = inputs.get(name)
    if not isinstance(fact, Fact):
        raise DomainError(
            ErrorCode.UNKNOWN_FACT, f"there is no number {name!r}: choose another", MEASURE_PATH
        )
    if fact.nullable and name not in (ORDERED_FACT, FIRST_ORDER_AGE):
        message = f"{name} may be unknown: measure a fact that everybody has"
        raise DomainError(ErrorCode.INVALID, message, MEASURE_PATH)
    return fact


def _scale(rule: TierRule, measure: ScoreMeasure) -> int:
    """The smallest number that turns every coefficient and threshold into an integer."""
    fractions = [part.weight * value for part in measure.parts for value in _coefficients(part)]
    fractions += [Fraction(tier.threshold) for tier in rule.tiers if tier.threshold is not None]
    scale = lcm(measure.score_cap.denominator, *(fraction.denominator for fraction in fractions))
    if scale > MAXIMUM_SCALE:
        raise DomainError(ErrorCode.TOO_COMPLEX, "the weights have too many digits: round them", SCORE_PATH)
    return scale


def _coefficients(part: TierPart) -> tuple[Fraction, ...]:
    return tuple(value for value in (part.base, part.slope, part.floor, part.cap) if value is not None)


def _most_points(part: TierPart, inputs: Mapping[str, Fact]) -> Fraction:
    """A bound of the weighted points, from the cap or else from the fact."""
    most = part.cap if part.cap is not None else part.base + part.slope * inputs[part.fact].hi
    return part.weight * max(abs(most), abs(part.floor))


def _divisor(measure: ScoreMeasure, inputs: Mapping[str, Fact]) -> Number:
    wholes = {part.per for part in measure.parts if part.per}
    return inputs[wholes.pop()].greatest(1) if wholes else Constant(1)


def _term(part: TierPart, scale: int, divisor: Number, inputs: Mapping[str, Fact]) -> Number:
    """weight * points * scale * divisor, as integers."""
    base, slope, floor = (
        _whole(part.weight * value * scale) for value in (part.base, part.slope, part.floor)
    )
    cap = None if part.cap is None else Constant(_whole(part.weight * part.cap * scale))
    if part.per is None:
        line = inputs[part.fact] if slope == 1 else inputs[part.fact] * slope
        return _times(_clamped(line if base == 0 else line + base, Constant(floor), cap), divisor)
    top = None if cap is None else divisor * cap
    return _clamped(inputs[part.fact] * slope + divisor * base, divisor * floor, top)


def _clamped(line: Number, floor: Number, cap: Number | None) -> Number:
    """The clamps that the bounds of the fact make needless are left out: fewer columns to touch."""
    if line.lo < floor.hi:
        line = line.greatest(floor)
    return line.least(cap) if cap is not None and line.hi > cap.lo else line


def _times(line: Number, divisor: Number) -> Number:
    return line if divisor == Constant(1) else line * divisor


def _score_test(tier: Tier, score: ScoreExpression) -> Condition | None:
    if tier.threshold is None:
        return None
    cut = _whole(Fraction(tier.threshold) * score.scale)
    required = _times(Constant(cut), score.divisor)
    return Compare(">=" if tier.threshold_inclusive else ">", score.numerator, required)


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise ValueError(f"{value} is not an integer: the scale is wrong")
    return value.numerator
