"""The standing that a stored decision was taken on, from its evidence and the immutable version alone (C7)."""

from dataclasses import replace

from domain.tiers.evidence import Evidence
from domain.tiers.measure import PLACE_FACTS, RankMeasure
from domain.tiers.policy import TierRule
from domain.tiers.standing import Placing, Standing, stand


def recall(rule: TierRule, evidence: Evidence) -> Standing:
    """`rule` is that of the version which decided. Facts are read from the evidence, and so is the place."""
    if not isinstance(rule.measure, RankMeasure):
        return stand(rule, evidence["facts"])
    found = stand(rule.with_ranking(None), evidence["facts"] | dict.fromkeys(PLACE_FACTS))
    return _placed(rule, found, evidence) if evidence.get("placing") else found


def _placed(rule: TierRule, found: Standing, evidence: Evidence) -> Standing:
    stored = evidence["placing"]
    placing = Placing(
        tuple(stored["ranks"]),
        stored["customers"],
        frozenset(stored["inside"]),
        tuple(stored["cuts"].items()),
    )
    return replace(
        found,
        tier=rule.find_tier(evidence["tier"]),
        score=placing.score,
        parts=tuple(replace(part, points=placing.percentile(at)) for at, part in enumerate(found.parts)),
        placing=placing,
    )
