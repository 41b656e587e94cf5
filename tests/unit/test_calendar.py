"""Business days and weeks of a time zone, equal to zoneinfo at every moment."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import (
    calendar_of,
    end_of_business_day,
    last_day_of_week,
    microseconds,
    moment_at,
    week_numbers,
)

ZONES = [
    "Asia/Shanghai",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
]
MOMENTS = st.datetimes(datetime(1970, 1, 3), datetime(2099, 12, 30), timezones=st.just(UTC))
EPOCH_DAY = date(1970, 1, 1)


def _number(day: date) -> int:
    return (day - EPOCH_DAY).days


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.lists(MOMENTS, max_size=20))
def test_days_are_those_of_zoneinfo(zone: str, moments: list[datetime]) -> None:
    days = calendar_of(zone).day_numbers(np.array([microseconds(m) for m in moments], np.int64))

    just_before = [(m - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() for m in moments]
    assert days.tolist() == [_number(day) for day in just_before]


@settings(deadline=None)
@given(st.sampled_from(ZONES), MOMENTS)
def test_a_moment_lies_in_its_business_day(zone: str, moment: datetime) -> None:
    calendar = calendar_of(zone)
    day = calendar.day_number(microseconds(moment))

    assert calendar.end_of_day(day - 1) < moment <= calendar.end_of_day(day)


@settings(deadline=None)
@given(st.sampled_from(ZONES), MOMENTS)
def test_a_day_is_whole_only_when_it_has_ended(zone: str, moment: datetime) -> None:
    calendar = calendar_of(zone)
    day = calendar.last_whole_day(microseconds(moment))

    assert calendar.end_of_day(day) <= moment < calendar.end_of_day(day + 1)


@pytest.mark.parametrize(
    ("words", "zone", "at", "end"),
    [
        ("at noon", "Asia/Shanghai", "2026-11-22T12:00:00+08:00", "2026-11-23T00:00:00+08:00"),
        (
            "at midnight the day that ends",
            "Asia/Shanghai",
            "2026-11-22T00:00:00+08:00",
            "2026-11-22T00:00:00+08:00",
        ),
        (
            "just after midnight",
            "Asia/Shanghai",
            "2026-11-22T00:00:00.000001+08:00",
            "2026-11-23T00:00:00+08:00",
        ),
        ("a day of 25 h", "America/New_York", "2026-11-01T00:30:00-04:00", "2026-11-02T00:00:00-05:00"),
        ("a day of 23 h", "America/New_York", "2026-03-08T00:30:00-05:00", "2026-03-09T00:00:00-04:00"),
        (
            "a day that begins at 01:00",
            "America/Sao_Paulo",
            "2018-11-03T23:59:00-03:00",
            "2018-11-04T01:00:00-02:00",
        ),
    ],
)
def test_live_facts_are_as_of_the_next_local_midnight(words: str, zone: str, at: str, end: str) -> None:
    assert end_of_business_day(datetime.fromisoformat(at), zone) == datetime.fromisoformat(end)


def test_weeks_run_from_monday_to_sunday() -> None:
    monday, sunday = _number(date(2026, 11, 16)), _number(date(2026, 11, 22))

    weeks = week_numbers(np.array([monday - 1, monday, sunday, sunday + 1]))

    assert (weeks - weeks[1]).tolist() == [-1, 0, 0, 1]
    assert last_day_of_week(int(weeks[1])) == sunday


@given(MOMENTS)
def test_microseconds_are_exact(moment: datetime) -> None:
    assert moment_at(microseconds(moment)) == moment


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        microseconds(datetime(2026, 11, 22))
