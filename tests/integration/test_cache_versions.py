import asyncio

import pytest
from cache_stores import kept_up, until, versions_at

from db.cache_line import CacheLine
from db.cache_versions import ANY_CUSTOMER, HOUSE, LEASE_SECONDS, SETTLE_SECONDS, customer
from db.embedded_valkey import start_valkey
from db.keys import LocalKeys
from db.versioned_values import CacheSeal, Value, VersionedValues

SEAL = CacheSeal(LocalKeys(key_encryption=b"k" * 32, blind_index=b"i" * 32))
KEY = SEAL.name(b"an answer")


async def test_whoever_changes_waits_longer_than_anybody_trusts():
    assert SETTLE_SECONDS > LEASE_SECONDS


async def test_a_change_is_known_to_every_process_when_it_is_said(own_valkey_url):
    forgotten = []
    async with versions_at(own_valkey_url) as one, versions_at(own_valkey_url) as other:
        other.forget.append(forgotten.append)
        for number in range(300):
            assert await other.make_certain()
            forgotten.clear()
            assert await one.customers_changed([number])
            if not other.is_certain:  # what a reader does before it uses what it kept
                assert await other.make_certain()
            assert {name for names in forgotten for name in names} == {customer(number), ANY_CUSTOMER}


async def test_many_customers_at_once_are_everybody(own_valkey_url):
    forgotten = []
    async with versions_at(own_valkey_url) as one, versions_at(own_valkey_url) as other:
        other.forget.append(forgotten.append)
        await one.customers_changed(range(10_000))
        await other.make_certain()
        assert None in forgotten


async def test_an_emptied_server_empties_every_process(own_valkey_url):
    forgotten = []
    async with versions_at(own_valkey_url) as versions:
        versions.forget.append(forgotten.append)
        async with kept_up(CacheLine(url=own_valkey_url)) as line:
            await line.ask(b"FLUSHALL")
        await versions.make_certain()
        assert forgotten == [None]


async def test_a_lost_line_empties_its_process_and_what_was_kept_in_the_server(own_valkey_url):
    forgotten = []
    async with versions_at(own_valkey_url) as one, versions_at(own_valkey_url) as other:
        values = VersionedValues(other, SEAL)
        await kept(values, customer(1))
        one.forget.append(forgotten.append)
        one.line.drop("a test")
        assert not one.is_certain
        assert not await one.make_certain()
        await until(lambda: one.line.is_up)
        assert forgotten.count(None) >= 2
        await until(lambda: not other._known)
        assert await found(values) is None


async def test_a_change_that_was_lost_with_its_connection_is_told_before_it_is_answered(own_valkey_url):
    forgotten = []
    async with versions_at(own_valkey_url) as one, versions_at(own_valkey_url) as other:
        other.forget.append(forgotten.append)
        for lost_before in (False, True):
            changing = asyncio.ensure_future(one.customers_changed([2]))
            if not lost_before:
                await asyncio.sleep(0)
            one.line.drop("a test")
            assert await changing
            await other.make_certain()
            assert customer(2) in told(forgotten)
            assert None in forgotten, "others may have been lost with it"
            forgotten.clear()


def told(forgotten):
    return {name for names in forgotten if names is not None for name in names}


async def kept(values: VersionedValues, *names: bytes, seconds: float = 60) -> None:
    watch = values.versions.watch()
    await values.put(KEY, Value(b"body", names, 12.5), watch, seconds=seconds)
    values.versions.end(watch)


async def found(values: VersionedValues) -> Value | None:
    """By either way of looking for it."""
    watch = values.versions.watch()
    alone = await values.find(KEY, watch)
    (value,) = await values.get([KEY], watch)
    values.versions.end(watch)
    assert alone == value
    return value


@pytest.mark.parametrize("moved", [customer(1), customer(2), HOUSE])
async def test_a_value_is_good_in_every_process_until_something_it_depends_on_moves(own_valkey_url, moved):
    async with versions_at(own_valkey_url) as one, versions_at(own_valkey_url) as other:
        await kept(VersionedValues(one, SEAL), customer(1), customer(2))
        good = Value(b"body", (customer(1), customer(2), HOUSE), 12.5)
        assert await found(VersionedValues(one, SEAL)) == good
        assert await found(VersionedValues(other, SEAL)) == good
        await one.move([customer(3)])
        assert await found(VersionedValues(other, SEAL)) == good
        await one.move([moved])
        assert await found(VersionedValues(one, SEAL)) is None
        assert await found(VersionedValues(other, SEAL)) is None


async def test_what_moved_during_the_read_is_not_kept(own_valkey_url):
    async with versions_at(own_valkey_url) as one, versions_at(own_valkey_url) as other:
        values = VersionedValues(one, SEAL)
        await one.move([HOUSE])
        watch = one.watch()
        await other.customers_changed([7])
        await values.put(KEY, Value(b"body", (customer(7),), 0.0), watch, seconds=60)
        assert await found(values) is None


async def test_a_version_that_was_lost_makes_no_old_value_good(own_valkey_url):
    async with versions_at(own_valkey_url) as one, versions_at(own_valkey_url) as other:
        values = VersionedValues(one, SEAL)
        await kept(values, customer(5))
        assert await found(values) is not None
        await other.line.ask(b"DEL", b"c360:v:" + customer(5))
        assert await found(values) is None
        assert await found(VersionedValues(other, SEAL)) is None


async def test_a_server_that_comes_back_with_what_it_once_saved_makes_no_old_value_good(tmp_path):
    server = start_valkey(tmp_path)
    async with versions_at(server.url) as versions:
        values = VersionedValues(versions, SEAL)
        await kept(values, customer(5))
        await versions.line.ask(b"SAVE")
        life = versions.line.server_life
    server.stop()
    server = start_valkey(tmp_path)
    async with versions_at(server.url) as versions:
        assert await found(VersionedValues(versions, SEAL)) is None
        assert life not in (b"", versions.line.server_life)
    server.stop()


async def test_values_are_sealed_and_bound_to_their_key(own_valkey_url):
    async with versions_at(own_valkey_url) as versions:
        values = VersionedValues(versions, SEAL)
        watch = versions.watch()
        secret = SEAL.name(b"somebody else's answer")
        await values.put(secret, Value(b"13812345678", (customer(1),), 0.0), watch, seconds=60)
        sealed = await versions.line.ask(b"GET", values._place(secret))
        assert b"13812345678" not in sealed
        await versions.line.ask(b"SET", values._place(KEY), sealed, b"EX", b"60")
        assert await found(values) is None, "passed off as another answer"
        await versions.line.ask(b"SET", values._place(KEY), b"nonsense", b"EX", b"60")
        assert await found(values) is None


async def test_without_a_server_everything_is_a_miss_and_nothing_raises(tmp_path):
    async with versions_at(f"unix://{tmp_path}/nobody") as versions:
        values = VersionedValues(versions, SEAL)
        assert await found(values) is None
        await kept(values, customer(1))
        assert not await versions.customers_changed([1])
        assert not await versions.everything_changed()


async def test_many_who_ask_at_one_moment_share_one_question(own_valkey_url):
    async with versions_at(own_valkey_url) as versions:
        sent = []
        versions.line._wire.send, send = (
            lambda command: sent.append(command) or send(command),
            (versions.line._wire.send),
        )
        await asyncio.sleep(0.01)
        assert all(await asyncio.gather(*(versions.make_certain() for _ in range(40))))
        assert len(sent) == 1


def test_names_of_values_differ_wherever_their_parts_do():
    assert SEAL.name(b"ab", b"c") != SEAL.name(b"a", b"bc") != SEAL.name(b"abc")
