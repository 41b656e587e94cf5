"""How far past a cut a measure is: whether the tier would be the same with every fact so much worse, or better."""

from fractions import Fraction

from domain.tiers.measure import FIRST_ORDER_AGE, PLACE_FACTS
from domain.tiers.policy import TierRule
from domain.tiers.standing import Facts, stand

KEPT = (*PLACE_FACTS, FIRST_ORDER_AGE)
"""No amounts: what settles ties, and how long somebody has been a customer."""


def is_past_margin(rule: TierRule, facts: Facts, base_rank: int) -> bool:
    """S1-17: whether the measure leaves `base_rank` on the same side even when the facts are taken back by the
    timing's margin. Days of silence count the other way round: fewer are better.
    """
    percent = rule.timing.margin_percent
    if percent is None:
        return False
    rank = stand(rule, facts).rank
    if rank == base_rank:
        return False
    factor = Fraction(100 + percent, 100)
    taken_back = _scaled(facts, 1 / factor if rank > base_rank else factor)
    again = stand(rule, taken_back).rank
    return again > base_rank if rank > base_rank else again < base_rank


def _scaled(facts: Facts, factor: Fraction) -> dict[str, int | None]:
    """Towards the cut: amounts by the factor, days of silence by its inverse; rounded away from helping."""
    return {
        name: value
        if value is None or name in KEPT
        else _times(value, 1 / factor if name.startswith("days_") else factor)
        for name, value in facts.items()
    }


def _times(value: int, factor: Fraction) -> int:
    """Down when it shrinks and up when it grows, so that a margin of exactly 10 percent is not past it."""
    product = value * factor
    return int(product // 1) if factor < 1 else int(-(-product // 1))
