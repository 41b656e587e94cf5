"""How far a distribution has moved: the population stability index (S4-15)."""

from collections.abc import Mapping
from decimal import Decimal

LEAST_SHARE = Decimal("0.0001")
"""A smaller share, also an empty one, counts as this: the logarithm of nothing is endless."""
SIX_DIGITS = Decimal("0.000001")


def stability_index(now: Mapping[str, int], then: Mapping[str, int]) -> Decimal | None:
    """The sum of `(a - e) * ln(a / e)` over the tiers of both, `a` the share now and `e` the share then.

    Of counts by tier; 0 where nothing moved, over 0.2 a shift to look at. None: nobody is counted on one side.
    """
    if not any(now.values()) or not any(then.values()):
        return None
    moved = Decimal(0)
    for tier in now.keys() | then.keys():
        actual, expected = share_of(tier, now), share_of(tier, then)
        moved += (actual - expected) * (actual / expected).ln()
    return moved.quantize(SIX_DIGITS)


def share_of(tier: str, customers: Mapping[str, int]) -> Decimal:
    return max(Decimal(customers.get(tier, 0)) / sum(customers.values()), LEAST_SHARE)
