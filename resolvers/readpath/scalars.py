"""Scalars whose text SQL and Python print alike, and whose values SQL cannot fail on."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import strawberry

ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EXACT_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?")


def print_moment(value: datetime) -> str:
    """As PostgreSQL's to_json with TimeZone UTC: a fraction without trailing zeros, then +00:00."""
    value = value.astimezone(UTC)
    fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return f"{value.strftime('%Y-%m-%dT%H:%M:%S').rjust(19, '0')}{fraction}+00:00"


def read_moment(text: object) -> datetime:
    value = datetime.fromisoformat(str(text))
    if value.tzinfo is None:
        raise ValueError("a moment needs an offset, as in 2026-11-01T08:00:00+08:00")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment must lie in the years 1 to 9999") from error


def read_day(text: object) -> date:
    if not ISO_DAY.fullmatch(str(text)):
        raise ValueError("a day is written as in 2026-11-25")
    return date.fromisoformat(str(text))


def read_amount(text: object) -> Decimal:
    if not EXACT_NUMBER.fullmatch(str(text)):
        raise ValueError("a number has at most 20 digits before the point and 12 behind, as in 12.50")
    return Decimal(str(text))


def print_amount(value: Decimal) -> str:
    return format(value, "f")


def scalar_map() -> dict[object, Any]:
    """For StrawberryConfig: how moments, days and exact numbers appear in the schema."""
    return {
        datetime: strawberry.scalar(
            name="DateTime",
            description="A moment: RFC 3339, with offset.",
            serialize=print_moment,
            parse_value=read_moment,
            specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        ),
        date: strawberry.scalar(
            name="Date",
            description="A calendar day, as in 2026-11-25.",
            serialize=date.isoformat,
            parse_value=read_day,
        ),
        Decimal: strawberry.scalar(
            name="Decimal",
            description="An exact decimal number, as a string.",
            serialize=print_amount,
            parse_value=read_amount,
        ),
    }
