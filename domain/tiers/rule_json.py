"""A rule as JSON and back, as `tier_policy_versions.rule` stores it; fractions travel as text.

The measure is one of `{"score": [part, ...]}`, `{"bands": [dimension, ...], "combine": ...}` and
`{"rank": [quantity, ...]}`. A ranking's frozen distribution is no part of a rule.
"""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeVar

from domain.errors import DomainError, ErrorCode
from domain.tiers.exact import exact_text
from domain.tiers.measure import (
    BandsMeasure,
    Combination,
    Cut,
    CutOperator,
    Dimension,
    Gate,
    Measure,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    Step,
    TierPart,
)
from domain.tiers.policy import Benefit, BenefitKind, Tier, TierRule
from domain.tiers.timing_json import timing_from_json, timing_to_json
from domain.words import Words

Json = dict[str, Any]
T = TypeVar("T")


def rule_to_json(rule: TierRule) -> Json:
    return {
        **_measure_to_json(rule.measure),
        "tiers": [_tier_to_json(tier) for tier in rule.tiers],
        "neverOrderedTier": rule.never_ordered_tier,
        "almostThereGap": None if rule.almost_there_gap is None else exact_text(rule.almost_there_gap),
        "timing": timing_to_json(rule.timing),
    }


def rule_from_json(json: Json) -> TierRule:
    """*Errors*: DomainError naming the first part of the document that cannot be read."""
    return TierRule(
        measure=_measure_from_json(json),
        tiers=tuple(_tier_from_json(tier) for tier in _read(json, "tiers", list)),
        never_ordered_tier=json.get("neverOrderedTier"),
        almost_there_gap=_read_optional(json, "almostThereGap", Fraction),
        timing=timing_from_json(_read(json, "timing", dict)),
    )


def _measure_to_json(measure: Measure) -> Json:
    match measure:
        case ScoreMeasure():
            parts = [_part_to_json(part) for part in measure.parts]
            return {"measure": {"score": parts}, "scoreCap": exact_text(measure.score_cap)}
        case BandsMeasure():
            bands = [_dimension_to_json(dimension) for dimension in measure.dimensions]
            return {"measure": {"bands": bands, "combine": measure.combination.value}}
        case RankMeasure():
            return {"measure": {"rank": [_quantity_to_json(one) for one in measure.quantities]}}


def _measure_from_json(json: Json) -> Measure:
    form = _read(json, "measure", dict)
    match form:
        case {"score": list(parts)}:
            return ScoreMeasure(tuple(map(_part_from_json, parts)), _read(json, "scoreCap", Fraction))
        case {"bands": list(dimensions)}:
            found = tuple(map(_dimension_from_json, dimensions))
            return BandsMeasure(found, _read(form, "combine", Combination))
        case {"rank": list(quantities)}:
            return RankMeasure(tuple(map(_quantity_from_json, quantities)))
    message = "the measure is none of score, bands and rank: give one of them as a list"
    raise DomainError(ErrorCode.INVALID, message, ("measure",))


def _quantity_to_json(quantity: Quantity) -> Json:
    return {
        "code": quantity.code,
        "words": quantity.words.zh,
        "wordsEn": quantity.words.en,
        "fact": quantity.fact,
        "per": quantity.per,
    }


def _quantity_from_json(json: Json) -> Quantity:
    return Quantity(
        code=_read(json, "code", str),
        words=Words(_read(json, "words", str), _read(json, "wordsEn", str)),
        fact=_read(json, "fact", str),
        per=json.get("per"),
    )


def _dimension_to_json(dimension: Dimension) -> Json:
    steps = [{"tier": step.tier, **_cut_to_json(step.cut)} for step in dimension.steps]
    return _quantity_to_json(dimension.quantity) | {"steps": steps}


def _dimension_from_json(json: Json) -> Dimension:
    steps = (Step(_read(step, "tier", str), _cut_from_json(step)) for step in _read(json, "steps", list))
    return Dimension(_quantity_from_json(json), tuple(steps))


def _gate_to_json(gate: Gate) -> Json:
    return _quantity_to_json(gate.quantity) | _cut_to_json(gate.cut)


def _gate_from_json(json: Json) -> Gate:
    return Gate(_quantity_from_json(json), _cut_from_json(json))


def _cut_to_json(cut: Cut) -> Json:
    return {"operator": cut.operator, "value": exact_text(cut.value)}


def _cut_from_json(json: Json) -> Cut:
    return Cut(_read(json, "operator", _operator), _read(json, "value", Fraction))


def _operator(text: Any) -> CutOperator:
    found: dict[Any, CutOperator] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
    if text not in found:
        raise ValueError(text)
    return found[text]


def _part_to_json(part: TierPart) -> Json:
    return {
        "code": part.code,
        "words": part.words.zh,
        "wordsEn": part.words.en,
        "fact": part.fact,
        "per": part.per,
        "base": exact_text(part.base),
        "slope": exact_text(part.slope),
        "floor": exact_text(part.floor),
        "cap": None if part.cap is None else exact_text(part.cap),
        "weight": exact_text(part.weight),
        "bonus": part.bonus,
    }


def _part_from_json(json: Json) -> TierPart:
    return TierPart(
        code=_read(json, "code", str),
        words=Words(_read(json, "words", str), _read(json, "wordsEn", str)),
        fact=_read(json, "fact", str),
        per=json.get("per"),
        base=_read(json, "base", Fraction),
        slope=_read(json, "slope", Fraction),
        floor=_read(json, "floor", Fraction),
        cap=_read_optional(json, "cap", Fraction),
        weight=_read(json, "weight", Fraction),
        bonus=_read(json, "bonus", bool),
    )


def _tier_to_json(tier: Tier) -> Json:
    return {
        "code": tier.code,
        "name": tier.name.zh,
        "nameEn": tier.name.en,
        "rank": tier.rank,
        "threshold": _optional_text(tier.threshold),
        "inclusive": tier.threshold_inclusive,
        "gates": [_gate_to_json(gate) for gate in tier.gates],
        "targetShare": _optional_text(tier.target_share),
        "targetShareMax": _optional_text(tier.target_share_max),
        "benefits": [_benefit_to_json(benefit) for benefit in tier.benefits],
    }


def _tier_from_json(json: Json) -> Tier:
    return Tier(
        code=_read(json, "code", str),
        name=Words(_read(json, "name", str), _read(json, "nameEn", str)),
        rank=_read(json, "rank", int),
        threshold=_read_optional(json, "threshold", Decimal),
        threshold_inclusive=_read(json, "inclusive", bool),
        gates=tuple(_gate_from_json(gate) for gate in json.get("gates", [])),
        target_share=_read_optional(json, "targetShare", Decimal),
        target_share_max=_read_optional(json, "targetShareMax", Decimal),
        benefits=tuple(_benefit_from_json(benefit) for benefit in _read(json, "benefits", list)),
    )


def _benefit_to_json(benefit: Benefit) -> Json:
    return {
        "kind": benefit.kind.value,
        "words": benefit.words.zh,
        "wordsEn": benefit.words.en,
        "value": _optional_text(benefit.value),
        "days": benefit.days,
    }


def _benefit_from_json(json: Json) -> Benefit:
    words = Words(_read(json, "words", str), _read(json, "wordsEn", str))
    return Benefit(
        kind=_read(json, "kind", BenefitKind),
        words=words,
        value=_read_optional(json, "value", Decimal),
        days=_read_optional(json, "days", int),
    )


def _optional_text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _read_optional(json: Json, key: str, kind: Callable[[Any], T]) -> T | None:
    return None if json.get(key) is None else _read(json, key, kind)


def _read(json: Json, key: str, kind: Callable[[Any], T]) -> T:
    if key not in json:
        raise DomainError(ErrorCode.REQUIRED, f"the rule lacks {key!r}: add it", (key,))
    try:
        return kind(json[key])
    except (TypeError, ValueError, ZeroDivisionError, InvalidOperation) as error:
        raise DomainError(ErrorCode.INVALID, f"{json[key]!r} is not a {key}: correct it", (key,)) from error
