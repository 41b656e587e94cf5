"""The shop's one row: name, currency, time zone, and the moment that everything live is as of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """`live_as_of` is the end of the business day that the last nightly run opened."""

    name: str
    currency_code: str
    time_zone: str
    primary_policy: str
    live_as_of: datetime


FIND = "SELECT name, currency_code, time_zone, primary_policy, live_as_of FROM shop"
CREATE = """
INSERT INTO shop (shop_id, name, currency_code, time_zone, primary_policy, live_as_of)
VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
MOVE_ON = "UPDATE shop SET live_as_of = $1 WHERE live_as_of < $1"


async def find_shop(connection: Any) -> Shop | None:
    row = await connection.fetchrow(FIND)
    return Shop(**dict(row)) if row else None


async def create_shop(connection: Any, shop: Shop) -> None:
    """Does nothing where there is a shop already."""
    await connection.execute(
        CREATE, shop.name, shop.currency_code, shop.time_zone, shop.primary_policy, shop.live_as_of
    )


async def move_on(connection: Any, live_as_of: datetime) -> None:
    """Opens the business day that ends at this moment; never goes back."""
    await connection.execute(MOVE_ON, live_as_of)


async def category_names(connection: Any) -> dict[int, str]:
    rows = await connection.fetch("SELECT category_id, name FROM categories")
    return {row["category_id"]: row["name"] for row in rows}


async def ensure_source(connection: Any, code: str, *, kind: str = "STREAM") -> None:
    """A source that events may name; one that is there already stays as it is."""
    await connection.execute(
        "INSERT INTO sources (code, words, kind) VALUES ($1, $1, $2) ON CONFLICT (code) DO NOTHING",
        code,
        kind,
    )
