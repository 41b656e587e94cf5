"""The read path behind the server edge: requests in, ready bytes out, live events executed once for all alike."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from graphql import OperationType

from api.engine_port import GraphQLAnswer, GraphQLRequest, LiveResult, OperationKind, OperationRefused
from api.explain import Explainer, wants_explanation
from api.fan_out import Delivery, FanOut, Work
from domain.errors import StoreUnavailable
from domain.live.events import LiveEvent, LiveEvents, SlowConsumer, StreamGap
from domain.privacy.viewer import Viewer
from resolvers.context import Context
from resolvers.live import TierFeed, encode_event, tier_feed, variables_in_payload
from resolvers.readpath.engine import Engine, EventPlan, RefusedRequest, Request
from resolvers.readpath.failures import Code, Failure

KINDS = {
    OperationType.QUERY: OperationKind.QUERY,
    OperationType.MUTATION: OperationKind.MUTATION,
    OperationType.SUBSCRIPTION: OperationKind.SUBSCRIPTION,
}


@dataclass(slots=True, kw_only=True)
class ReadPathEngine:
    """`api.engine_port.Engine`."""

    engine: Engine
    make_context: Callable[[Viewer], Context]
    live: LiveEvents
    record_opened: Callable[[Viewer, Mapping[int, frozenset[str]]], Awaitable[None]]
    """Writes the audit of unmasked values; an answer leaves only after it."""
    explainer: Explainer
    fan_out: FanOut = field(init=False)

    def __post_init__(self) -> None:
        self.fan_out = FanOut(self.live)

    def operation_kind(self, request: GraphQLRequest) -> OperationKind | None:
        prepared = self.engine.documents.prepare(request.query, request.operation_name)
        operation = prepared.operation
        return None if operation is None else KINDS[operation.definition.operation]

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:
        context = self.make_context(viewer)
        if wants_explanation(request):
            explaining = self.explainer.explain(self.engine, as_request(request), context)
            answer = await self.engine.answer(explaining)
        else:
            answer = await self.engine.execute(as_request(request), context)
        if context.opened:
            await self.record_opened(viewer, context.opened)
        return GraphQLAnswer(
            body=answer.body,
            request_error=answer.was_refused,
            operation_name=self.operation_name(request),
            codes=codes_in(answer.body),
            cost=answer.cost,
        )

    def operation_name(self, request: GraphQLRequest) -> str | None:
        operation = self.engine.documents.prepare(request.query, request.operation_name).operation
        name = operation.definition.name if operation else None
        return name.value if name else None

    async def subscribe(self, request: GraphQLRequest, viewer: Viewer) -> AsyncGenerator[LiveResult, None]:
        event_plan, feed = self.prepare(request, self.make_context(viewer))
        key = (*scope_key(request, viewer, event_plan), feed.policy)
        work = Work(partial(is_wanted, feed, viewer.customer_id), partial(self.run_event, event_plan, viewer))
        try:
            async with aclosing(self.fan_out.follow(key, work, after=feed.after)) as deliveries:
                async for delivery in deliveries:
                    if delivery.opened:
                        await self.record_opened(viewer, delivery.opened)
                    yield delivery.result
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

    async def run_event(self, plan: EventPlan, viewer: Viewer, event: LiveEvent) -> Delivery | None:
        """For all who are alike in what `scope_key` names; the context is that of this moment."""
        context = self.make_context(viewer)
        body = await self.engine.run_event(plan, event.event_id, context)
        if body is None:
            return None
        return Delivery(event.event_id, LiveResult(body, encode_event(event.event_id)), context.opened)


def as_request(request: GraphQLRequest) -> Request:
    return Request(request.query, request.variables or {}, request.operation_name)


def is_wanted(feed: TierFeed, customer_id: int | None, event: LiveEvent) -> bool:
    """Of another customer or policy there is nothing to tell, and nothing to execute."""
    if customer_id is not None and event.customer_id != customer_id:
        return False
    return feed.policy is None or event.payload["policy"] == feed.policy


def scope_key(request: GraphQLRequest, viewer: Viewer, plan: EventPlan) -> tuple[Hashable, ...]:
    """Everything but the event that a result depends on; the viewer's subject is not part of any answer."""
    used = {name: plan.inputs.get(name) for name in sorted(variables_in_payload(plan))}
    return (
        request.query,
        request.operation_name,
        json.dumps(used, default=str),
        viewer.role,
        viewer.purpose,
        viewer.customer_id,
    )


def codes_in(body: bytes) -> tuple[str, ...]:
    """For the log. An answer is parsed only when it says that something failed."""
    if b'"errors":[' not in body:
        return ()
    errors = json.loads(body).get("errors") or []
    return tuple(dict.fromkeys(error.get("extensions", {}).get("code", "") for error in errors))


def coded(code: str, message: str, more: dict[str, str] | None = None) -> dict[str, object]:
    return {"message": message, "extensions": {"code": code, **(more or {})}}
