"""When a policy decides: how often it looks, how a customer rises and falls, how long a tier is kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import DomainError, ErrorCode

MOST_DAYS = 36_500
"""A hundred years, which stand for ever (S4-3). A day that is counted with them is still a date."""
MOST_REVIEWS = 1_000
MOST_PERCENT = 1_000


class Cadence(StrEnum):
    """When a policy looks at a customer in both directions; in between it may only raise.

    REALTIME: at every change. DAILY: when a business day opens. MONTHLY: on the 1st, as of its 00:00 (S0-11).
    ANNIVERSARY: when the validity of the tier ends.
    """

    REALTIME = "REALTIME"
    DAILY = "DAILY"
    MONTHLY = "MONTHLY"
    ANNIVERSARY = "ANNIVERSARY"


class UpgradeTiming(StrEnum):
    """When a higher measure becomes a higher tier."""

    AT_ONCE = "AT_ONCE"
    AT_REVIEW = "AT_REVIEW"
    AT_ONCE_ON_LARGE_ORDER = "AT_ONCE_ON_LARGE_ORDER"


class DowngradeMode(StrEnum):
    """How far a customer falls in one decision."""

    NONE = "NONE"
    ONE_STEP = "ONE_STEP"
    TO_RAW = "TO_RAW"


class ExpiryAnchor(StrEnum):
    """What the validity of a tier is counted from.

    TIER_START: an upgrade starts it anew. PROGRAM_JOIN: anniversaries of joining. CALENDAR: it ends with the year.
    """

    NONE = "NONE"
    TIER_START = "TIER_START"
    PROGRAM_JOIN = "PROGRAM_JOIN"
    CALENDAR = "CALENDAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeOrder:
    """An order of so much, or of so many times the customer's own mean order of 90 days (S0-12)."""

    cents: int
    times_own_mean: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTrial:
    """One tier up for so many whole days, at most once in so many (S0-17)."""

    days: int
    once_in_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTiming:
    """All times are whole business days of the shop.

    `upper_reviews` and `lower_reviews`: in how many scheduled reviews in a row the measure must be higher, or
    lower, before the tier follows; `margin_percent`: unless it is past the cut by more than this (S1-17).
    `silence_alarm_days`: customers from `silence_alarm_rank` up who are silent for so long need care (S0-18).
    """

    cadence: Cadence = Cadence.REALTIME
    qualification_days: int = 90
    upgrade: UpgradeTiming = UpgradeTiming.AT_ONCE
    large_order: LargeOrder | None = None
    upper_reviews: int = 1
    downgrade: DowngradeMode = DowngradeMode.TO_RAW
    lower_reviews: int = 1
    margin_percent: int | None = None
    validity_days: int | None = None
    expiry_anchor: ExpiryAnchor = ExpiryAnchor.NONE
    grace_days: int = 0
    trial: TierTrial | None = None
    silence_alarm_days: int | None = None
    silence_alarm_rank: int = 1


def timing_problems(timing: TierTiming) -> tuple[DomainError, ...]:
    """Every mistake: numbers out of their range, then what does not go together; none: the timing is sound."""
    return (*_range_problems(timing), *_mixture_problems(timing))


def _range_problems(timing: TierTiming) -> Iterator[DomainError]:
    for field, value, least, most in (
        ("qualificationDays", timing.qualification_days, 1, MOST_DAYS),
        ("upperReviews", timing.upper_reviews, 1, MOST_REVIEWS),
        ("lowerReviews", timing.lower_reviews, 1, MOST_REVIEWS),
        ("marginPercent", timing.margin_percent, 1, MOST_PERCENT),
        ("validityDays", timing.validity_days, 1, MOST_DAYS),
        ("graceDays", timing.grace_days, 0, MOST_DAYS),
        ("silenceAlarmDays", timing.silence_alarm_days, 1, MOST_DAYS),
    ):
        if value is not None and not least <= value <= most:
            message = f"{field} must lie between {least} and {most:,}, not be {value:,}"
            yield DomainError(ErrorCode.INVALID, message, ("timing", field))


def _mixture_problems(timing: TierTiming) -> tuple[DomainError, ...]:
    keeps = timing.expiry_anchor is not ExpiryAnchor.NONE
    large, trial = timing.large_order, timing.trial
    found = [
        _problem(
            "largeOrder",
            "say which order is large, or choose another way to rise",
            timing.upgrade is UpgradeTiming.AT_ONCE_ON_LARGE_ORDER and large is None,
        ),
        _problem(
            "largeOrder",
            "a large order is of more than nothing, and of 1 or more times the own mean",
            large is not None and min(large.cents, large.times_own_mean) < 1,
        ),
        _problem(
            "validityDays",
            "a tier that ends needs both a validity and an anchor",
            keeps != (timing.validity_days is not None),
        ),
        _problem(
            "cadence",
            "an ANNIVERSARY policy looks when a tier ends: give it a validity",
            timing.cadence is Cadence.ANNIVERSARY and not keeps,
        ),
        _problem(
            "lowerReviews",
            "a REALTIME policy has no reviews to count: use 1",
            timing.cadence is Cadence.REALTIME and max(timing.upper_reviews, timing.lower_reviews) > 1,
        ),
        _problem(
            "downgrade",
            "a REALTIME policy has no reviews to fall step by step: use TO_RAW or NONE",
            timing.cadence is Cadence.REALTIME and timing.downgrade is DowngradeMode.ONE_STEP,
        ),
        _problem(
            "trial",
            f"a trial lasts 1 day or more and comes back later than it ends, within {MOST_DAYS:,} days",
            trial is not None and not 1 <= trial.days <= trial.once_in_days <= MOST_DAYS,
        ),
    ]
    return tuple(problem for problem in found if problem)


def _problem(field: str, message: str, is_wrong: bool) -> DomainError | None:
    return DomainError(ErrorCode.INVALID, message, ("timing", field)) if is_wrong else None
