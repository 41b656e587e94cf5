"""What the server edge asks of whatever executes GraphQL: answers and results as ready bytes."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from domain.privacy.viewer import Viewer


class OperationKind(Enum):
    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLRequest:
    """One operation as a client sent it, its shape checked and its meaning not."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None
    extensions: Mapping[str, Any] | None = None
    raw: bytes = b""
    """How it was sent: with the viewer's scope the key of a kept answer. Empty: not to be kept."""
    resume_after: str | None = None
    """Last-Event-ID of a stream that comes back; wins over the operation's own `after`."""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLAnswer:
    """A ready answer and what the log says of it. `request_error`: nothing was executed, no `data`."""

    body: bytes
    request_error: bool = False
    operation_name: str | None = None
    codes: tuple[str, ...] = ()
    cost: int | None = None


Tell = Callable[[GraphQLAnswer | None], None]
"""Called once, at once or soon."""


@dataclass(frozen=True, slots=True)
class LiveResult:
    """One execution result of a subscription; `event_id` is the cursor from which a client resumes.

    One object goes to all who asked alike: `framed` keeps what a transport made of it for the first of them.
    """

    body: bytes
    event_id: str | None = None
    framed: dict[tuple[str, str], str | bytes] = field(default_factory=dict, compare=False, repr=False)


Take = Callable[[LiveResult], bool]
"""Hands a result over without waiting; False: not now, send it the ordinary way."""


class OperationRefused(Exception):
    """A subscription that cannot start or go on, as GraphQL errors (each a dict with `message`)."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = tuple(errors)


class Engine(Protocol):
    def operation_kind(self, request: GraphQLRequest) -> OperationKind | None:
        """None when the document does not parse or has no such operation: `execute` says what is wrong."""

    def recall(self, raw: bytes, viewer: Viewer, tell: Tell) -> None:
        """Tells the answer kept to a query sent as these bytes, which is as good as a new one; or None."""

    async def find(self, raw: bytes, viewer: Viewer) -> GraphQLAnswer | None:
        """The same for who can wait."""

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:
        """Runs a query or a mutation. May raise StoreUnavailable; a query may be cancelled."""

    def subscribe(
        self, request: GraphQLRequest, viewer: Viewer, take: Take | None = None
    ) -> AsyncGenerator[LiveResult, None]:
        """Results until the subscription ends or is closed, but for those that `take` took in their place.

        Raises OperationRefused, also at the start.
        """
