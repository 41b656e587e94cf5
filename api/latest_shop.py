"""The shop as one process knows it: read at start, and again when somebody says that it moved."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from api.caches import house_mark
from api.stores import Stores
from db.policy_store import read_versions
from db.ranking_store import Rankings, live_days
from db.shop_store import find_shop
from resolvers.context import ShopSettings
from resolvers.schema import schema

logger = logging.getLogger("c360.service")

SHOP_SECONDS = 5.0
"""How soon a process sees that the business day moved on or a policy got a new version, if nobody tells it."""


def print_sdl() -> str:
    return schema.as_str() + "\n"


@dataclass(slots=True)
class LatestShop:
    """`mark` names the settings in the keys of kept answers. Rankings that were read before are remembered.

    One read at a time, so that one which began before a change never follows one that saw it.
    """

    stores: Stores
    settings: ShopSettings
    rankings: Rankings
    sdl: str = field(default_factory=print_sdl)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether all that was heard of has been read."""
    mark: bytes = field(init=False)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.mark = house_mark(self.settings, self.sdl)
        self.settled.set()

    async def read_again(self) -> None:
        async with self._reading:
            self.settings = await read_shop(self.stores, self.rankings)
            self.mark = house_mark(self.settings, self.sdl)

    def hear(self, names: Sequence[bytes] | None) -> None:
        """What caches are told to forget; None is something that concerns everybody."""
        if names is None:
            self.settled.clear()
            self.moved.set()

    async def follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.moved.wait(), SHOP_SECONDS)
            self.moved.clear()
            try:
                await self.read_again()
            except Exception:
                logger.exception("the shop's settings could not be read; the last ones stay")
            if not self.moved.is_set():
                self.settled.set()


async def open_shop(stores: Stores) -> LatestShop:
    rankings = Rankings()
    return LatestShop(stores, await read_shop(stores, rankings), rankings)


async def read_shop(stores: Stores, rankings: Rankings) -> ShopSettings:
    async with stores.pool.acquire() as connection:
        shop = await find_shop(connection)
        days = await live_days(connection)
        versions = await rankings.bound(connection, await read_versions(connection), days)
    assert shop is not None, "prepare_house has made it"
    return ShopSettings(
        name=shop.name,
        currency_code=shop.currency_code,
        time_zone=shop.time_zone,
        primary_policy=shop.primary_policy,
        live_as_of=shop.live_as_of,
        versions={version_id: version for version_id, (_, version) in versions.items()},
    )
