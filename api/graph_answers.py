"""What the graph answers about a customer, kept as ready rows: the costly fields do not cost every reader anew.

An answer is good until the graph changed at that customer's own node, and for `seconds` whatever happens around
it. A reader may ask for less with `@freshness`. Without the cache, the graph is asked as if there were none.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from db.cache_versions import Watch, graph_of
from db.versioned_values import Value, VersionedValues
from resolvers.readpath.viewer import AnswerQuestion

Rows = list[tuple[Any, ...]]
Made = tuple[float, dict[int, Rows]]
"""When it was asked, in seconds of the epoch, and the rows of each customer."""
Same = tuple[str, str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """`words`: the parameters as text. `moment`: what "lately" means; another business day has other answers."""

    name: str
    words: str
    parameters: Mapping[str, Any]
    moment: bytes


@dataclass(slots=True)
class Staleness:
    """What one operation allows and gets. `oldest`: seconds of the epoch, None while nothing was asked."""

    at_most: float | None = None
    oldest: float | None = None

    def note(self, made_at: float) -> None:
        self.oldest = made_at if self.oldest is None else min(self.oldest, made_at)


staleness: ContextVar[Staleness | None] = ContextVar("staleness", default=None)
"""Of the operation that runs: questions are asked deep below it, and several at once."""


@dataclass(slots=True)
class QuestionCounts:
    """Customers about whom a question was answered from the cache, and by the graph."""

    hits: int = 0
    misses: int = 0


@dataclass(slots=True, eq=False, kw_only=True)
class KeptQuestions:
    """`resolvers.readpath.viewer.AnswerQuestion` over another one."""

    ask: AnswerQuestion
    values: VersionedValues
    seconds: float
    moment: Callable[[], bytes]
    clock: Callable[[], float] = time.time
    counts: QuestionCounts = field(default_factory=QuestionCounts)
    _asking: dict[Same, "asyncio.Future[Made]"] = field(default_factory=dict)

    async def __call__(
        self, name: str, keys: list[int], parameters: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        wanted = staleness.get() or Staleness()
        question = Question(name, json.dumps(parameters, sort_keys=True), parameters, self.moment())
        kept = await self._kept(question, keys, wanted)
        missing = [key for key in keys if key not in kept]
        self.counts.hits += len(kept)
        self.counts.misses += len(missing)
        if missing:
            made_at, made = await self._made(question, missing, share=wanted.at_most != 0)
            wanted.note(made_at)
            kept |= made
        return [(key, *row) for key in keys for row in kept[key]]

    async def _kept(self, question: Question, keys: Sequence[int], wanted: Staleness) -> dict[int, Rows]:
        at_most = self.seconds if wanted.at_most is None else min(wanted.at_most, self.seconds)
        if at_most <= 0 or not self.values.versions.line.is_up:
            return {}
        watch = self.values.versions.watch()
        try:
            values = await self.values.get([self._name(question, key) for key in keys], watch)
        finally:
            self.values.versions.end(watch)
        found: dict[int, Rows] = {}
        for key, value in zip(keys, values, strict=True):
            if value is not None and self.clock() - value.made_at <= at_most:
                wanted.note(value.made_at)
                found[key] = read_rows(value.payload)
        return found

    async def _made(self, question: Question, keys: Sequence[int], *, share: bool) -> Made:
        """Those who ask the same at one moment are answered by one question."""
        same = (question.name, question.words, tuple(keys))
        asking = self._asking.get(same) if share else None
        if asking is None:
            asking = self._asking[same] = asyncio.ensure_future(self._ask_and_keep(question, keys))
            asking.add_done_callback(lambda done: self._end(same, done))
        return await asyncio.shield(asking)

    def _end(self, same: Same, done: "asyncio.Future[Made]") -> None:
        if self._asking.get(same) is done:
            del self._asking[same]
        if not done.cancelled():
            done.exception()  # whoever asked may have left: nobody else is to be told

    async def _ask_and_keep(self, question: Question, keys: Sequence[int]) -> Made:
        watch, made_at = self.values.versions.watch(), self.clock()
        try:
            rows: dict[int, Rows] = {key: [] for key in keys}
            for key, *row in await self.ask(question.name, list(keys), question.parameters):
                rows[key].append(tuple(row))
            if self.values.versions.line.is_up:
                await asyncio.gather(*(self._keep(question, key, rows[key], made_at, watch) for key in keys))
            return made_at, rows
        finally:
            self.values.versions.end(watch)

    async def _keep(self, question: Question, key: int, rows: Rows, made_at: float, watch: Watch) -> None:
        value = Value(write_rows(rows), (graph_of(key),), made_at)
        await self.values.put(self._name(question, key), value, watch, seconds=self.seconds)

    def _name(self, question: Question, key: int) -> bytes:
        parts = (question.name.encode(), question.words.encode(), question.moment)
        return self.values.seal.name(b"graph", *parts, b"%d" % key)


def write_rows(rows: Rows) -> bytes:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=as_moment).encode()


def as_moment(value: Any) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    raise TypeError(f"{type(value).__name__} is no value of a graph answer")


def read_rows(text: bytes) -> Rows:
    rows: list[list[Any]] = json.loads(text)
    return [tuple(read_value(value) for value in row) for row in rows]


def read_value(value: Any) -> Any:
    return datetime.fromisoformat(value["moment"]) if isinstance(value, dict) else value
