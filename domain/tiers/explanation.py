"""Why this tier: every cut with what was observed, in words, from a stored decision and its version (C7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from domain.tiers.checks import TierCheck, checks_of, plain_number
from domain.tiers.evidence import Evidence, facts_read
from domain.tiers.exact import short_text
from domain.tiers.measure import (
    BandsMeasure,
    Quantity,
    RankMeasure,
)
from domain.tiers.policy import TierRule
from domain.tiers.recall import recall
from domain.tiers.shown_quantity import shown
from domain.tiers.standing import PartStanding, Standing
from domain.words import Words


@dataclass(frozen=True, slots=True)
class FactEvidence:
    """A fact as the decision read it, in its stored unit; None: unknown."""

    fact: str
    value: int | None


@dataclass(frozen=True, slots=True)
class Period:
    """Half open: `after < counted_at <= until` (C3)."""

    after: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TierExplanation:
    """`checks` run from the highest tier down, those of a tier in the order of its rule."""

    words: Words
    checks: tuple[TierCheck, ...]
    parts: tuple[PartStanding, ...]
    evidence: tuple[FactEvidence, ...]
    period: Period


def explain(rule: TierRule, evidence: Evidence) -> TierExplanation:
    """The explanation of a decision stored by `evidence_of`; `rule` is that of the version which decided."""
    return explain_standing(rule, recall(rule, evidence), datetime.fromisoformat(evidence["asOf"]))


def explain_standing(rule: TierRule, standing: Standing, as_of: datetime) -> TierExplanation:
    facts = facts_read(rule, standing.facts)
    return TierExplanation(
        words=standing_words(rule, standing),
        checks=checks_of(rule, standing),
        parts=standing.parts,
        evidence=tuple(FactEvidence(name, value) for name, value in facts.items()),
        period=period_of(rule, as_of),
    )


def period_of(rule: TierRule, as_of: datetime) -> Period:
    return Period(as_of - timedelta(days=rule.timing.qualification_days), as_of)


def standing_words(rule: TierRule, standing: Standing) -> Words:
    tier = standing.tier.name if standing.tier else Words("无", "no tier")
    if standing.never_ordered:
        return Words(f"尚无有效订单，等级为{tier.zh}", f"No counted order yet: {tier.en}")
    number = plain_number(rule)
    parts = [] if number else [_part_words(part) for part in standing.parts]
    gates = [_gate_words(quantity, standing) for quantity in gate_quantities(rule, standing)]
    because = Words(
        "，".join(words.zh for words in (*parts, *gates)), ", ".join(words.en for words in (*parts, *gates))
    )
    head = _head(rule, standing, tier)
    return Words(f"{head.zh}：{because.zh}", f"{head.en}: {because.en}") if because.zh else head


def _head(rule: TierRule, standing: Standing, tier: Words) -> Words:
    match rule.measure:
        case BandsMeasure():
            return Words(f"综合各维度，等级为{tier.zh}", f"Taken together {tier.en}")
        case RankMeasure():
            return _place_head(standing, tier)
    score, number = short_text(standing.score or Fraction(0)), plain_number(rule)
    if number:
        return Words(f"{number.words.zh} {score}，等级为{tier.zh}", f"{number.words.en} {score} is {tier.en}")
    return Words(f"得分 {score}，等级为{tier.zh}", f"A score of {score} is {tier.en}")


def _place_head(standing: Standing, tier: Words) -> Words:
    if standing.score is None or standing.placing is None:
        return Words(f"尚未排名，等级为{tier.zh}", f"Not ranked yet: {tier.en}")
    score, among = short_text(standing.score), standing.placing.customers
    return Words(
        f"在 {among} 位顾客中综合排名 {score} 分，等级为{tier.zh}",
        f"A place of {score} among {among} customers is {tier.en}",
    )


def _part_words(part: PartStanding) -> Words:
    words = part.part.words
    if part.weight is not None:
        points, weight = short_text(part.points or Fraction(0)), short_text(part.weight)
        return Words(f"{words.zh} {points} 分 × {weight}", f"{words.en} {points} × {weight}")
    assert isinstance(part.part, Quantity), "only parts of a score have a weight"
    found = shown(part.part, part.observed)
    if part.tier is not None:
        return Words(
            f"{words.zh} {found}（{part.tier.name.zh}）", f"{words.en} {found} ({part.tier.name.en})"
        )
    rank = "" if part.points is None else f" {short_text(part.points)}"
    return Words(
        f"{words.zh} {found}" + (f"（百分位{rank}）" if rank else ""),
        f"{words.en} {found}" + (f" (percentile{rank})" if rank else ""),
    )


def _gate_words(quantity: Quantity, standing: Standing) -> Words:
    found = shown(quantity, quantity.observed(standing.facts))
    return Words(f"{quantity.words.zh} {found}", f"{quantity.words.en} {found}")


def gate_quantities(rule: TierRule, standing: Standing) -> tuple[Quantity, ...]:
    """What gates look at beside the parts, each once."""
    seen = {part.part.fact for part in standing.parts}
    found = (gate.quantity for tier in rule.tiers for gate in tier.gates)
    return tuple({one.fact: one for one in found if one.fact not in seen}.values())
