"""Where the tiers of a score would begin if everybody's shares were to be the targets: shown, never applied (S0-10)."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from domain.tiers.exact import MICRO
from domain.tiers.measure import ScoreMeasure
from domain.tiers.policy import Tier, TierRule


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCut:
    """`threshold` itself is in; `share` is what the tier would then have of all who have a tier."""

    tier: Tier
    threshold: Decimal
    target_share: Decimal
    share: Fraction


def can_calibrate(rule: TierRule) -> bool:
    """Only a score without gates has one number to move, and every tier needs a target."""
    is_plain = isinstance(rule.measure, ScoreMeasure) and not any(tier.gates for tier in rule.tiers)
    return is_plain and all(tier.target_share is not None for tier in rule.tiers[1:])


def calibrate(rule: TierRule, micro_scores: NDArray[np.int64]) -> tuple[TierCut, ...]:
    """From the lowest tier that has a cut up. `micro_scores`: of everybody who has a tier, millionths of a point.

    Whoever ties with the last one inside is inside, so a share may be larger than its target. A tier whose target
    is less than one customer has no cut. *Cost*: one sort.
    """
    found = tuple(_cuts(rule, np.sort(micro_scores)))
    return found[::-1]


def _cuts(rule: TierRule, ascending: NDArray[np.int64]) -> Iterator[TierCut]:
    """From the top down; a tier takes what those above it have left."""
    everybody, above, wanted = len(ascending), 0, Decimal(0)
    for tier in reversed(rule.tiers[1:]):
        target = target_of(tier)
        wanted += target
        inside = min(everybody, round(wanted * everybody))
        if not inside:
            continue
        cut = int(ascending[everybody - inside])
        reached = everybody - int(np.searchsorted(ascending, cut))
        share = Fraction(reached - above, everybody)
        yield TierCut(tier=tier, threshold=Decimal(cut) / MICRO, target_share=target, share=share)
        above = reached


def target_of(tier: Tier) -> Decimal:
    """The middle of a range."""
    least = tier.target_share or Decimal(0)
    return (least + (least if tier.target_share_max is None else tier.target_share_max)) / 2
