"""Why this tier: every cut with what was observed, in words, read from a stored decision alone (C7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from domain.tiers.evidence import Evidence
from domain.tiers.exact import short_text
from domain.words import Words


class Comparison(StrEnum):
    GT = "GT"
    GTE = "GTE"

    @property
    def sign(self) -> str:
        return "≥" if self is Comparison.GTE else ">"


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCheck:
    """One cut of the ladder. `threshold` None: the lowest tier takes whoever reaches no other."""

    tier_code: str
    words: Words
    metric: str
    observed: Fraction
    threshold: Fraction | None
    comparison: Comparison
    passed: bool


@dataclass(frozen=True, slots=True)
class FactEvidence:
    """A fact as the decision read it, in its stored unit; None: unknown."""

    fact: str
    value: int | None


@dataclass(frozen=True, slots=True)
class ExplainedPart:
    code: str
    words: Words
    points: Fraction
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Period:
    """Half open: `after < counted_at <= until` (C3)."""

    after: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TierExplanation:
    """`checks` run from the highest tier down."""

    words: Words
    checks: tuple[TierCheck, ...]
    parts: tuple[ExplainedPart, ...]
    evidence: tuple[FactEvidence, ...]
    period: Period


def explain(evidence: Evidence) -> TierExplanation:
    """The explanation of a decision stored by `evidence_of`; no rule, fact or order is read again."""
    until = datetime.fromisoformat(evidence["asOf"])
    checks = tuple(_check(step, evidence) for step in reversed(evidence["ladder"]))
    parts = tuple(_part(part) for part in evidence["parts"])
    return TierExplanation(
        words=_words(evidence, parts),
        checks=checks,
        parts=parts,
        evidence=tuple(FactEvidence(name, value) for name, value in evidence["facts"].items()),
        period=Period(until - timedelta(days=evidence["periodDays"]), until),
    )


def _check(step: Mapping[str, Any], evidence: Evidence) -> TierCheck:
    score, comparison = Fraction(evidence["score"]), _comparison(step)
    passed = _passed(step, score, evidence)
    return TierCheck(
        tier_code=step["code"],
        words=_check_words(step, score, comparison, passed=passed),
        metric="score",
        observed=score,
        threshold=None if step["threshold"] is None else Fraction(step["threshold"]),
        comparison=comparison,
        passed=passed,
    )


def _passed(step: Mapping[str, Any], score: Fraction, evidence: Evidence) -> bool:
    """Customers who never ordered pass nothing but the tier they are given (C8)."""
    if evidence["neverOrdered"]:
        return bool(step["code"] == evidence["tier"])
    return _reaches(score, step)


def _comparison(step: Mapping[str, Any]) -> Comparison:
    return Comparison.GTE if step["inclusive"] else Comparison.GT


def _reaches(score: Fraction, step: Mapping[str, Any]) -> bool:
    if step["threshold"] is None:
        return True
    cut = Fraction(step["threshold"])
    return score >= cut if step["inclusive"] else score > cut


def _check_words(step: Mapping[str, Any], score: Fraction, comparison: Comparison, *, passed: bool) -> Words:
    if step["threshold"] is None:
        return Words(f"{step['name']}：无门槛", f"{step['nameEn']}: no threshold")
    cut, shown = short_text(Fraction(step["threshold"])), short_text(score)
    verdict = Words("达到", "reached") if passed else Words("未达到", "not reached")
    return Words(
        f"{step['name']}：要求得分 {comparison.sign} {cut}，实际 {shown}，{verdict.zh}",
        f"{step['nameEn']}: needs a score {comparison.sign} {cut}, found {shown}, {verdict.en}",
    )


def _part(part: Mapping[str, Any]) -> ExplainedPart:
    words = Words(part["words"], part["wordsEn"])
    return ExplainedPart(part["code"], words, Fraction(part["points"]), Fraction(part["weight"]))


def _words(evidence: Evidence, parts: tuple[ExplainedPart, ...]) -> Words:
    tier = _tier_name(evidence)
    if evidence["neverOrdered"]:
        return Words(f"尚无有效订单，等级为{tier.zh}", f"No counted order yet: {tier.en}")
    score = short_text(Fraction(evidence["score"]))
    return Words(
        f"得分 {score}，等级为{tier.zh}：" + "，".join(_sum_words(part).zh for part in parts),
        f"A score of {score} is {tier.en}: " + ", ".join(_sum_words(part).en for part in parts),
    )


def _sum_words(part: ExplainedPart) -> Words:
    points, weight = short_text(part.points), short_text(part.weight)
    return Words(f"{part.words.zh} {points} 分 × {weight}", f"{part.words.en} {points} × {weight}")


def _tier_name(evidence: Evidence) -> Words:
    for step in evidence["ladder"]:
        if step["code"] == evidence["tier"]:
            return Words(step["name"], step["nameEn"])
    return Words("无", "no tier")
