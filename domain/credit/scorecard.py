"""How a customer has paid and bought: points out of 100, each part with what it was made of. [S3-17, S0-9]

The maxima are those of S3-17; where a part goes from nothing to all is ours and said with it. What is not known has
no points and says so.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from domain.words import Words

WORST_LATE_DAYS = 30
"""From so many days on a debt is a high risk. [S3-5]"""
LONG_TENURE_DAYS = 365
ONE = 1_000_000
NOT_KNOWN = Words("未知", "not known")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditHistory:
    """Of orders on credit whose day of payment is known, the last 365 days of it; None: nothing to tell from.

    An order is due on a business day and late when that is over; `longest_late_days` of those that were paid or due,
    `open_late_days` of those that are still open. `used_cents` is owed for all that are open.
    """

    judged: int = 0
    on_time: int = 0
    longest_late_days: int | None = None
    open_late_days: int | None = None
    used_cents: int = 0
    tenure_days: int | None = None
    purchase_stability: int | None = None
    """In millionths."""


@dataclass(frozen=True, slots=True)
class CreditPart:
    """`points` None: not known. `words` say what they were made of."""

    code: str
    words: Words
    maximum: int
    points: Fraction | None


def timeliness(history: CreditHistory) -> Fraction | None:
    """The share of orders on credit that were paid on time; None: none was due yet. [S0-9]"""
    return Fraction(history.on_time, history.judged) if history.judged else None


def scorecard(history: CreditHistory) -> tuple[CreditPart, ...]:
    return (
        _timeliness(history),
        _overdue(history),
        _tenure(history),
        _stability(history),
        CreditPart("EXTERNAL_CREDIT", _named("外部征信", "External credit", NOT_KNOWN), 10, None),
    )


def score_of(parts: tuple[CreditPart, ...]) -> int:
    """Whole points of what is known, cut."""
    return floor(sum((part.points for part in parts if part.points is not None), Fraction(0)))


def _timeliness(history: CreditHistory) -> CreditPart:
    share = timeliness(history)
    found = Words(
        f"{history.judged}笔中{history.on_time}笔按时", f"{history.on_time} of {history.judged} paid on time"
    )
    words = _named("付款及时", "Timeliness", found if history.judged else NOT_KNOWN)
    return CreditPart("TIMELINESS", words, 40, None if share is None else share * 40)


def _overdue(history: CreditHistory) -> CreditPart:
    late = history.longest_late_days
    if late is None:
        return CreditPart("OVERDUE_HISTORY", _named("逾期记录", "Overdue history", NOT_KNOWN), 25, None)
    found = Words(f"最长逾期{late}天", f"longest {late} days late, none left from {WORST_LATE_DAYS} on")
    points = 25 * (1 - Fraction(min(late, WORST_LATE_DAYS), WORST_LATE_DAYS))
    return CreditPart("OVERDUE_HISTORY", _named("逾期记录", "Overdue history", found), 25, points)


def _tenure(history: CreditHistory) -> CreditPart:
    days = history.tenure_days
    if days is None:
        return CreditPart("TENURE", _named("合作时长", "Tenure", NOT_KNOWN), 10, None)
    found = Words(f"{days}天", f"{days} days since the first order, all from {LONG_TENURE_DAYS} on")
    points = 10 * Fraction(min(days, LONG_TENURE_DAYS), LONG_TENURE_DAYS)
    return CreditPart("TENURE", _named("合作时长", "Tenure", found), 10, points)


def _stability(history: CreditHistory) -> CreditPart:
    stable = history.purchase_stability
    if stable is None:
        return CreditPart("ORDER_STABILITY", _named("采购稳定性", "Order stability", NOT_KNOWN), 15, None)
    percent = floor(Fraction(stable, ONE) * 100)
    found = Words(f"{percent}%", f"{percent} % over 13 weeks")
    points = 15 * Fraction(stable, ONE)
    return CreditPart("ORDER_STABILITY", _named("采购稳定性", "Order stability", found), 15, points)


def _named(zh: str, en: str, found: Words) -> Words:
    return Words(f"{zh}：{found.zh}", f"{en}: {found.en}")
