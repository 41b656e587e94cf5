"""A process knows new versions of policies as soon as it hears that something moved for everybody."""

import asyncio

from cache_stores import until
from own_policy import CREATE, RULE
from retailer import Retailer

from api.latest_shop import SHOP_SECONDS, open_shop
from api.tasks import end_task
from domain.privacy.viewer import Role

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
