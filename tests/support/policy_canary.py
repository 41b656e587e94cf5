"""A canary of the sixth policy, and whom it should have."""

from typing import Any

from own_policy import ACTIVATE
from policy_life import act, drafted, looked_at, work
from retailer import Retailer

from domain.tiers.canary import bucket

OWN = 7
BUSINESS = {"kind": "BUSINESS"}
WHOLE = """
SELECT (SELECT array_agg(status ORDER BY version_id) FROM tier_policy_versions), (SELECT count(*) FROM dirty_customers),
       (SELECT max(event_id) FROM outbox), (SELECT count(*) FROM audit_log), (SELECT count(*) FROM tier_canary_groups),
       (SELECT array_agg((share, scope_where, share_since)::text) FROM tier_policy_canaries)
"""
"""All that a refused step might have changed."""
STANDINGS = """
SELECT customer_id, code FROM tier_standings JOIN tiers USING (version_id, rank) WHERE policy_id = 7 ORDER BY 1
"""


async def begun(
    shop: Retailer,
    share: str | None,
    rule: dict[str, Any],
    *,
    where: dict[str, Any] | None = None,
    worked: bool = True,
) -> str:
    """The id of a further version of `own` that runs as a canary."""
    version = await drafted(shop, rule)
    acted = await asked(shop, version, share, where=where)
    assert acted["userErrors"] == [], acted
    if worked:
        await work(shop)
    return version


async def asked(
    shop: Retailer, version: str, share: str | None, *, where: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Activates it as it is seen now."""
    seen = (await looked_at(shop, version))["hash"]
    said = {"share": share, "where": where}
    scope = {name: value for name, value in said.items() if value is not None}
    return await act(shop, ACTIVATE, version=version, previewHash=seen, scope=scope or None)


async def listed(shop: Retailer, where: dict[str, Any]) -> list[int]:
    """Whom customers(where:) lists: the second reader of a group."""
    text = (
        "query ($where: CustomerFilter, $after: String) { customers(first: 100, after: $after, where: $where) { \
nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    found: list[int] = []
    page: dict[str, Any] = {"endCursor": None, "hasNextPage": True}
    while page["hasNextPage"]:
        answer = await shop.ask(text, variables={"where": where, "after": page["endCursor"]})
        page = answer["data"]["customers"]["pageInfo"]
        found += [int(one["id"][4:]) for one in answer["data"]["customers"]["nodes"]]
    return sorted(found)


async def ids(shop: Retailer) -> list[int]:
    return await shop.column("SELECT customer_id FROM customers ORDER BY 1")


def taken(customer_ids: list[int], buckets: int) -> set[int]:
    return {one for one in customer_ids if bucket(one, OWN) < buckets}


async def tiers(shop: Retailer) -> dict[int, str]:
    return {row[0]: row[1] for row in await shop.stores.pool.fetch(STANDINGS)}
