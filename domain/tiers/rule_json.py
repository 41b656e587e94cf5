"""A rule as JSON and back, as `tier_policy_versions.rule` stores it; fractions travel as text."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeVar

from domain.errors import DomainError, ErrorCode
from domain.tiers.exact import exact_text
from domain.tiers.policy import Benefit, BenefitKind, Tier, TierPart, TierRule
from domain.tiers.timing_json import timing_from_json, timing_to_json
from domain.words import Words

Json = dict[str, Any]
T = TypeVar("T")


def rule_to_json(rule: TierRule) -> Json:
    return {
        "measure": {"score": [_part_to_json(part) for part in rule.parts]},
        "scoreCap": exact_text(rule.score_cap),
        "tiers": [_tier_to_json(tier) for tier in rule.tiers],
        "neverOrderedTier": rule.never_ordered_tier,
        "almostThereGap": exact_text(rule.almost_there_gap),
        "timing": timing_to_json(rule.timing),
    }


def rule_from_json(json: Json) -> TierRule:
    """*Errors*: DomainError naming the first part of the document that cannot be read."""
    return TierRule(
        parts=tuple(_part_from_json(part) for part in _read(_read(json, "measure", dict), "score", list)),
        score_cap=_read(json, "scoreCap", Fraction),
        tiers=tuple(_tier_from_json(tier) for tier in _read(json, "tiers", list)),
        never_ordered_tier=json.get("neverOrderedTier"),
        almost_there_gap=_read(json, "almostThereGap", Fraction),
        timing=timing_from_json(_read(json, "timing", dict)),
    )


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
        "cap": exact_text(part.cap),
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
        cap=_read(json, "cap", Fraction),
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
        "targetShare": _optional_text(tier.target_share),
        "benefits": [_benefit_to_json(benefit) for benefit in tier.benefits],
    }


def _tier_from_json(json: Json) -> Tier:
    return Tier(
        code=_read(json, "code", str),
        name=Words(_read(json, "name", str), _read(json, "nameEn", str)),
        rank=_read(json, "rank", int),
        threshold=_read_optional(json, "threshold", Decimal),
        threshold_inclusive=_read(json, "inclusive", bool),
        target_share=_read_optional(json, "targetShare", Decimal),
        benefits=tuple(_benefit_from_json(benefit) for benefit in _read(json, "benefits", list)),
    )


def _benefit_to_json(benefit: Benefit) -> Json:
    return {"kind": benefit.kind.value, "words": benefit.words.zh, "wordsEn": benefit.words.en}


def _benefit_from_json(json: Json) -> Benefit:
    words = Words(_read(json, "words", str), _read(json, "wordsEn", str))
    return Benefit(_read(json, "kind", BenefitKind), words)


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
