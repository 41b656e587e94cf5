"""Values in Valkey that are good for as long as nothing they depend on has moved.

A value carries the versions it was read under and is compared with those of now, so a change costs one write, not
a search for what it spoils. It is sealed under a key of this installation together with its own key: whoever reads
or writes the server learns nothing of anybody and can pass no answer off as another.
"""

import asyncio
import hashlib
import hmac
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from db.cache_versions import HOUSE, CacheVersions, Watch
from db.encryption import decrypt, encrypt
from db.keys import LocalKeys
from db.resp3 import Reply
from domain.errors import StoreUnavailable
from domain.ports import CipherFault

PREFIX = b"c360:c:"
LONGEST_BYTES = 1_000_000
MOST_DEPENDENCIES = 1_000
HEAD = struct.Struct(">dH")


@dataclass(frozen=True, slots=True)
class Value:
    """`made_at`: seconds of the epoch at which it was read from the stores."""

    payload: bytes
    depends_on: tuple[bytes, ...]
    made_at: float


Found = tuple[Value, dict[bytes, bytes]]
"""A value, and the versions it was read under by name."""


class CacheSeal:
    """Keys of the cache, drawn from the installation's own: lost with them, and with nothing else."""

    def __init__(self, keys: LocalKeys) -> None:
        self._key = AESGCM(hmac.digest(keys.key_encryption, b"cache values", hashlib.sha256))
        self._names = hmac.digest(keys.blind_index, b"cache names", hashlib.sha256)

    def name(self, *parts: bytes) -> bytes:
        """The key of a value: says nothing of its parts, and no two lists of parts share one."""
        whole = b"".join([b"%d:%b" % (len(part), part) for part in parts])
        return PREFIX + hashlib.blake2b(whole, digest_size=20, key=self._names).digest()

    def close(self, key: bytes, plain: bytes) -> bytes:
        return encrypt(self._key, plain, key)

    def open(self, key: bytes, sealed: bytes) -> bytes:
        """Raises CipherFault."""
        return decrypt(self._key, sealed, key)


@dataclass(slots=True, eq=False)
class VersionedValues:
    """Failing is a miss: nothing here raises because the server is away."""

    versions: CacheVersions
    seal: CacheSeal
    clock: Callable[[], float] = time.time

    async def find(self, key: bytes, watch: Watch) -> Value | None:
        """One of them; mostly one round trip, and little else."""
        try:
            sealed = await self.versions.line.send(b"GET", self._place(key))
            opened = self._opened(key, sealed) if isinstance(sealed, bytes) else None
            if opened is None:
                return None
            value, words = opened
            return value if await self.versions.are_current(words, watch) else None
        except StoreUnavailable:
            return None

    def when_found(self, key: bytes, tell: Callable[[Found | None], None]) -> None:
        """For who needs no task to wait in. Whether it is good is still to be asked: `versions.know`."""

        def heard(reply: "asyncio.Future[Reply]") -> None:
            lost = reply.cancelled() or reply.exception() is not None
            sealed = None if lost else reply.result()
            tell(self._opened(key, sealed) if isinstance(sealed, bytes) else None)

        try:
            self.versions.line.send(b"GET", self._place(key)).add_done_callback(heard)
        except StoreUnavailable:
            tell(None)

    async def get(self, keys: Sequence[bytes], watch: Watch) -> list[Value | None]:
        """The good ones; two round trips at most, mostly one."""
        try:
            sealed = await self.versions.line.ask(b"MGET", *map(self._place, keys))
            assert isinstance(sealed, list)
            opened = [
                self._opened(key, text) if isinstance(text, bytes) else None
                for key, text in zip(keys, sealed, strict=True)
            ]
            return await self._good(opened, watch)
        except StoreUnavailable:
            return [None] * len(keys)

    async def _good(
        self, opened: Sequence[tuple[Value, dict[bytes, bytes]] | None], watch: Watch
    ) -> list[Value | None]:
        names = list({name: None for one in opened if one for name in one[1]})
        if not names:
            return [None] * len(opened)
        now = dict(zip(names, await self.versions.current(names, watch), strict=True))
        return [
            one[0] if one and all(now[name] == word for name, word in one[1].items()) else None
            for one in opened
        ]

    async def put(self, key: bytes, value: Value, watch: Watch, *, seconds: float) -> None:
        """Not when something moved since `watch` was begun, which must be before the value was read."""
        names = tuple(dict.fromkeys((*value.depends_on, HOUSE)))
        if len(value.payload) > LONGEST_BYTES or len(names) > MOST_DEPENDENCIES or seconds < 1:
            return
        with suppress(StoreUnavailable):
            words = await self.versions.current(names, watch)
            if b"" in words or watch.saw_move(names):
                return
            sealed = self.seal.close(key, packed(value, zip(names, words, strict=True)))
            await self.versions.line.ask(b"SET", self._place(key), sealed, b"EX", b"%d" % seconds)

    def _place(self, key: bytes) -> bytes:
        """Not that of another life of the server: it may have come back older than what it was told last."""
        return key + self.versions.line.server_life[:8]

    def _opened(self, key: bytes, sealed: bytes) -> Found | None:
        """None for what is not ours, such as a value from before the keys were changed."""
        with suppress(CipherFault, struct.error):
            return unpacked(self.seal.open(key, sealed))
        return None


def packed(value: Value, versions: Iterable[tuple[bytes, bytes]]) -> bytes:
    words = [part for pair in versions for part in pair]
    lengths = b"".join(b"%c%b" % (len(word), word) for word in words)
    return HEAD.pack(value.made_at, len(words) // 2) + lengths + value.payload


def unpacked(plain: bytes) -> tuple[Value, dict[bytes, bytes]]:
    made_at, count = HEAD.unpack_from(plain)
    place, words = HEAD.size, []
    for _ in range(count * 2):
        end = place + 1 + plain[place]
        words.append(plain[place + 1 : end])
        place = end
    names = tuple(words[::2])
    return Value(plain[place:], names, made_at), dict(zip(names, words[1::2], strict=True))
