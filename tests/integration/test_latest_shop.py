"""A process knows new versions of policies as soon as it hears that something moved for everybody."""

import asyncio
import json
from dataclasses import replace

import pytest
from cache_stores import until
from own_policy import CREATE, RULE
from retailer import Retailer

from api import latest_shop
from api.engine_port import GraphQLRequest
from api.latest_shop import SHOP_SECONDS, open_shop
from api.tasks import end_task
from domain.privacy.viewer import Role, Viewer
from resolvers.context import ShopSettings

OPERATOR = Viewer("tester", Role.OPERATOR)
NEWEST = "SELECT max(version_id) FROM tier_policy_versions"


async def test_a_draft_of_another_process_is_known_when_it_is_heard_of(retailer: Retailer) -> None:
    shop = await open_shop(retailer.stores)
    before, following = shop.mark, asyncio.ensure_future(shop.follow())
    given = {"input": {"code": "heard", "name": "听说", "rule": RULE}}
    answer = await retailer.ask(CREATE, Role.OPERATOR, given)
    assert answer["data"]["acted"]["userErrors"] == []
    drafted = await retailer.value(NEWEST)
    assert drafted not in shop.settings.versions

    shop.hear(None)
    async with asyncio.timeout(SHOP_SECONDS / 2):
        await until(lambda: drafted in shop.settings.versions)

    assert shop.mark != before
    await end_task(following)


async def test_a_change_of_one_customer_is_no_reason_to_read_the_shop(retailer: Retailer) -> None:
    shop = await open_shop(retailer.stores)

    shop.hear([b"c:1"])
    assert not shop.moved.is_set()

    shop.hear(None)
    assert shop.moved.is_set()


async def test_an_operation_waits_until_what_was_heard_of_is_known(retailer: Retailer) -> None:
    shop = await open_shop(retailer.stores)
    engine = replace(retailer.api, settled=shop.settled)
    shop.hear(None)
    asked = asyncio.ensure_future(engine.execute(GraphQLRequest(query="{ __typename }"), OPERATOR))
    await asyncio.sleep(0.05)
    assert not asked.done()

    following = asyncio.ensure_future(shop.follow())
    async with asyncio.timeout(SHOP_SECONDS / 2):
        answer = await asked
    assert json.loads(answer.body)["data"] == {"__typename": "Query"}
    await end_task(following)


async def test_a_read_that_began_before_a_change_does_not_undo_it(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await open_shop(retailer.stores)
    older, newer = shop.settings, replace(shop.settings, name="newer")
    may_end, waiting = asyncio.Event(), [older, newer]

    async def read(*_: object) -> ShopSettings:
        found = waiting.pop(0)
        if found is older:
            await may_end.wait()
        return found

    monkeypatch.setattr(latest_shop, "read_shop", read)
    first = asyncio.ensure_future(shop.read_again())
    await asyncio.sleep(0)
    second = asyncio.ensure_future(shop.read_again())
    await asyncio.sleep(0.01)
    may_end.set()
    await asyncio.gather(first, second)

    assert shop.settings.name == "newer"
