"""The caches of one process, and how those who change something tell the caches of all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

from api.answer_cache import AnswerCache
from api.answer_memory import AnswerMemory
from api.graph_answers import KeptQuestions
from api.metrics import GaugeSource
from api.settings import Settings
from api.stores import embedded_folder, open_valkey
from api.tasks import end_task
from db.cache_line import CacheLine
from db.cache_versions import CacheVersions
from db.keys import open_keys
from db.versioned_values import CacheSeal, VersionedValues
from resolvers.context import ShopSettings
from resolvers.readpath.viewer import AnswerQuestion

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """`answers`, `questions` None: switched off. Changes are told all the same, for others may keep answers."""

    versions: CacheVersions
    answers: AnswerCache | None = None
    questions: KeptQuestions | None = None
    seconds: float = 0.0
    graph_seconds: float = 0.0

    def gauges(self) -> tuple[GaugeSource, ...]:
        """Figures for /metrics; none where nothing is kept."""
        up = GaugeSource(
            "cache_up", "1 if the cache answers in time.", lambda: float(self.versions.line.is_up)
        )
        if self.answers is None or self.questions is None:
            return (up,)
        kept, asked, memory = self.answers.counts, self.questions.counts, self.answers.memory
        return (
            up,
            GaugeSource("answers_from_memory", "Kept by this process.", lambda: float(kept.memory_hits)),
            GaugeSource("answers_from_cache", "Kept in Valkey.", lambda: float(kept.server_hits)),
            GaugeSource("answers_shared", "Made for another who asked it too.", lambda: float(kept.shared)),
            GaugeSource("answers_made", "Looked for and not found.", lambda: float(kept.misses)),
            GaugeSource("answers_kept", "Now in this process.", lambda: float(len(memory))),
            GaugeSource("answers_kept_bytes", "What they take, about.", lambda: float(memory.size)),
            GaugeSource("graph_answers_from_cache", "By customer asked about.", lambda: float(asked.hits)),
            GaugeSource("graph_answers_made", "By customer asked about.", lambda: float(asked.misses)),
        )


@asynccontextmanager
async def open_versions(redis_url: str) -> AsyncIterator[CacheVersions]:
    """For whoever changes something: what must be told to caches. The server may be away."""
    versions = CacheVersions(CacheLine(url=redis_url))
    running = asyncio.ensure_future(versions.line.run())
    try:
        await versions.line.first_try()
        yield versions
    finally:
        await end_task(running)


@asynccontextmanager
async def open_caches(
    settings: Settings, redis_url: str, ask: AnswerQuestion, moment: Callable[[], bytes]
) -> AsyncIterator[Caches]:
    """`ask` is the graph itself; `moment` names the business day of its answers."""
    async with open_versions(redis_url) as versions:
        if not settings.cache:
            yield Caches(versions=versions)
            return
        values = VersionedValues(versions, CacheSeal(open_keys(settings.home / "keys")))
        answers = AnswerCache(
            values=values, memory=AnswerMemory(most_bytes=settings.cache_memory_mb * MEGABYTE)
        )
        try:
            yield Caches(
                versions=versions,
                answers=answers,
                questions=KeptQuestions(
                    ask=ask, values=values, seconds=settings.cache_graph_seconds, moment=moment
                ),
                seconds=settings.cache_seconds,
                graph_seconds=settings.cache_graph_seconds,
            )
        finally:
            await answers.close()


async def empty_caches(settings: Settings) -> None:
    """After a change of more than single customers, such as an import; nothing is done while the server is away."""
    async with AsyncExitStack() as stack:
        redis_url = settings.redis_url
        if redis_url is None and embedded_folder(settings, "valkey").is_dir():
            redis_url = await open_valkey(stack, settings)
        if redis_url is not None:
            versions = await stack.enter_async_context(open_versions(redis_url))
            await versions.everything_changed()


def house_mark(shop: ShopSettings, sdl: str) -> bytes:
    """Stands in the key of every answer: nodes that differ in it never use each other's."""
    known = [
        version("customer360"),
        sdl,
        shop.name,
        shop.currency_code,
        shop.time_zone,
        shop.primary_policy,
        shop.live_as_of.isoformat(),
        *(str(version_id) for version_id in sorted(shop.versions)),
    ]
    return hashlib.blake2b("\0".join(known).encode(), digest_size=16).digest()
