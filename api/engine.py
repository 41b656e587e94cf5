"""The read path behind the server edge: requests in, ready bytes out, live events executed once for all alike."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from graphql import OperationType

from api.engine_port import GraphQLAnswer, GraphQLRequest, LiveResult, OperationKind, OperationRefused
from domain.errors import StoreUnavailable
from domain.live.events import LiveEvent, LiveEvents, SlowConsumer, StreamGap
from domain.privacy.viewer import Viewer
from resolvers.context import Context
from resolvers.live import TierFeed, encode_event, tier_feed
from resolvers.readpath.engine import Engine, EventPlan, RefusedRequest, Request
from resolvers.readpath.failures import Code, Failure

KINDS = {
    OperationType.QUERY: OperationKind.QUERY,
    OperationType.MUTATION: OperationKind.MUTATION,
    OperationType.SUBSCRIPTION: OperationKind.SUBSCRIPTION,
}
TIER_CHANGED = frozenset({"TIER_CHANGED"})
SHARED_RESULTS = 256
"""Results of events kept for subscribers that ask for the same a moment later."""


@dataclass(slots=True, kw_only=True)
class ReadPathEngine:
    """`api.engine_port.Engine`."""

    engine: Engine
    make_context: Callable[[Viewer], Context]
    live: LiveEvents
    record_opened: Callable[[Viewer, Mapping[int, frozenset[str]]], Awaitable[None]]
    """Writes the audit of unmasked values; an answer leaves only after it."""
    shared: "OrderedDict[tuple[object, ...], asyncio.Task[bytes | None]]" = field(default_factory=OrderedDict)

    def operation_kind(self, request: GraphQLRequest) -> OperationKind | None:
        prepared = self.engine.documents.prepare(request.query, request.operation_name)
        operation = prepared.operation
        return None if operation is None else KINDS[operation.definition.operation]

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:
        context = self.make_context(viewer)
        answer = await self.engine.execute(as_request(request), context)
        if context.opened:
            await self.record_opened(viewer, context.opened)
        return GraphQLAnswer(
            body=answer.body,
            request_error=answer.was_refused,
            operation_name=self.operation_name(request),
            codes=codes_in(answer.body),
        )

    def operation_name(self, request: GraphQLRequest) -> str | None:
        operation = self.engine.documents.prepare(request.query, request.operation_name).operation
        name = operation.definition.name if operation else None
        return name.value if name else None

    async def subscribe(self, request: GraphQLRequest, viewer: Viewer) -> AsyncGenerator[LiveResult, None]:
        context = self.make_context(viewer)
        event_plan, feed = self.prepare(request, context)
        try:
            async for event in self.live.subscribe(TIER_CHANGED, after=feed.after):
                if feed.policy is not None and event.payload["policy"] != feed.policy:
                    continue
                body = await self.result(request, event_plan, event, context)
                if context.opened:
                    await self.record_opened(viewer, context.opened)
                    context.opened.clear()
                if body is not None:
                    yield LiveResult(body, encode_event(event.event_id))
        except (StreamGap, SlowConsumer) as ended:
            raise OperationRefused([coded(ended.code, str(ended))]) from ended
        except StoreUnavailable as lost:
            more = {"store": lost.store}
            raise OperationRefused([coded("STORE_UNAVAILABLE", str(lost), more)]) from lost

    def prepare(self, request: GraphQLRequest, context: Context) -> tuple[EventPlan, TierFeed]:
        try:
            event_plan = self.engine.prepare_event(as_request(request), context)
            return event_plan, tier_feed(event_plan, request.resume_after)
        except RefusedRequest as refused:
            raise OperationRefused(refused.errors) from refused
        except ValueError as error:
            message = f"`after` is {error}"
            raise OperationRefused([Failure(Code.BAD_USER_INPUT, message).printed()]) from error

    async def result(
        self, request: GraphQLRequest, plan: EventPlan, event: LiveEvent, context: Context
    ) -> bytes | None:
        """One execution for all subscribers with the same text, variables and viewer's scope."""
        key = (event.event_id, *scope_key(request, context.viewer))
        task = self.shared.get(key)
        if task is None:
            task = asyncio.ensure_future(self.engine.run_event(plan, event.event_id, context))
            self.shared[key] = task
            if len(self.shared) > SHARED_RESULTS:
                self.shared.popitem(last=False)
        return await asyncio.shield(task)


def as_request(request: GraphQLRequest) -> Request:
    return Request(request.query, request.variables or {}, request.operation_name)


def scope_key(request: GraphQLRequest, viewer: Viewer) -> tuple[object, ...]:
    """Everything but the event that a result depends on; the viewer's subject is not part of any answer."""
    variables = json.dumps(request.variables, sort_keys=True, default=str)
    return (
        request.query,
        request.operation_name,
        variables,
        viewer.role,
        viewer.purpose,
        viewer.customer_id,
        viewer.subject,
    )


def codes_in(body: bytes) -> tuple[str, ...]:
    """For the log. An answer is parsed only when it says that something failed."""
    if b'"errors":[' not in body:
        return ()
    errors = json.loads(body).get("errors") or []
    return tuple(dict.fromkeys(error.get("extensions", {}).get("code", "") for error in errors))


def coded(code: str, message: str, more: dict[str, str] | None = None) -> dict[str, object]:
    return {"message": message, "extensions": {"code": code, **(more or {})}}
