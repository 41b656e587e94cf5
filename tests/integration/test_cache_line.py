import asyncio
import random
import time

import pytest
from cache_stores import greet, kept_up, tcp_server, until

from db.cache_line import CacheLine
from db.resp3 import ReplyError
from domain.errors import StoreUnavailable

PATIENT = 5.0
"""Seconds a line of these tests waits for a server that works, however busy the machine is."""


async def test_what_is_set_is_got_and_what_is_deleted_is_gone(own_valkey_url):
    async with kept_up(CacheLine(url=own_valkey_url, answer_seconds=PATIENT)) as line:
        assert await line.ask(b"SET", b"t:a", b"one\r\n\x00two", b"EX", b"60") == b"OK"
        assert await line.ask(b"MGET", b"t:a", b"t:none") == [b"one\r\n\x00two", None]
        assert await line.ask(b"TTL", b"t:a") == 60
        assert await line.ask(b"DEL", b"t:a") == 1
        assert await line.ask(b"GET", b"t:a") is None


async def test_what_the_server_refuses_fails_alone(own_valkey_url):
    async with kept_up(CacheLine(url=own_valkey_url, answer_seconds=PATIENT)) as line:
        wrong, right = line.send(b"NO-SUCH-COMMAND"), line.send(b"PING")
        assert isinstance(await wrong, ReplyError)
        assert await right == b"PONG"
        with pytest.raises(StoreUnavailable):
            await line.ask(b"NO-SUCH-COMMAND")
        assert line.is_up


async def test_a_large_value_comes_whole(own_valkey_url):
    value = random.Random(7).randbytes(3_000_000)
    async with kept_up(CacheLine(url=own_valkey_url, answer_seconds=PATIENT)) as line:
        await line.ask(b"SET", b"t:large", value, b"EX", b"60")
        assert await line.ask(b"GET", b"t:large") == value


async def test_answers_of_those_who_left_reach_nobody_else(own_valkey_url):
    chance = random.Random(11)
    async with kept_up(CacheLine(url=own_valkey_url, answer_seconds=PATIENT)) as line:
        for number in range(100):
            await line.ask(b"SET", b"t:%d" % number, b"value %d" % number, b"EX", b"60")

        async def read(number: int) -> None:
            asked = asyncio.ensure_future(line.ask(b"GET", b"t:%d" % number))
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() / 1000)
                asked.cancel()
            try:
                assert await asked == b"value %d" % number
            except asyncio.CancelledError:
                return

        for _ in range(20):
            await asyncio.gather(*(read(chance.randrange(100)) for _ in range(100)))


async def test_tracked_keys_are_pushed_before_later_replies(own_valkey_url):
    pushes = []
    reader = CacheLine(url=own_valkey_url, tracked=b"t:v:", on_push=pushes.append, answer_seconds=PATIENT)
    async with kept_up(reader), kept_up(CacheLine(url=own_valkey_url, answer_seconds=PATIENT)) as writer:
        await writer.ask(b"SET", b"t:v:1", b"x", b"EX", b"60")
        await reader.ask(b"PING")
        assert [push.items for push in pushes] == [[b"invalidate", [b"t:v:1"]]]
        await reader.ask(b"SET", b"t:v:2", b"x", b"EX", b"60")
        await writer.ask(b"SET", b"t:other", b"x", b"EX", b"60")
        await reader.ask(b"PING")
        assert len(pushes) == 1, "one's own changes and other prefixes are not pushed"


async def test_commands_of_one_moment_leave_in_one_write():
    writes = []

    async def serve(reader, writer):
        await greet(reader, writer)
        while received := await reader.read(100_000):
            writes.append(received)
            writer.write(b"+PONG\r\n" * received.count(b"PING"))

    async with tcp_server(serve) as url, kept_up(CacheLine(url=url, answer_seconds=PATIENT)) as line:
        before = len(writes)
        assert await asyncio.gather(*(line.ask(b"PING") for _ in range(50))) == [b"PONG"] * 50
        assert len(writes) == before + 1


async def silent(reader, writer):
    await reader.read()


async def test_a_silent_server_is_away():
    async with tcp_server(silent) as url, kept_up(CacheLine(url=url)) as line:
        assert not line.is_up
        with pytest.raises(StoreUnavailable):
            line.send(b"PING")


async def greeted_then_silent(reader, writer):
    await greet(reader, writer)
    await reader.read()


async def greeted_then_dying_inside_a_reply(reader, writer):
    await greet(reader, writer)
    while received := await reader.read(100_000):
        if b"GET" in received:
            writer.write(b"$100\r\nonly so mu")
            return


async def greeted_then_babbling(reader, writer):
    await greet(reader, writer)
    while received := await reader.read(100_000):
        if b"GET" in received:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def greeted_then_slow(reader, writer):
    await greet(reader, writer)
    await reader.readuntil(b"GET")
    await asyncio.sleep(0.4)
    writer.write(b"+late\r\n")
    await reader.read()


@pytest.mark.parametrize(
    "serve",
    [
        greeted_then_silent,
        greeted_then_dying_inside_a_reply,
        greeted_then_babbling,
        greeted_then_slow,
    ],
)
async def test_a_server_that_fails_costs_everybody_who_waits_once_and_nobody_after(serve):
    downs = []
    async with tcp_server(serve) as url:
        line = CacheLine(url=url, on_down=lambda: downs.append(1))
        async with kept_up(line):
            assert line.is_up
            failed = await asyncio.gather(
                *(line.ask(b"GET", b"a") for _ in range(20)), return_exceptions=True
            )
            assert all(isinstance(one, StoreUnavailable) for one in failed)
            assert downs == [1]
            with pytest.raises(StoreUnavailable):
                line.send(b"GET", b"a")


async def test_our_own_standing_still_is_not_held_against_the_server(own_valkey_url):
    async with kept_up(CacheLine(url=own_valkey_url, answer_seconds=PATIENT)) as line:
        line._wire.expect_within(0.2)
        asked = line.send(b"PING")
        await asyncio.sleep(0)
        wait_busily(0.5)
        assert await asked == b"PONG"


def wait_busily(seconds: float) -> None:
    time.sleep(seconds)  # the loop stands still


async def test_a_line_comes_back_by_itself(own_valkey_url):
    ups = []
    line = CacheLine(url=own_valkey_url, on_up=lambda: ups.append(1), answer_seconds=PATIENT)
    async with kept_up(line):
        line.drop("a test")
        assert not line.is_up
        await until(lambda: line.is_up)
        assert ups == [1, 1]
        assert await line.ask(b"PING") == b"PONG"


async def test_a_password_and_a_database_number_are_used(own_valkey_url):
    async with kept_up(CacheLine(url=own_valkey_url, answer_seconds=PATIENT)) as line:
        await line.ask(b"ACL", b"SETUSER", b"anna", b"on", b">secret", b"~*", b"&*", b"+@all")
        url = own_valkey_url.replace("unix://", "unix://anna:secret@", 1) + "?db=3"
        async with kept_up(CacheLine(url=url, answer_seconds=PATIENT)) as other:
            await other.ask(b"SET", b"t:db", b"3", b"EX", b"60")
            assert await other.ask(b"ACL", b"WHOAMI") == b"anna"
        assert await line.ask(b"GET", b"t:db") is None
