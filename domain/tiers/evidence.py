"""What a decision stores so that it can be explained from the record alone, for ever (C7)."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from domain.tiers.exact import exact_text
from domain.tiers.policy import Tier, TierPolicyVersion
from domain.tiers.standing import PartStanding, Standing

Evidence = dict[str, Any]
"""JSON: fractions as text, facts in stored units (cents, orders, days)."""


def evidence_of(version: TierPolicyVersion, standing: Standing, *, as_of: datetime) -> Evidence:
    """The whole decision: version, moment, inputs, parts, score, ladder with its words. About 1.5 KB."""
    return {
        "policy": version.policy_code,
        "version": version.number,
        "asOf": as_of.isoformat(),
        "periodDays": version.rule.timing.qualification_days,
        "facts": _facts(standing),
        "parts": [_part(part) for part in standing.parts],
        "score": exact_text(standing.score),
        "neverOrdered": standing.never_ordered,
        "tier": standing.tier.code if standing.tier else None,
        "ladder": [_step(tier) for tier in version.rule.tiers],
    }


def _facts(standing: Standing) -> dict[str, int | None]:
    facts: dict[str, int | None] = {}
    for part in standing.parts:
        facts[part.part.fact] = part.amount
        if part.part.per:
            facts[part.part.per] = part.whole
    return facts


def _part(part: PartStanding) -> dict[str, Any]:
    return {
        "code": part.part.code,
        "words": part.part.words.zh,
        "wordsEn": part.part.words.en,
        "fact": part.part.fact,
        "points": exact_text(part.points),
        "weight": exact_text(part.part.weight),
    }


def _step(tier: Tier) -> dict[str, Any]:
    return {
        "code": tier.code,
        "name": tier.name.zh,
        "nameEn": tier.name.en,
        "threshold": None if tier.threshold is None else exact_text(Fraction(tier.threshold)),
        "inclusive": tier.threshold_inclusive,
    }
