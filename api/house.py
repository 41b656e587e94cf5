"""What must be there before anything else: the shop, its sources, policies and label definitions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from api.settings import Settings
from db.policy_store import write_labels, write_presets
from db.shop_store import Shop, category_names, create_shop, ensure_source, find_shop
from domain.calendar import end_of_business_day
from domain.labels.rules import LABELS
from domain.tiers.presets import PRESETS


def business_now(settings: Settings) -> datetime:
    """Business time: `C360_CLOCK` where it is set. Token expiry and the like never ask here."""
    return settings.clock or datetime.now(UTC)


async def prepare_house(
    connection: Any,
    settings: Settings,
    *,
    name: str = "customer360",
    currency_code: str = "CNY",
    sources: Sequence[str] = (),
) -> Shop:
    """Makes what is missing; an operator's own stays. Run again after categories were imported: some labels
    are named after them. The zone and the currency of a shop never change once it is there."""
    async with connection.transaction():
        await create_shop(
            connection,
            Shop(
                name=name,
                currency_code=currency_code,
                time_zone=settings.zone.key,
                primary_policy=PRESETS[0].code,
                live_as_of=end_of_business_day(business_now(settings), settings.zone.key),
            ),
        )
        await write_presets(connection, PRESETS)
        await write_labels(connection, LABELS, await category_names(connection))
        for source in sources:
            await ensure_source(connection, source)
        shop = await find_shop(connection)
        assert shop is not None, "it was created above"
        return shop
