"""What is wrong with the spread of a policy's customers over its tiers (S0-10, S4-15)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.tiers.policy import target_gap
from domain.tiers.stability import SIX_DIGITS, stability_index
from domain.watching.alert import GREATEST_SHIFT, MOST_DORMANT, WIDEST_GAP, AlertKind


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTier:
    """A step of the ladder in force. `is_goal` False: a layer of silence; targets are 0..1, None: none is aimed at."""

    code: str
    rank: int
    is_goal: bool
    least: Decimal | None
    most: Decimal | None


@dataclass(frozen=True, slots=True)
class Finding:
    """`tier` None: about the policy. Shares are 0..1."""

    kind: AlertKind
    tier: WatchedTier | None
    observed: Decimal
    expected: Decimal


def findings(
    ladder: Sequence[WatchedTier], now: Mapping[str, int], month_ago: Mapping[str, int]
) -> list[Finding]:
    """Of how many held which tier; nothing is wrong while nobody holds any."""
    if not any(now.values()):
        return []
    found = [*gaps(ladder, now), *dormant(ladder, now)]
    index = stability_index(now, month_ago)
    if index is not None and index > GREATEST_SHIFT:
        found.append(Finding(AlertKind.DISTRIBUTION_SHIFT, None, index, GREATEST_SHIFT))
    return found


def gaps(ladder: Sequence[WatchedTier], now: Mapping[str, int]) -> Iterator[Finding]:
    for tier in ladder:
        if tier.least is None or tier.most is None:
            continue
        share = share_of(tier, now)
        gap = target_gap(share, tier.least, tier.most)
        if abs(gap) > WIDEST_GAP:
            yield Finding(AlertKind.TIER_SHARE_GAP, tier, share, share - gap)


def dormant(ladder: Sequence[WatchedTier], now: Mapping[str, int]) -> Iterator[Finding]:
    """Of the layers of silence the highest: those below it are lost."""
    silent = [tier for tier in ladder if not tier.is_goal]
    if not silent:
        return
    tier = max(silent, key=lambda one: one.rank)
    share = share_of(tier, now)
    if share > MOST_DORMANT:
        yield Finding(AlertKind.DORMANT_SHARE, tier, share, MOST_DORMANT)


def share_of(tier: WatchedTier, now: Mapping[str, int]) -> Decimal:
    return (Decimal(now.get(tier.code, 0)) / sum(now.values())).quantize(SIX_DIGITS)
