"""Ranks what a customer may want next: what they buy again, and what others like them buy.

Buying again is scored by how often and how lately; discoveries by how many stand behind them. Each source is
scaled to its own best, then weighted: on a public grocery data set own frequency with a half-life of 60 days
plus 0.3 of the discoveries ranked best. Scores are whole thousandths and ties fall to the smaller product id,
so the same input gives the same list.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HALF_LIFE_DAYS = 60
DISCOVERY_WEIGHT = 300
DUE_BONUS = 300
FAVOURITE_ORDERS = 2
RHYTHM_ORDERS = 3
DUE_FROM_SHARE = 0.8
"""A product is due from this share of its usual interval ..."""
DUE_UNTIL_INTERVALS = 3
"""... until so many intervals have passed: after that it was given up."""


class ReasonKind(StrEnum):
    """Why a product is offered. May grow."""

    OWN_FAVOURITE = "OWN_FAVOURITE"
    DUE_AGAIN = "DUE_AGAIN"
    BOUGHT_TOGETHER = "BOUGHT_TOGETHER"
    SIMILAR_CUSTOMERS = "SIMILAR_CUSTOMERS"


@dataclass(frozen=True, slots=True)
class OwnPurchase:
    product_id: int
    orders: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SimilarCustomers:
    """`peers` customers alike bought the product; `score` adds up how much they are alike."""

    product_id: int
    score: int
    peers: int


@dataclass(frozen=True, slots=True)
class BoughtTogether:
    """At least `buyers` customers bought it and the favourite `because_id`.

    `score` estimates the squared cosine of their buyers, in thousandths.
    """

    product_id: int
    because_id: int
    score: int
    buyers: int


@dataclass(frozen=True, slots=True)
class Reason:
    kind: ReasonKind
    words: str
    evidence: int
    """How many orders, days or customers stand behind it."""
    because_id: int | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    product_id: int
    rank: int
    score: int
    reasons: tuple[Reason, ...]
    """Strongest first, at most one of each kind."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything known about one customer's next purchase."""

    own: Sequence[OwnPurchase] = ()
    similar: Sequence[SimilarCustomers] = ()
    together: Sequence[BoughtTogether] = ()


Scored = tuple[int, int, Reason]
"""Product, points, reason."""


def rank(candidates: Candidates, *, as_of: datetime, first: int) -> list[Recommendation]:
    """The best `first` products with all their reasons."""
    scored = [*_own(candidates.own, as_of), *_similar(candidates.similar), *_together(candidates.together)]
    points: dict[int, int] = defaultdict(int)
    reasons: dict[int, list[tuple[int, Reason]]] = defaultdict(list)
    for product_id, part, reason in scored:
        points[product_id] += part
        reasons[product_id].append((part, reason))
    best = sorted(points, key=lambda product_id: (-points[product_id], product_id))[:first]
    return [
        Recommendation(product_id, place, points[product_id], _strongest_first(reasons[product_id]))
        for place, product_id in enumerate(best, start=1)
    ]


def usual_interval_days(purchase: OwnPurchase) -> float | None:
    """Mean days between orders of the product; None before the third order."""
    if purchase.orders < RHYTHM_ORDERS:
        return None
    return _days(purchase.last_at - purchase.first_at) / (purchase.orders - 1)


def is_due(purchase: OwnPurchase, *, as_of: datetime) -> bool:
    """Whether its usual interval has about passed, and not been missed too often."""
    interval = usual_interval_days(purchase)
    if not interval:
        return False
    return DUE_FROM_SHARE <= _days(as_of - purchase.last_at) / interval <= DUE_UNTIL_INTERVALS


def _own(purchases: Iterable[OwnPurchase], as_of: datetime) -> Iterable[Scored]:
    favourites = [one for one in purchases if one.orders >= FAVOURITE_ORDERS]
    weights = {one.product_id: _weight(one, as_of) for one in favourites}
    best = max(weights.values(), default=0)
    for one in favourites:
        days = _whole_days(one, as_of)
        words = f"Bought in {one.orders} orders, last {_days_ago(days)}."
        points = weights[one.product_id] * 1000 // best if best else 0
        yield one.product_id, points, Reason(ReasonKind.OWN_FAVOURITE, words, one.orders)
        interval = usual_interval_days(one)
        if interval and is_due(one, as_of=as_of):
            words = f"Usually bought every {max(1, round(interval))} days, last {_days_ago(days)}."
            yield one.product_id, DUE_BONUS, Reason(ReasonKind.DUE_AGAIN, words, days)


def _similar(found: Sequence[SimilarCustomers]) -> Iterable[Scored]:
    best = max((one.score for one in found), default=0)
    for one in found:
        words = f"Bought by {_count(one.peers, 'customer')} who buy alike."
        points = DISCOVERY_WEIGHT * one.score // best if best else 0
        yield one.product_id, points, Reason(ReasonKind.SIMILAR_CUSTOMERS, words, one.peers)


def _together(found: Sequence[BoughtTogether]) -> Iterable[Scored]:
    closest = _closest(found)
    best = max((one.score for one in closest.values()), default=0)
    for one in closest.values():
        words = f"Bought by {_count(one.buyers, 'buyer')} of an own favourite."
        points = DISCOVERY_WEIGHT * one.score // best if best else 0
        yield one.product_id, points, Reason(ReasonKind.BOUGHT_TOGETHER, words, one.buyers, one.because_id)


def _closest(found: Sequence[BoughtTogether]) -> Mapping[int, BoughtTogether]:
    """For each product the favourite it is closest to."""
    ordered = sorted(found, key=lambda one: (one.score, one.buyers, -one.because_id))
    return {one.product_id: one for one in ordered}


def _weight(purchase: OwnPurchase, as_of: datetime) -> int:
    days = max(0.0, _days(as_of - purchase.last_at))
    return int(1_000_000 * purchase.orders * math.exp2(-days / HALF_LIFE_DAYS))


def _strongest_first(reasons: list[tuple[int, Reason]]) -> tuple[Reason, ...]:
    return tuple(reason for _, reason in sorted(reasons, key=lambda one: (-one[0], one[1].kind)))


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


def _whole_days(purchase: OwnPurchase, as_of: datetime) -> int:
    return max(0, (as_of - purchase.last_at) // timedelta(days=1))


def _days_ago(days: int) -> str:
    return "today" if days == 0 else f"{_count(days, 'day')} ago"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
