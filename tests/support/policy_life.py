"""The life of a sixth policy over GraphQL, as operators lead it: drafted, looked at, put in force, worked through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from own_policy import ACTIVATE, CREATE, DRAFT, PREVIEW, RULE
from retailer import NOW, Retailer

from api.recompute import review_store
from api.settings import Settings
from domain.privacy.viewer import Role
from domain.standings.review_customers import review_customers

FORGET = """
DELETE FROM tier_transitions WHERE policy_id = 7; DELETE FROM tier_standings WHERE policy_id = 7;
DELETE FROM tier_policy_previews; DELETE FROM dirty_customers; DELETE FROM outbox WHERE kind = 'POLICY_CHANGED';
DELETE FROM tier_rankings USING tier_policy_versions AS v
WHERE v.version_id = tier_rankings.version_id AND policy_id = 7;
DELETE FROM tier_policy_canaries; DELETE FROM tier_canary_groups;
DELETE FROM tiers USING tier_policy_versions AS v WHERE v.version_id = tiers.version_id AND policy_id = 7;
DELETE FROM tier_policy_versions WHERE policy_id = 7; DELETE FROM tier_policies WHERE policy_id = 7;
UPDATE customer_standings SET tiers = tiers & ~(255::bigint << 56), raw_tiers = raw_tiers & ~(255::bigint << 56),
  versions = versions & ~(255::bigint << 56);
"""


@asynccontextmanager
async def five_policies(retailer: Retailer) -> AsyncIterator[Retailer]:
    """The retailer, afterwards as it was."""
    live_as_of = await retailer.value("SELECT live_as_of FROM shop")
    yield retailer
    await retailer.stores.pool.execute(FORGET)
    await retailer.stores.pool.execute("UPDATE shop SET live_as_of = $1", live_as_of)


async def act(shop: Retailer, text: str, **given: Any) -> dict[str, Any]:
    answer = await shop.ask(text, Role.OPERATOR, {"input": given})
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["acted"]
    return found


async def drafted(shop: Retailer, rule: dict[str, Any] = RULE) -> str:
    """The id of a first or further version of the policy `own`."""
    if await shop.value("SELECT count(*) FROM tier_policies WHERE code = 'own'"):
        acted = await act(shop, DRAFT, policy="own", rule=rule)
    else:
        acted = await act(shop, CREATE, code="own", name="自有", rule=rule)
    found: str = acted["tierPolicyVersion"]["id"]
    return found


async def looked_at(shop: Retailer, version: str) -> dict[str, Any]:
    return await act(shop, PREVIEW, policy="own", candidate={"version": version})


async def activated(shop: Retailer, rule: dict[str, Any] = RULE) -> str:
    version = await drafted(shop, rule)
    acted = await act(shop, ACTIVATE, version=version, previewHash=(await looked_at(shop, version))["hash"])
    assert acted["userErrors"] == []
    await work(shop)
    return version


async def work(shop: Retailer) -> None:
    """What the worker does, until nobody waits."""
    store = review_store(Settings(clock=NOW), shop.stores)
    while True:
        async with store.next_dirty() as batch:
            await review_customers(batch)
            if batch.size == 0:
                return


def codes(acted: dict[str, Any]) -> list[tuple[list[str], str]]:
    return [(error["field"], error["code"]) for error in acted["userErrors"]]
