"""`c360 migrate`: brings the database to the newest tables and makes what a shop cannot do without."""

import asyncio

from rich.console import Console

from api.house import prepare_house
from api.settings import Settings, read_settings
from api.stores import open_stores


def run() -> None:
    asyncio.run(migrate(read_settings()))


async def migrate(settings: Settings) -> None:
    async with open_stores(settings) as stores, stores.pool.acquire() as connection:
        shop = await prepare_house(connection, settings)
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    Console().print(
        f"The database is at revision {revision}; the shop is {shop.name} ({shop.currency_code}, {shop.time_zone}), "
        f"its live moment {shop.live_as_of.astimezone(settings.zone):%Y-%m-%d %H:%M}.",
        highlight=False,
    )
