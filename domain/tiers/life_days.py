"""Month and year ends as day numbers from 1970-01-01."""

from calendar import monthrange
from datetime import date
from functools import lru_cache

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
NEVER_DAY = date(9999, 12, 30).toordinal() - EPOCH_ORDINAL


@lru_cache(maxsize=1024)
def month_end_after(day: int) -> int:
    """The first last day of a month behind `day`."""
    following = date_of(day + 1)
    return day_of(following.replace(day=monthrange(following.year, following.month)[1]))


def year_end_from(day: int) -> int:
    """The last day of the year that `day` is in."""
    return day_of(date_of(day).replace(month=12, day=31))


def date_of(day: int) -> date:
    return date.fromordinal(EPOCH_ORDINAL + day)


def day_of(day: date) -> int:
    return day.toordinal() - EPOCH_ORDINAL
