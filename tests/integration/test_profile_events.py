"""Profile changes on the real tables: identities, referrals, communities."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio
from events_taken import rejected_alone
from shops import NOON, TestShop, days, event, open_shop, order

from domain.customers.profile import CustomerKind
from domain.errors import ErrorCode
from domain.ingest.events import (
    CustomerKey,
    ProfileChangeEvent,
)


@pytest_asyncio.fixture
async def shop(migrated_database_url: str) -> AsyncIterator[TestShop]:
    async with open_shop(migrated_database_url) as opened:
        await opened.add_customers("ann", "bob")
        await opened.pool.execute("DELETE FROM dirty_customers")
        await opened.pool.execute("DELETE FROM dirty_graph_keys")
        yield opened


async def test_an_unknown_external_id_becomes_a_customer(shop: TestShop) -> None:
    change = ProfileChangeEvent(name="王芳", phone="138 0000 1234", kind=CustomerKind.BUSINESS, city="成都")

    await shop.ingest(event("new", change, ago=days(3)), event("new", order("1", 100)))

    row = await shop.pool.fetchrow(
        "SELECT * FROM customers WHERE customer_id = $1", await shop.customer_id("new")
    )
    cipher = shop.stores.cipher
    opened = [cipher.open(row["data_key"], row[name], field=name) for name in ("name", "phone")]
    assert opened == ["王芳", "+8613800001234"]
    assert (row["kind"], row["city"], row["registered_at"], row["email"]) == (
        "BUSINESS",
        "成都",
        NOON - days(3),
        None,
    )


async def test_a_new_phone_replaces_the_old_one_in_the_index(shop: TestShop) -> None:
    await shop.ingest(event("ann", ProfileChangeEvent(phone="13800001234"), ago=days(2)))
    await shop.ingest(event("ann", ProfileChangeEvent(phone="13900005678"), ago=days(1)))

    by_phone = [
        replace(event("x", order(phone, 100)), customer=CustomerKey(phone=phone))
        for phone in ("13800001234", "13900005678")
    ]
    result = await shop.ingest(*by_phone)

    assert [(one.index, one.code) for one in result.rejected] == [(0, ErrorCode.NOT_FOUND)]
    assert result.accepted == 1
    hashes = await shop.pool.fetch("SELECT value_hash FROM identities")
    assert [row["value_hash"] for row in hashes] == [
        shop.stores.cipher.blind_index("PHONE", "+8613900005678")
    ]


async def test_an_older_profile_change_that_arrives_late_changes_nothing(shop: TestShop) -> None:
    await shop.ingest(event("ann", ProfileChangeEvent(city="北京"), ago=days(0)))
    await shop.ingest(event("ann", ProfileChangeEvent(city="上海"), ago=days(2)))

    ann = await shop.customer_id("ann")
    assert await shop.pool.fetchval("SELECT city FROM customers WHERE customer_id = $1", ann) == "北京"


async def test_an_invalid_phone_is_flagged_and_not_indexed(shop: TestShop) -> None:
    await shop.ingest(event("ann", ProfileChangeEvent(phone="12345")))

    ann = await shop.customer_id("ann")
    row = await shop.pool.fetchrow("SELECT flags, raw FROM source_records WHERE customer_id = $1", ann)
    assert row["flags"] == ["PHONE_INVALID"]
    assert b"12345" not in row["raw"]
    assert await shop.pool.fetchval("SELECT count(*) FROM identities") == 0
    assert await shop.pool.fetchval("SELECT phone FROM customers WHERE customer_id = $1", ann) is None


async def test_two_customers_with_one_phone_are_ambiguous(shop: TestShop) -> None:
    await shop.ingest(*(event(name, ProfileChangeEvent(phone="13800001234")) for name in ("ann", "bob")))
    await shop.pool.execute("DELETE FROM dirty_customers")

    by_phone = replace(event("x", order("1", 100)), customer=CustomerKey(phone="13800001234"))

    assert (await rejected_alone(shop, by_phone))[0] == ErrorCode.AMBIGUOUS


async def test_an_external_id_names_nobody_by_the_phone_beside_it(shop: TestShop) -> None:
    """Until identities are resolved, one customer for each source and external id."""
    await shop.ingest(event("ann", ProfileChangeEvent(phone="13800001234")))
    both = CustomerKey(external_id="carl", phone="13800001234")

    await shop.ingest(replace(event("carl", ProfileChangeEvent(city="广州")), customer=both))

    assert await shop.customer_id("carl") not in {await shop.customer_id("ann"), None}


async def test_a_referral_marks_the_referrer_and_the_one_before(shop: TestShop) -> None:
    await shop.ingest(event("new", ProfileChangeEvent(referred_by="ann"), ago=days(1)))
    assert await shop.dirty() == {"new": "EVENT", "ann": "EVENT"}
    await shop.pool.execute("DELETE FROM dirty_customers")

    await shop.ingest(event("new", ProfileChangeEvent(referred_by="bob")))

    assert await shop.dirty() == {"new": "EVENT", "ann": "EVENT", "bob": "EVENT"}
    rows = await shop.pool.fetch("SELECT referrer_id, referred_at FROM referrals")
    assert [tuple(row) for row in rows] == [(await shop.customer_id("bob"), NOON - days(1))]


async def test_a_customer_joins_a_community(shop: TestShop) -> None:
    await shop.pool.execute(
        "INSERT INTO communities (source_id, external_id, name, city) VALUES (1, 'c1', '一村', '上海')"
    )

    await shop.ingest(event("ann", ProfileChangeEvent(community="c1")))

    ann = await shop.customer_id("ann")
    assert await shop.pool.fetchval("SELECT community_id FROM customers WHERE customer_id = $1", ann) == 1


async def test_an_erased_customer_takes_no_profile(shop: TestShop) -> None:
    await shop.pool.execute("UPDATE customers SET data_key = NULL")

    assert (await rejected_alone(shop, event("ann", ProfileChangeEvent(city="北京"))))[
        0
    ] == ErrorCode.WRONG_STATE
