"""The moment that everything live is of."""

from sqlalchemy import cast, func, select

from db import tables as t

live_as_of = select(t.shop.c.live_as_of).scalar_subquery()
"""Live facts, standings and labels are as of this moment: the end of the current business day."""
zone = select(t.shop.c.time_zone).scalar_subquery()
last_whole_day = cast(func.timezone(zone, live_as_of), t.category_days.c.day.type) - 1
"""The business day that ends at `live_as_of`: category facts are cut to whole days."""
