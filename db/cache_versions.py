"""What answers depend on, each with a version in Valkey: a random word that every change replaces.

A word is never used twice, so a version that was lost with its server cannot come back and make an old value good.
A process that keeps values of its own is told by pushes which words were replaced. A push may still be on its way
while a request is read; so a kept value is used only where the server was heard of at most LEASE_SECONDS ago, and
whoever changes something waits SETTLE_SECONDS, which is longer, between replacing the word and saying so to anybody:

    replaced  <=  said - SETTLE  <  read - LEASE  <=  heard of

What was sent before the server was heard of has come, the push among it. Reading one's own write through another
process therefore holds without a round trip for each read, and without the processes knowing one another.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from db.cache_line import CacheLine
from db.resp3 import Push, Reply, ReplyError, encode
from domain.errors import StoreUnavailable

PREFIX = b"c360:v:"
ANY_CUSTOMER, HOUSE = b"any", b"house"
"""Moved by a change of any customer; moved by what answers about everybody depend on. Every value depends on HOUSE."""
LEASE_SECONDS = 0.001
SETTLE_SECONDS = 0.002
VERSION_SECONDS = 3600
MOST_KNOWN = 200_000
MOST_NAMED = 500
"""A change of more customers than this moves HOUSE instead."""


def customer(customer_id: int) -> bytes:
    """Name of what is stored about one customer."""
    return b"%d" % customer_id


def graph_of(customer_id: int) -> bytes:
    """Name of what the graph says about one customer."""
    return b"g%d" % customer_id


@dataclass(slots=True, eq=False)
class Watch:
    """What moved since it was begun. A value read meanwhile is good if nothing that it depends on is in here."""

    moved: set[bytes] = field(default_factory=set)
    lost: bool = False

    def saw_move(self, names: Iterable[bytes]) -> bool:
        return self.lost or not self.moved.isdisjoint(names)


Forget = Callable[[Sequence[bytes] | None], None]


@dataclass(slots=True, eq=False)
class CacheVersions:
    """The versions as one process knows them. `forget(names)` is called for what moved, None for everything."""

    line: CacheLine
    forget: list[Forget] = field(default_factory=list)
    new_word: Callable[[], bytes] = lambda: secrets.token_bytes(12)
    clock: Callable[[], float] = time.monotonic
    _known: dict[bytes, bytes] = field(default_factory=dict)
    _watches: set[Watch] = field(default_factory=set)
    _unsaid: int = 0
    """Changes that may not have been told; as many as `_saying` are told by the first words."""
    _saying: int = 0
    _hearing: "asyncio.Future[Reply] | None" = None
    _asked_at: float = 0.0

    def __post_init__(self) -> None:
        self.line.tracked, self.line.first_words = PREFIX, self._first_words
        self.line.on_push, self.line.on_up, self.line.on_down = self._take_push, self._rise, self._fall

    # --- reading ----------------------------------------------------------------------------------------

    @property
    def is_certain(self) -> bool:
        """Whether every change that somebody was told of is known here, this very moment."""
        return self.clock() - self.line.confirmed_at <= LEASE_SECONDS

    async def make_certain(self) -> bool:
        """The same after asking the server, which all who ask at one moment do together; False: it is away."""
        if self.is_certain:
            return True
        try:
            await asyncio.shield(self._ask())
        except StoreUnavailable:
            return False
        return self.line.is_up

    def when_certain(self, tell: Callable[[bool], None]) -> None:
        """The same for who needs no task to wait in: told at once if it is certain."""

        def heard(reply: "asyncio.Future[Reply]") -> None:
            tell(not reply.cancelled() and reply.exception() is None and self.line.is_up)

        if self.is_certain:
            tell(True)
            return
        try:
            self._ask().add_done_callback(heard)
        except StoreUnavailable:
            tell(False)

    def _ask(self) -> "asyncio.Future[Reply]":
        now = self.clock()
        if self._hearing is None or now - self._asked_at > LEASE_SECONDS:
            self._hearing, self._asked_at = self.line.send(b"PING"), now
        return self._hearing

    def watch(self) -> Watch:
        """Begin one before reading; `end` it."""
        watch = Watch(lost=not self.line.is_up)
        self._watches.add(watch)
        return watch

    def end(self, watch: Watch) -> None:
        self._watches.discard(watch)

    async def current(self, names: Sequence[bytes], watch: Watch) -> list[bytes]:
        """The versions now; those that are missing are made. Raises StoreUnavailable."""
        missing = [name for name in names if name not in self._known]
        found = await self._ask_for(missing) if missing else []
        for name, word in zip(missing, found, strict=True):
            if not watch.saw_move((name,)):
                self._keep(name, word)
        fresh = dict(zip(missing, found, strict=True))
        return [fresh[name] if name in fresh else self._known.get(name, b"") for name in names]

    def know(self, words: Mapping[bytes, bytes]) -> bool:
        """Whether these are known here to be the versions now, by name; not known is not wrong."""
        return words.items() <= self._known.items()

    async def are_current(self, words: Mapping[bytes, bytes], watch: Watch) -> bool:
        """Whether these are the versions now, by name. Raises StoreUnavailable."""
        if self.know(words):
            return True
        return await self.current(tuple(words), watch) == list(words.values())

    async def _ask_for(self, names: Sequence[bytes]) -> list[bytes]:
        words = await self.line.ask(b"MGET", *(PREFIX + name for name in names))
        assert isinstance(words, list)
        made = [self._make(name) for name, word in zip(names, words, strict=True) if word is None]
        for reply in made:
            await reply
        if made:
            words = await self.line.ask(b"MGET", *(PREFIX + name for name in names))
        return [word if isinstance(word, bytes) else b"" for word in words]  # type: ignore[union-attr]

    def _make(self, name: bytes) -> "asyncio.Future[Reply]":
        return self.line.send(b"SET", PREFIX + name, self.new_word(), b"NX", b"EX", b"%d" % VERSION_SECONDS)

    def _keep(self, name: bytes, word: bytes) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[name] = word

    # --- changing ---------------------------------------------------------------------------------------

    async def customers_changed(self, customer_ids: Iterable[int]) -> bool:
        """After the commit and before anybody is told of it; False: the server was not reached."""
        names = [customer(customer_id) for customer_id in customer_ids]
        if not names:
            return True
        return await self.move([*names, ANY_CUSTOMER])

    async def lists_changed(self) -> bool:
        """What depends on any customer, and on none in particular."""
        return await self.move([ANY_CUSTOMER])

    async def graph_changed(self, customer_ids: Iterable[int]) -> bool:
        return await self.move([graph_of(customer_id) for customer_id in customer_ids])

    async def everything_changed(self) -> bool:
        return await self.move([HOUSE])

    async def move(self, names: Sequence[bytes]) -> bool:
        """Replaces the words and waits until every process must know. What could not be said is said later."""
        names = [HOUSE] if len(names) > MOST_NAMED else names
        self._forget(None if HOUSE in names else names)
        if not await self._say(names):
            return False
        until = self.clock() + SETTLE_SECONDS
        self._forget(None if HOUSE in names else names)  # again: read meanwhile, before the word was replaced
        while (left := until - self.clock()) > 0:  # noqa: ASYNC110 - a timer may ring a little early
            await asyncio.sleep(left)
        return True

    async def _say(self, names: Sequence[bytes]) -> bool:
        """Whether the server has new words. Lost with its connection, a change is said on the next one at once."""
        try:
            return await self._replace(names)
        except StoreUnavailable:
            self._unsaid += 1
        try:
            return await self.line.returned() and await self._replace(names)
        except StoreUnavailable:
            return False

    async def _replace(self, names: Sequence[bytes]) -> bool:
        replies = [await sent for sent in [self.line.send(*self._new(name)) for name in names]]
        if refused := next((reply for reply in replies if isinstance(reply, ReplyError)), None):
            self.line.drop(refused.message)
            raise StoreUnavailable("cache", refused.message)
        return True

    def _new(self, name: bytes) -> tuple[bytes, ...]:
        return b"SET", PREFIX + name, self.new_word(), b"EX", b"%d" % VERSION_SECONDS

    # --- what the line says -----------------------------------------------------------------------------

    def _take_push(self, push: Push) -> None:
        if not push.items or push.items[0] != b"invalidate":
            return
        keys = push.items[1] if len(push.items) > 1 else None
        if not isinstance(keys, list):  # the server was emptied
            self._forget(None)
            return
        names = [key[len(PREFIX) :] for key in keys if isinstance(key, bytes)]
        self._forget(None if HOUSE in names else names)

    def _first_words(self) -> bytes:
        """Changes may have been lost with the last connection, and a server may have come back older than it was."""
        self._saying = self._unsaid
        return encode(*self._new(HOUSE)) if self._unsaid else encode(b"PING")

    def _rise(self) -> None:
        """What was left unsaid since the first words is said by whoever changed it."""
        self._unsaid -= self._saying
        self._forget(None)

    def _fall(self) -> None:
        self._unsaid += 1
        self._forget(None, lost=True)

    def _forget(self, names: Sequence[bytes] | None, *, lost: bool = False) -> None:
        if names is None:
            self._known.clear()
        else:
            for name in names:
                self._known.pop(name, None)
        for watch in self._watches:
            watch.lost |= lost or names is None
            watch.moved.update(names or ())
        for forget in self.forget:
            forget(names)
