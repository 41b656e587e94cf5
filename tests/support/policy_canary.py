"""A canary of the sixth policy, and whom it should have."""

from typing import Any

from own_policy import ACTIVATE
from policy_life import act, drafted, looked_at, work
from retailer import Retailer

from domain.tiers.canary import bucket

OWN = 7
STANDINGS = """
SELECT customer_id, code FROM tier_standings JOIN tiers USING (version_id, rank) WHERE policy_id = 7 ORDER BY 1
"""


async def begun(shop: Retailer, share: str, rule: dict[str, Any], *, worked: bool = True) -> str:
    """The id of a further version of `own` that runs as a canary."""
    version = await drafted(shop, rule)
    acted = await asked(shop, version, share)
    assert acted["userErrors"] == [], acted
    if worked:
        await work(shop)
    return version


async def asked(shop: Retailer, version: str, share: str | None) -> dict[str, Any]:
    """Activates it as it is seen now."""
    seen = (await looked_at(shop, version))["hash"]
    scope = None if share is None else {"share": share}
    return await act(shop, ACTIVATE, version=version, previewHash=seen, scope=scope)


async def ids(shop: Retailer) -> list[int]:
    return await shop.column("SELECT customer_id FROM customers ORDER BY 1")


def taken(customer_ids: list[int], buckets: int) -> set[int]:
    return {one for one in customer_ids if bucket(one, OWN) < buckets}


async def tiers(shop: Retailer) -> dict[int, str]:
    return {row[0]: row[1] for row in await shop.stores.pool.fetch(STANDINGS)}
