"""The night: moves everything live to the end of the current business day, once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from domain.calendar import end_of_business_day


@dataclass(frozen=True, slots=True)
class LiveMoment:
    """What live facts, standings and labels are as of, in the shop's zone."""

    as_of: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class OpenedDay:
    """`customers` are to be looked at again, because something about them changes with the day."""

    day: date
    as_of: datetime
    customers: int


class BusinessDays(Protocol):
    """The shop's moment, and the record of the days it was moved to."""

    async def find_live_moment(self) -> LiveMoment | None:
        """None: there is no shop yet."""

    async def open(self, as_of: datetime, zone: str) -> OpenedDay | None:
        """In one transaction, while nobody computes: moves on, marks who is due, writes the job's record.

        None: somebody else did it."""


async def open_business_day(days: BusinessDays, now: datetime) -> OpenedDay | None:
    """None when the day is open already. Days that were missed are caught up with: whoever was due on one of
    them is due now. Several schedulers may ask at once; one of them does it."""
    live = await days.find_live_moment()
    if live is None:
        return None
    as_of = end_of_business_day(now, live.zone)
    if as_of <= live.as_of:
        return None
    return await days.open(as_of, live.zone)
