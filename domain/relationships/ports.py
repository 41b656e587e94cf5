"""What following the truth into the graph needs from both stores."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from domain.relationships.edges import Changes, NodeKey

Scalar: TypeAlias = int | str | bool | None
Value: TypeAlias = Scalar | Sequence[int] | Sequence[str]
Answer: TypeAlias = Mapping[str, Value]
"""One row of a question: its declared columns, in order."""


class GraphRefused(Exception):
    """The graph is up and rejects these very changes; applying them again will not help."""


class GraphUnbuilt(Exception):
    """The graph is empty or half built; it wants a rebuild before it can follow changes."""


class GraphBusy(Exception):
    """Another process is bringing changes into the graph at this moment; try again when it has ended."""


class GraphReader(Protocol):
    """What fields ask. *Errors*: `StoreUnavailable("graph")` when no answer comes in time."""

    async def ask(self, question: str, **parameters: Value) -> list[Answer]:
        """Rows of a named question of the catalogue, in its declared order; an unknown customer has none.

        *Errors*: `ValueError` for a question, parameter or key the catalogue does not allow.
        """
        ...


class GraphStore(GraphReader, Protocol):
    """The graph of relationships: a derived index that can be lost and rebuilt.

    Every call is bounded in time. *Errors*: `StoreUnavailable("graph")` when it does not answer in time.
    """

    async def apply(self, changes: Changes) -> None:
        """Makes the graph equal to these states, all or nothing; the same again changes nothing.

        *Errors*: `GraphRefused` when the changes themselves are at fault; then nothing has changed.
        """
        ...

    async def watermark(self) -> datetime | None:
        """The latest moment of PostgreSQL that the graph holds whole; None asks for a rebuild."""
        ...

    async def clear(self) -> None:
        """Removes everything, the watermark first, so that a half cleared graph asks for a rebuild."""
        ...

    async def health(self) -> None:
        """Returns when the graph answers, within a second. *Errors*: `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Ends connections and writes what is in memory. The store cannot be used again."""
        ...


@dataclass(frozen=True, slots=True)
class DirtyKey:
    """A node that changed in PostgreSQL; `change_id` moves with each further change of it."""

    key: NodeKey
    change_id: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the graph is behind."""

    pending: int
    """Keys waiting, without those put aside."""
    oldest_marked_at: datetime | None
    put_aside: int
    """Keys that the graph refused, each with its reason (dead letters)."""

    def seconds(self, now: datetime) -> float:
        """Age of the oldest waiting change, in seconds; 0 when nothing waits."""
        return (
            0.0 if self.oldest_marked_at is None else max(0.0, (now - self.oldest_marked_at).total_seconds())
        )


class Snapshot(Protocol):
    """One moment of PostgreSQL, held by the only applier; writers never wait for it."""

    @property
    def at(self) -> datetime: ...

    async def dirty(self, *, limit: int, after: int = 0) -> list[DirtyKey]:
        """The oldest changes numbered above `after` as of this moment, at most `limit`; none put aside."""
        ...

    async def states(self, keys: Sequence[NodeKey]) -> Changes:
        """Present state of these nodes; those no longer there are in `gone`. *Cost*: one query a kind."""
        ...

    def keys(self, *, batch: int) -> AsyncIterator[list[NodeKey]]:
        """All nodes there are, at most `batch` at a time."""
        ...


class GraphFeed(Protocol):
    """PostgreSQL as the graph sees it: what changed, and what is true."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot | None]:
        """One moment, for one applier in the whole installation; None while another one is at work."""
        ...

    async def settle(self, applied: Sequence[DirtyKey]) -> None:
        """Forgets these changes, except those that were marked again meanwhile."""
        ...

    async def put_aside(self, dirty: DirtyKey, problem: str) -> None:
        """Keeps a key out of further rounds until it changes again (dead letter).

        A key that has changed since `change_id` stays in; 0 stands for a key that no change had marked.
        """
        ...

    async def lag(self) -> Lag:
        """How much waits, and since when."""
        ...
