"""Answers kept in this process and in Valkey for as long as nothing that they depend on changes.

Exact: a request sees at least what was said to anybody before it came (db/cache_versions.py says how). What is
not kept: mutations, errors, what says who asks, and answers that opened personal values for somebody else, for
each of those writes its own line of the audit. What a viewer sees unmasked never leaves the process.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from api.answer_memory import AnswerKey, AnswerMemory, KeptAnswer, ViewerScope
from api.engine_port import GraphQLAnswer, Tell
from api.tasks import end_task
from db.cache_versions import HOUSE, Watch
from db.versioned_values import Found, Value, VersionedValues
from domain.errors import StoreUnavailable

MOST_PRIVATE, LONGEST_PRIVATE = 10_000, 2_000
"""Requests, and bytes of one: so much is remembered of what is never kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshAnswer:
    """An answer as it was just made. `opened`: for the audit. `seconds`: how long it may be kept at most.

    `depends_on` None: for this request alone. `is_private` says that the same request will always be so.
    """

    answer: GraphQLAnswer
    opened: Mapping[int, frozenset[str]]
    depends_on: tuple[bytes, ...] | None = None
    seconds: float = 0.0
    is_private: bool = False


read_json = json.JSONDecoder().decode
MakeAnswer = Callable[[], Awaitable[FreshAnswer]]


@dataclass(slots=True)
class Counts:
    """Since the process began."""

    memory_hits: int = 0
    server_hits: int = 0
    misses: int = 0
    shared: int = 0


@dataclass(slots=True, eq=False)
class Flight:
    """An answer that is being made, and how many wait for it."""

    task: "asyncio.Task[FreshAnswer]"
    watch: Watch
    waiting: int = 0


@dataclass(slots=True, eq=False, kw_only=True)
class AnswerCache:
    """`values` stand in Valkey, `memory` in this process; without the server there is neither."""

    values: VersionedValues
    memory: AnswerMemory
    clock: Callable[[], float] = time.monotonic
    counts: Counts = field(default_factory=Counts)
    _flights: dict[AnswerKey, Flight] = field(default_factory=dict)
    _private: OrderedDict[AnswerKey, None] = field(default_factory=OrderedDict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.values.versions.forget.append(self.memory.forget)

    def recall(self, key: AnswerKey, tell: Tell, *, may_leave: bool) -> None:
        """Tells what is kept as soon as it is certain that nothing moved: mostly at once."""
        if key in self.memory:
            self.values.versions.when_certain(
                lambda is_certain: tell(self._kept(key) if is_certain else None)
            )
        elif may_leave and self._may_be_in_server(key):
            self._ask_server(key, tell)
        else:
            tell(None)

    async def find(self, key: AnswerKey, *, may_leave: bool) -> GraphQLAnswer | None:
        """The same for who can wait. `may_leave`: may be kept in the server."""
        if key in self.memory:
            return self._kept(key) if await self.values.versions.make_certain() else None
        return await self._find(key) if may_leave and self._may_be_in_server(key) else None

    def _kept(self, key: AnswerKey) -> GraphQLAnswer | None:
        kept = self.memory.get(key, self.clock())
        if kept is None:
            return None
        self.counts.memory_hits += 1
        return kept.answer

    async def read(self, key: AnswerKey, make: MakeAnswer, *, may_leave: bool) -> FreshAnswer:
        """From whoever makes the same now, or made. `may_leave`: may be kept in the server."""
        if not self.values.versions.line.is_up or key in self._private:
            return await make()
        flight = self._flights.get(key)
        if flight is not None and not flight.task.done():
            return await self._join(flight) or await make()
        watch = self.values.versions.watch()
        flight = Flight(asyncio.ensure_future(self._make(key, make, watch, may_leave)), watch)
        self._flights[key] = flight
        try:
            return await self._wait_for(flight)
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    async def close(self) -> None:
        for task in (*self._tasks, *(flight.task for flight in self._flights.values())):
            await end_task(task)

    # --- one answer for all who ask the same ------------------------------------------------------------

    async def _join(self, flight: Flight) -> FreshAnswer | None:
        """What another request makes, unless something moved since that one began: it may have read before."""
        watch = self.values.versions.watch()
        fresh = None
        try:
            if await self.values.versions.make_certain():
                with suppress(Exception):
                    fresh = await self._wait_for(flight)
        finally:
            self.values.versions.end(watch)
        if fresh is None or fresh.depends_on is None:
            return None
        if watch.saw_move(fresh.depends_on) or flight.watch.saw_move(fresh.depends_on):
            return None
        self.counts.shared += 1
        return fresh

    async def _wait_for(self, flight: Flight) -> FreshAnswer:
        """The last who leaves takes the work along."""
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                flight.task.cancel()

    async def _make(self, key: AnswerKey, make: MakeAnswer, watch: Watch, may_leave: bool) -> FreshAnswer:
        try:
            self.counts.misses += 1
            made_at, fresh = time.time(), await make()
        except BaseException:
            self.values.versions.end(watch)
            raise
        self._keep(key, fresh, watch)
        if may_leave and fresh.depends_on is not None:
            value = Value(packed(fresh, made_at), fresh.depends_on, made_at)
            self._keep_task(self._store(key, value, watch, fresh.seconds))
        else:
            self.values.versions.end(watch)
        return fresh

    # --- keeping ----------------------------------------------------------------------------------------

    def _keep(self, key: AnswerKey, fresh: FreshAnswer, watch: Watch) -> None:
        if fresh.is_private and len(key.raw) <= LONGEST_PRIVATE:
            self._private[key] = None
            if len(self._private) > MOST_PRIVATE:
                self._private.popitem(last=False)
        if fresh.depends_on is None or watch.saw_move(fresh.depends_on):
            return
        expires_at = self.clock() + fresh.seconds
        self.memory.keep(key, KeptAnswer(fresh.answer, fresh.depends_on, expires_at))

    async def _store(self, key: AnswerKey, value: Value, watch: Watch, seconds: float) -> None:
        try:
            await self.values.put(self._name(key), value, watch, seconds=seconds)
        finally:
            self.values.versions.end(watch)

    def _keep_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- in the server ----------------------------------------------------------------------------------

    def _may_be_in_server(self, key: AnswerKey) -> bool:
        """Not what changes something: a query that only says the word is made each time."""
        is_up = self.values.versions.line.is_up
        return is_up and b"mutation" not in key.raw and key not in self._private

    def _ask_server(self, key: AnswerKey, tell: Tell) -> None:
        """In a task only where the server must be asked about versions as well."""
        versions = self.values.versions
        watch = versions.watch()

        def heard(found: Found | None) -> None:
            if found is not None and not versions.know(found[1]):
                self._keep_task(self._tell_current(key, found, watch, tell))
                return
            answer = None
            try:
                answer = self._taken(key, found[0], watch) if found else None
            finally:  # whatever goes wrong, who asked is told
                versions.end(watch)
                tell(answer)

        self.values.when_found(self._name(key), heard)

    async def _tell_current(self, key: AnswerKey, found: Found, watch: Watch, tell: Tell) -> None:
        answer = None
        try:
            with suppress(StoreUnavailable):
                is_good = await self.values.versions.are_current(found[1], watch)
                answer = self._taken(key, found[0], watch) if is_good else None
        finally:
            self.values.versions.end(watch)
            tell(answer)

    async def _find(self, key: AnswerKey) -> GraphQLAnswer | None:
        watch = self.values.versions.watch()
        try:
            value = await self.values.find(self._name(key), watch)
            return None if value is None else self._taken(key, value, watch)
        finally:
            self.values.versions.end(watch)

    def _taken(self, key: AnswerKey, value: Value, watch: Watch) -> GraphQLAnswer | None:
        """A good value, unless its time is over."""
        fresh = unpacked(value, time.time())
        if fresh.seconds <= 0:
            return None
        self._keep(key, fresh, watch)
        self.counts.server_hits += 1
        return fresh.answer

    def _name(self, key: AnswerKey) -> bytes:
        return self.values.seal.name(b"answer", key.raw, scope_text(key.scope))


@lru_cache(256)
def scope_text(scope: ViewerScope) -> bytes:
    return repr(scope).encode()


def packed(fresh: FreshAnswer, made_at: float) -> bytes:
    head = [fresh.answer.operation_name, fresh.answer.cost, made_at + fresh.seconds]
    return json.dumps(head).encode() + b"\n" + fresh.answer.body


def unpacked(value: Value, now: float) -> FreshAnswer:
    head, _, body = value.payload.partition(b"\n")
    operation_name, cost, until = read_json(head.decode())
    names = tuple(name for name in value.depends_on if name != HOUSE)
    return FreshAnswer(
        answer=GraphQLAnswer(body=body, operation_name=operation_name, cost=cost),
        opened={},
        depends_on=names,
        seconds=until - now,
    )
