"""POSTs of queries that need nothing of ASGI: who asks is known from the head, and the answer is one piece.

Everything else (streams, mutations, pages of other origins, whatever is refused) is left to `api.graphql_http`.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from api.admission import Headers, text_of
from api.auth import Tokens, Verified
from api.engine_port import GraphQLAnswer, GraphQLRequest, OperationKind
from api.graphql_errors import Refused
from api.graphql_request import MAX_BODY_BYTES
from api.known_bodies import KnownBodies
from api.logs import Caller, read_caller, with_request_id
from api.media_types import DATA, GRAPHQL_RESPONSE, JSON, is_json, preferred
from api.operations import Asked, Edge, execute, record_kept
from api.responses import Scope, TellReady, ready_answer

logger = logging.getLogger("c360.operations")
WHOLE = (JSON, GRAPHQL_RESPONSE)
NEEDS_MORE = (b"origin", b"last-event-id", b"idempotency-key")
"""Headers that change the answer: for a page of another origin, for a stream, for a mutation."""


class PlainPost(NamedTuple):
    """What the head of a request said. `may_repeat`: it names no request, so it is likely to come again."""

    media: str
    verified: Verified
    caller: Caller
    may_repeat: bool
    tokens: Tokens

    @property
    def is_good(self) -> bool:
        return self.tokens.is_good(self.verified)


@dataclass(frozen=True, slots=True)
class PlainPosts:
    """`api.http_protocol.PlainApp`, for one path."""

    edge: Edge
    bodies: KnownBodies = field(default_factory=KnownBodies)
    making: "set[asyncio.Task[None]]" = field(default_factory=set)

    def admit(self, scope: Scope) -> PlainPost | None:
        headers: Headers = dict(scope["headers"])
        media = preferred(text_of(headers, b"accept"), DATA)
        if media not in WHOLE or any(name in headers for name in NEEDS_MORE):
            return None
        if not is_json(text_of(headers, b"content-type")):
            return None
        admission = self.edge.admission
        with suppress(Refused):
            verified, caller = admission.admit(scope, headers), read_caller(headers)
            return PlainPost(media, verified, caller, b"x-request-id" not in headers, admission.tokens)
        return None

    def answer(self, plain: PlainPost, sent: bytes, tell: TellReady) -> Callable[[], None]:
        started = time.perf_counter()
        caller = with_request_id(plain.caller) if plain.may_repeat else plain.caller
        answering = Answering(self, plain, sent, tell, caller, started)
        if len(sent) > MAX_BODY_BYTES:
            tell(None)
        else:
            self.edge.engine.recall(sent, plain.verified.viewer, answering.take)
        return answering.leave


@dataclass(slots=True, eq=False)
class Answering:
    """One request under way; its answer is told once, unless the client left before."""

    posts: PlainPosts
    plain: PlainPost
    sent: bytes
    tell: TellReady
    caller: Caller
    started: float
    task: "asyncio.Task[None] | None" = None
    has_left: bool = False

    def leave(self) -> None:
        self.has_left = True
        if self.task is not None:
            self.task.cancel()

    def take(self, kept: GraphQLAnswer | None) -> None:
        """What is kept, or None. Whatever goes wrong here, the ASGI side finds words for it."""
        if self.has_left:
            return
        try:
            if kept is None:
                self.make()
            else:
                record_kept(self.posts.edge, self.plain.verified, self.caller, kept, self.started)
                self.give(kept, 200)
        except Refused:
            self.tell(None)
        except Exception:
            logger.exception("a query could not be answered plainly")
            self.tell(None)

    def make(self) -> None:
        """Raises Refused for what is no request."""
        request = self.posts.bodies.read(self.sent)
        if self.posts.edge.engine.operation_kind(request) is not OperationKind.QUERY:
            self.tell(None)
            return
        self.task = task = asyncio.get_running_loop().create_task(self.execute(request))
        self.posts.making.add(task)
        task.add_done_callback(self.posts.making.discard)

    async def execute(self, request: GraphQLRequest) -> None:
        asked = Asked(request, self.plain.verified, self.caller, "http", self.started)
        outcome = await execute(self.posts.edge, asked, OperationKind.QUERY)
        self.give(outcome.answer, status_in(self.plain.media, outcome.status))

    def give(self, answer: GraphQLAnswer, status: int) -> None:
        self.tell(ready_answer(status, self.plain.media, answer.body, self.caller.request_id))


def status_in(media: str, status: int) -> int:
    """`application/json` has no status for a document that cannot be executed."""
    return 200 if media == JSON and status == 400 else status
