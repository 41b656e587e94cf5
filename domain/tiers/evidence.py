"""What a decision stores so that it can be explained for ever from its record (C7).

The record is the evidence and the immutable version it was taken under: words, weights and cuts are in the
version, once, and what follows from both is not stored. A ranking is not part of the version, so what was read
from it is in the evidence.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.tiers.exact import micro, shown_micro
from domain.tiers.measure import ORDERED_FACT, PLACE_FACTS, Facts
from domain.tiers.policy import Tier, TierPolicyVersion, TierRule
from domain.tiers.standing import Placing, Standing

Evidence = dict[str, Any]
"""JSON: the score as six shown digits, facts in stored units (cents, orders, days). The exact score follows."""


def evidence_of(version: TierPolicyVersion, standing: Standing, *, as_of: datetime) -> Evidence:
    """Moment, inputs, score and place, and the tier they gave. About 150 bytes."""
    return evidence_from(
        facts_read(version.rule, standing.facts),
        micro_score=None if standing.score is None else micro(standing.score),
        tier=standing.tier,
        placing=standing.placing,
        as_of=as_of,
    )


def evidence_from(
    facts: Mapping[str, int | None],
    *,
    micro_score: int | None,
    tier: Tier | None,
    placing: Placing | None,
    as_of: datetime,
) -> Evidence:
    """The same from what was read for many at once."""
    evidence: Evidence = {
        "asOf": as_of.isoformat(),
        "facts": facts,
        "score": None if micro_score is None else str(shown_micro(micro_score)),
        "tier": tier.code if tier else None,
    }
    if placing:
        evidence["placing"] = placing_to_json(placing)
    return evidence


def facts_read(rule: TierRule, facts: Facts) -> dict[str, int | None]:
    return {name: facts[name] for name in evidence_facts(rule)}


def evidence_facts(rule: TierRule) -> tuple[str, ...]:
    """What follows from them is the standing; a place is kept as such, not as what settles its ties."""
    names = dict.fromkeys((*rule.fact_names(), ORDERED_FACT))
    return tuple(name for name in names if name not in PLACE_FACTS)


def placing_to_json(placing: Placing) -> dict[str, Any]:
    return {
        "customers": placing.customers,
        "inside": sorted(placing.inside),
        "cuts": dict(placing.cuts),
        "ranks": placing.ranks,
    }
