"""Days and weeks of the shop's time zone, for one moment or for arrays of millions.

A business day is (00:00, 24:00] local: an order at midnight belongs to the day that ends, so that at an
`as_of` of midnight a day is wholly inside or outside a window (C3). Days are numbered from 1970-01-01, weeks
run from Monday to Sunday.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = 0, 4_102_444_800  # 1970 to 2100: outside, the nearest offset holds


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """`offsets_us[i]` is what to add to UTC from `starts_us[i]` on."""

    zone: ZoneInfo
    starts_us: Integers
    offsets_us: Integers

    def day_numbers(self, moments_us: NDArray[Any]) -> Integers:
        """The business day of each moment (microseconds since 1970, UTC)."""
        before = moments_us.astype(np.int64, copy=False) - 1
        period = np.searchsorted(self.starts_us, before, side="right") - 1
        return (before + self.offsets_us[np.maximum(period, 0)]) // DAY_US

    def day_number(self, moment_us: int) -> int:
        return int(self.day_numbers(np.array([moment_us]))[0])

    def last_whole_day(self, as_of_us: int) -> int:
        """The last business day that has ended at `as_of`."""
        return self.day_number(as_of_us + 1) - 1

    def end_of_day(self, day: int) -> datetime:
        """The midnight that ends a business day, in UTC."""
        return _midnight_after(day, self.zone)


@lru_cache(maxsize=4_096)
def _midnight_after(day: int, zone: ZoneInfo) -> datetime:
    following = date(1970, 1, 1) + timedelta(days=day + 1)
    return datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)


def end_of_business_day(moment: datetime, zone: str) -> datetime:
    """The `as_of` of all that is live at that moment: the next local midnight, or the moment if it is one."""
    calendar = calendar_of(zone)
    return calendar.end_of_day(calendar.day_number(microseconds(moment)))


def microseconds(moment: datetime) -> int:
    """Since 1970, UTC, exactly. Errors: ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone.")
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_at(moment_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=moment_us)


def week_numbers(days: Integers) -> Integers:
    """Weeks from Monday to Sunday; week 0 holds 1970-01-01, a Thursday."""
    return (days + 3) // 7


def last_day_of_week(week: int) -> int:
    """Its Sunday."""
    return week * 7 + 3


@lru_cache(maxsize=8)
def calendar_of(zone: str) -> Calendar:
    """Errors: zoneinfo.ZoneInfoNotFoundError. Cost: about 0.1 s a zone, once.

    The changes of a zone are found by asking for its offset once a day and halving where it differs, because
    zoneinfo does not tell them; no zone has changed twice in one day since 1970.
    """
    found = ZoneInfo(zone)
    starts, offsets = [_FIRST_SECOND], [_offset(found, _FIRST_SECOND)]
    for second in range(_FIRST_SECOND + 86_400, _LAST_SECOND, 86_400):
        offset = _offset(found, second)
        if offset != offsets[-1]:
            starts.append(_change_between(found, second - 86_400, second))
            offsets.append(offset)
    return Calendar(found, np.array(starts, np.int64) * 1_000_000, np.array(offsets, np.int64) * 1_000_000)


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _change_between(zone: ZoneInfo, before: int, after: int) -> int:
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after
