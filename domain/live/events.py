"""Events of the outbox as subscribers get them: in order, none lost, never silent about a gap."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """A row of the outbox. Ids grow in the order of the commits, not always by one."""

    event_id: int
    kind: str
    customer_id: int | None
    payload: Mapping[str, Any]


class StreamGap(Exception):
    """The events after the asked one are no longer kept, so going on would silently skip some."""

    code: ClassVar[str] = "STREAM_GAP"

    def __init__(self, after: int) -> None:
        super().__init__(
            f"Events after {after} are no longer kept: query the present state, then subscribe anew."
        )
        self.after = after


class SlowConsumer(Exception):
    """The subscriber fell too far behind; it comes back with the last event it saw."""

    code: ClassVar[str] = "SLOW_CONSUMER"

    def __init__(self, after: int) -> None:
        super().__init__(f"Too many events are waiting for you: subscribe again with `after` {after}.")
        self.after = after


class OutboxEvents(Protocol):
    """The outbox as a reader sees it. Raises domain.errors.StoreUnavailable."""

    async def newest_id(self) -> int:
        """0 when there are none."""

    async def has(self, event_id: int) -> bool:
        """False when there never was such an event or it is no longer kept."""

    async def read_after(self, event_id: int, limit: int) -> Sequence[LiveEvent]:
        """The next events, oldest first."""


class LiveEvents(Protocol):
    """What subscriptions are fed from."""

    async def newest_id(self) -> int:
        """The last event that was delivered; waits for the start."""

    def subscribe(self, kinds: frozenset[str], *, after: int | None = None) -> AsyncIterator[LiveEvent]:
        """Events from now on, or all since `after`; raises StreamGap, SlowConsumer, StoreUnavailable."""

    def replay(self, kinds: frozenset[str], *, after: int, until: int) -> AsyncIterator[LiveEvent]:
        """What happened between two events, the later one included; raises StreamGap, StoreUnavailable."""
