"""The moment that everything live is of."""

from typing import Any

from sqlalchemy import ColumnElement, cast, func, literal_column, select

from db import tables as t

live_as_of = select(t.shop.c.live_as_of).scalar_subquery()
"""Live facts, standings and labels are as of this moment: the end of the current business day."""
zone = select(t.shop.c.time_zone).scalar_subquery()


def last_whole_day_before(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """The last business day that ended at or before a moment: category facts are cut to whole days."""
    return cast(func.timezone(zone, moment), t.category_days.c.day.type) - 1


def day_of(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """The business day: a moment at midnight belongs to the day that ends."""
    return cast(
        func.timezone(zone, moment - literal_column("INTERVAL '1 microsecond'")), t.category_days.c.day.type
    )


last_whole_day = last_whole_day_before(live_as_of)
"""The business day that ends at `live_as_of`."""
