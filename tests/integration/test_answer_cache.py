import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from cache_stores import kept_up, tcp_server, versions_at

from api.answer_cache import AnswerCache, FreshAnswer
from api.answer_memory import AnswerKey, AnswerMemory, answer_key
from api.engine_port import GraphQLAnswer
from db.cache_line import CacheLine
from db.cache_versions import ANY_CUSTOMER, CacheVersions, customer
from db.keys import LocalKeys
from db.versioned_values import CacheSeal, VersionedValues
from domain.privacy.viewer import Purpose, Role, Viewer

SEAL = CacheSeal(LocalKeys(key_encryption=b"k" * 32, blind_index=b"i" * 32))
ANALYST = Viewer("anna", Role.ANALYST)
RAW = b'{"query":"{ customer(by: {id: \\"cus_1\\"}) { id } }"}'


@dataclass
class Node:
    """A process as far as its answers go; `state` is what the database would say."""

    cache: AnswerCache
    made: int = 0
    state: str = "old"
    changes: dict = field(default_factory=dict)
    hold: asyncio.Event | None = None

    async def make(self) -> FreshAnswer:
        self.made += 1
        body = self.state.encode()
        if self.hold is not None:
            await self.hold.wait()
        fresh = FreshAnswer(
            answer=GraphQLAnswer(body=body, operation_name="Q"),
            opened={},
            depends_on=(customer(1),),
            seconds=60.0,
        )
        return replace(fresh, **self.changes)

    async def ask(self, key: AnswerKey, *, may_leave: bool = True) -> str:
        """As the server does it."""
        kept = await self.cache.find(key, may_leave=may_leave)
        if kept is not None:
            return kept.body.decode()
        return (await self.cache.read(key, self.make, may_leave=may_leave)).answer.body.decode()

    async def settle(self) -> None:
        """Until what was made is stored."""
        while self.cache._tasks:
            await asyncio.wait(self.cache._tasks)


@asynccontextmanager
async def node_at(url: str, **more) -> AsyncIterator[Node]:
    async with versions_at(url) as versions:
        cache = AnswerCache(
            values=VersionedValues(versions, SEAL), memory=AnswerMemory(most_bytes=1_000_000), **more
        )
        yield Node(cache)
        await cache.close()


@pytest.fixture
def key(request) -> AnswerKey:
    return answer_key(RAW + request.node.name.encode(), ANALYST, b"house")


async def test_an_answer_is_made_once_and_then_comes_from_memory(own_valkey_url, key):
    async with node_at(own_valkey_url) as node:
        assert [await node.ask(key) for _ in range(3)] == ["old"] * 3
        assert (node.made, node.cache.counts.memory_hits, node.cache.counts.misses) == (1, 2, 1)


async def test_another_process_finds_it_in_the_server(own_valkey_url, key):
    async with node_at(own_valkey_url) as one, node_at(own_valkey_url) as other:
        await one.ask(key)
        await one.settle()
        assert await other.ask(key) == "old"
        assert (other.made, other.cache.counts.server_hits) == (0, 1)
        assert (await other.cache.find(key, may_leave=False)).operation_name == "Q"


@pytest.mark.parametrize("by", ["one", "other"])
async def test_after_a_change_nobody_sees_the_old_answer(own_valkey_url, key, by):
    async with node_at(own_valkey_url) as one, node_at(own_valkey_url) as other:
        for number in range(100):
            assert await one.ask(key) == await other.ask(key)
            one.state = other.state = f"state {number}"
            changer = one if by == "one" else other
            await changer.cache.values.versions.customers_changed([1])
            assert await one.ask(key) == f"state {number}"
            assert await other.ask(key) == f"state {number}"


async def test_a_change_of_somebody_else_keeps_the_answer_unless_it_depends_on_anybody(own_valkey_url, key):
    async with node_at(own_valkey_url) as node:
        await node.ask(key)
        await node.cache.values.versions.customers_changed([2])
        assert await node.cache.find(key, may_leave=False) is not None
        node.changes = {"depends_on": (ANY_CUSTOMER,)}
        await node.cache.values.versions.customers_changed([1])
        await node.ask(key)
        assert await node.cache.find(key, may_leave=False) is not None
        await node.cache.values.versions.customers_changed([2])
        assert await node.cache.find(key, may_leave=False) is None


@pytest.mark.parametrize(
    "viewer",
    [
        Viewer("anna", Role.MARKETER),
        Viewer("anna", Role.ANALYST, purpose=next(iter(Purpose))),
        Viewer("anna", Role.CUSTOMER, customer_id=7),
    ],
)
async def test_no_answer_reaches_another_scope(own_valkey_url, key, viewer):
    other = answer_key(key.raw, viewer, b"house")
    assert await asked_for_both(own_valkey_url, key, other) == 2
    assert await asked_for_both(own_valkey_url, key, answer_key(key.raw, ANALYST, b"another day")) == 2
    seven, eight = (Viewer("a customer", Role.CUSTOMER, customer_id=number) for number in (7, 8))
    keys = [answer_key(key.raw, one, b"house") for one in (seven, eight)]
    assert await asked_for_both(own_valkey_url, *keys) == 2


async def asked_for_both(url: str, one: AnswerKey, other: AnswerKey) -> int:
    async with node_at(url) as node:
        await node.cache.values.versions.everything_changed()
        await node.ask(one)
        await node.settle()
        await node.ask(other)
        return node.made


async def test_viewers_of_one_scope_share(own_valkey_url, key):
    again = answer_key(key.raw, Viewer("bert", Role.ANALYST), b"house")
    assert await asked_for_both(own_valkey_url, key, again) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"depends_on": None},
        {"depends_on": None, "opened": {1: frozenset({"name"})}, "is_private": True},
        {"seconds": 0.0},
    ],
)
async def test_what_is_for_one_request_alone_is_made_each_time(own_valkey_url, key, changes):
    async with node_at(own_valkey_url) as node:
        node.changes = changes
        for _ in range(3):
            await node.ask(key)
            await node.settle()
        assert node.made == 3


async def test_what_moved_while_it_was_read_is_kept_nowhere(own_valkey_url, key):
    async with node_at(own_valkey_url) as one, node_at(own_valkey_url) as other:
        one.hold = asyncio.Event()
        reading = asyncio.ensure_future(one.ask(key))
        await asyncio.sleep(0.05)
        await other.cache.values.versions.customers_changed([1])
        one.hold.set()
        assert await reading == "old"
        await one.settle()
        one.state = other.state = "new"
        assert await one.ask(key) == await other.ask(key) == "new"


async def test_those_who_ask_at_one_moment_share_one_reading(own_valkey_url, key):
    async with node_at(own_valkey_url) as node:
        assert await asyncio.gather(*(node.ask(key) for _ in range(50))) == ["old"] * 50
        assert (node.made, node.cache.counts.shared) == (1, 49)


async def test_who_comes_after_a_change_does_not_share_what_was_begun_before_it(own_valkey_url, key):
    async with node_at(own_valkey_url) as one, node_at(own_valkey_url) as other:
        one.hold = asyncio.Event()
        before = asyncio.ensure_future(one.ask(key))
        await asyncio.sleep(0.05)
        one.state = "new"
        await other.cache.values.versions.customers_changed([1])
        after = asyncio.ensure_future(one.ask(key))
        await asyncio.sleep(0.05)
        one.hold.set()
        assert (await before, await after) == ("old", "new")


async def test_private_answers_do_not_queue_behind_one_another(own_valkey_url, key):
    async with node_at(own_valkey_url) as node:
        node.changes = {"depends_on": None, "is_private": True}
        node.hold = asyncio.Event()
        asking = [asyncio.ensure_future(node.ask(key)) for _ in range(10)]
        await asyncio.sleep(0.05)
        node.hold.set()
        await asyncio.gather(*asking)
        assert node.made == 10


async def test_the_last_who_leaves_takes_the_work_along(own_valkey_url, key):
    async with node_at(own_valkey_url) as node:
        node.hold = asyncio.Event()
        first, second = (asyncio.ensure_future(node.ask(key)) for _ in range(2))
        await asyncio.sleep(0.05)
        (flight,) = node.cache._flights.values()
        first.cancel()
        await asyncio.sleep(0.01)
        assert not flight.task.done()
        second.cancel()
        await asyncio.wait({flight.task})
        assert flight.task.cancelled()
        node.hold = None
        assert await node.ask(key) == "old"


async def test_what_a_viewer_sees_unmasked_stays_in_the_process(own_valkey_url, key):
    async with node_at(own_valkey_url) as one, node_at(own_valkey_url) as other:
        await one.ask(key, may_leave=False)
        await one.settle()
        assert await one.cache.find(key, may_leave=False) is not None
        await other.ask(key, may_leave=False)
        assert other.made == 1


async def test_an_answer_ends_with_its_time(own_valkey_url, key):
    now = 1000.0
    async with node_at(own_valkey_url, clock=lambda: now) as node:
        await node.ask(key, may_leave=False)
        now = 1059.9
        assert await node.cache.find(key, may_leave=False) is not None
        now = 1060.0
        assert await node.cache.find(key, may_leave=False) is None
        assert len(node.cache.memory) == 0


async def test_without_the_server_nothing_is_kept_and_everything_is_answered(own_valkey_url, key):
    async with node_at(own_valkey_url) as node:
        await node.ask(key)
        node.cache.values.versions.line.drop("a test")
        assert await node.cache.find(key, may_leave=False) is None
        assert await node.ask(key) == "old"
        assert await node.ask(key) == "old"
        assert node.made == 3


async def test_a_silent_server_is_waited_for_once(key):
    heard = []

    async def greeted_then_silent(reader, writer):
        await reader.readuntil(b"c360:v:\r\n")
        writer.write(b"+hello\r\n$-1\r\n+OK\r\n+OK\r\n")
        await reader.readuntil(b"PING\r\n")
        writer.write(b"+PONG\r\n")
        while received := await reader.read(100_000):
            heard.append(received)

    async with tcp_server(greeted_then_silent) as url:
        versions = CacheVersions(CacheLine(url=url))
        node = Node(
            AnswerCache(values=VersionedValues(versions, SEAL), memory=AnswerMemory(most_bytes=1_000_000))
        )
        async with kept_up(versions.line):
            assert versions.line.is_up
            assert [await node.ask(key) for _ in range(5)] == ["old"] * 5
            assert not await versions.customers_changed([1])
        await node.cache.close()
    assert (node.made, sum(received.count(b"\r\nGET\r\n") for received in heard)) == (5, 1)
