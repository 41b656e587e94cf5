"""Which scheduled reviews fall due when the business day moves on: each is one record, written once."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.standings.compute_standings import ActivePolicy
from domain.tiers.life_days import date_of, month_end_after
from domain.tiers.timing import Cadence


@dataclass(frozen=True, slots=True)
class CadenceRun:
    """`period`: the month that ended as 2026-11, or the day that is opened as 2026-12-01."""

    policy: str
    period: str


def runs_between(policies: Sequence[ActivePolicy], *, last_day: int, today: int) -> list[CadenceRun]:
    """Those due after `last_day` was open and until `today` is. Missed months are all caught up with, because each
    is judged by its own midnight; missed days are one review, of today.
    """
    found: list[CadenceRun] = []
    for policy in policies:
        cadence, code = policy.version.rule.timing.cadence, policy.version.policy_code
        if cadence is Cadence.DAILY:
            found.append(CadenceRun(code, date_of(today).isoformat()))
        elif cadence is Cadence.MONTHLY:
            found += [CadenceRun(code, month) for month in _months_ended(last_day, today)]
    return found


def _months_ended(last_day: int, today: int) -> list[str]:
    """The month of `last_day` has ended as soon as `today` lies in another."""
    months = []
    end = month_end_after(last_day - 1)
    while end < today:
        months.append(date_of(end).isoformat()[:7])
        end = month_end_after(end)
    return months
