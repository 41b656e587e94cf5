"""The read path behind the server edge: requests in, ready bytes out, live events executed once for all alike."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from graphql import FieldNode, OperationType

from api.answer_cache import FreshAnswer
from api.answer_memory import answer_key
from api.caches import Caches
from api.engine_port import (
    GraphQLAnswer,
    GraphQLRequest,
    LiveResult,
    OperationKind,
    OperationRefused,
    Take,
    Tell,
)
from api.explain import Explainer, wants_explanation
from api.fan_out import Delivery, FanOut, Work
from api.graph_answers import Staleness, staleness
from db.cache_versions import ANY_CUSTOMER, customer, graph_of
from domain.errors import StoreUnavailable
from domain.live.events import LiveEvent, LiveEvents, SlowConsumer, StreamGap
from domain.privacy.masking import sees_unmasked
from domain.privacy.viewer import Viewer
from resolvers.context import Context
from resolvers.freshness import max_staleness
from resolvers.live import Feed, encode_event, feed_of, variables_in_payload
from resolvers.readpath.dependencies import Dependencies
from resolvers.readpath.documents import Prepared
from resolvers.readpath.engine import Answer, Engine, EventPlan, RefusedRequest, Request
from resolvers.readpath.failures import Code, Failure
from resolvers.readpath.nulls import extended
from resolvers.readpath.operation import Operation

KINDS = {
    OperationType.QUERY: OperationKind.QUERY,
    OperationType.MUTATION: OperationKind.MUTATION,
    OperationType.SUBSCRIPTION: OperationKind.SUBSCRIPTION,
}

TELLING = frozenset(
    {
        "eventIngest",
        "tierTrialStart",
        "tierTrialEnd",
        "tierOverrideCreate",
        "tierOverrideRevoke",
        "alertAcknowledge",
        "alertResolve",
        "tierPolicyPreview",
    }
)
"""Mutations whose stores tell what they changed, before anything is answered. A preview changes nothing that an
answer shows; other changes of policies move the house."""


@dataclass(slots=True, kw_only=True)
class ReadPathEngine:
    """`api.engine_port.Engine`."""

    engine: Engine
    make_context: Callable[[Viewer], Context]
    live: LiveEvents
    record_opened: Callable[[Viewer, Mapping[int, frozenset[str]]], Awaitable[None]]
    """Writes the audit of unmasked values; an answer leaves only after it."""
    explainer: Explainer
    settled: asyncio.Event
    """Whether `make_context` knows all that this process has heard of: an operation waits for that."""
    house: Callable[[], bytes] = bytes
    """What besides the viewer and the data an answer depends on."""
    caches: Caches | None = None
    fan_out: FanOut = field(init=False)

    def __post_init__(self) -> None:
        self.fan_out = FanOut(self.live)

    def operation_kind(self, request: GraphQLRequest) -> OperationKind | None:
        prepared = self.engine.documents.prepare(request.query, request.operation_name)
        operation = prepared.operation
        return None if operation is None else KINDS[operation.definition.operation]

    def recall(self, raw: bytes, viewer: Viewer, tell: Tell) -> None:
        if self.caches is None or self.caches.answers is None:
            tell(None)
            return
        key = answer_key(raw, viewer, self.house())
        self.caches.answers.recall(key, tell, may_leave=not sees_unmasked(viewer))

    async def find(self, raw: bytes, viewer: Viewer) -> GraphQLAnswer | None:
        if self.caches is None or self.caches.answers is None:
            return None
        key = answer_key(raw, viewer, self.house())
        return await self.caches.answers.find(key, may_leave=not sees_unmasked(viewer))

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:
        prepared = self.engine.documents.prepare(request.query, request.operation_name)
        kind = prepared.operation and prepared.operation.definition.operation
        if kind is OperationType.QUERY and request.raw and not wants_explanation(request):
            fresh = await self.read(request, prepared, viewer)
        elif kind is OperationType.MUTATION:
            fresh = await self.change(request, prepared, viewer)
        else:
            fresh = await self.make(request, prepared, viewer)
        if fresh.opened:
            await self.record_opened(viewer, fresh.opened)
        return fresh.answer

    async def read(self, request: GraphQLRequest, prepared: Prepared, viewer: Viewer) -> FreshAnswer:
        if self.caches is None or self.caches.answers is None:
            return await self.make(request, prepared, viewer)
        make = partial(self.make, request, prepared, viewer)
        key = answer_key(request.raw, viewer, self.house())
        return await self.caches.answers.read(key, make, may_leave=not sees_unmasked(viewer))

    async def change(self, request: GraphQLRequest, prepared: Prepared, viewer: Viewer) -> FreshAnswer:
        """A mutation that does not tell by itself which customers it changes may have changed anything."""
        operation = prepared.operation
        try:
            return await self.make(request, prepared, viewer)
        finally:
            if self.caches is not None and operation is not None and not tells_what_changed(operation):
                await self.caches.versions.everything_changed()

    async def make(self, request: GraphQLRequest, prepared: Prepared, viewer: Viewer) -> FreshAnswer:
        """Executes it, whatever is kept."""
        if not self.settled.is_set():
            await self.settled.wait()
        definition = prepared.operation.definition if prepared.operation else None
        context, allowed = self.make_context(viewer), Staleness()
        if definition and definition.directives:
            allowed.at_most = max_staleness(definition, request.variables or {})
        token = staleness.set(allowed)
        try:
            answer = await self.run(request, prepared, context)
        finally:
            staleness.reset(token)
        codes = codes_in(answer.body)
        depends_on = None if context.opened or allowed.at_most == 0 else answer.depends_on
        return FreshAnswer(
            answer=GraphQLAnswer(
                body=answer.body if answer.cost is None else with_freshness(answer.body, allowed.oldest),
                request_error=answer.was_refused,
                operation_name=definition.name.value if definition and definition.name else None,
                codes=codes,
                cost=answer.cost,
            ),
            opened=context.opened,
            depends_on=None if depends_on is None else names_of(depends_on),
            seconds=self.seconds_to_keep(allowed),
            is_private=answer.was_refused or (depends_on is None and not codes),
        )

    async def run(self, request: GraphQLRequest, prepared: Prepared, context: Context) -> Answer:
        asked = Request(request.query, request.variables or {}, request.operation_name, prepared)
        if wants_explanation(request):
            return await self.engine.answer(self.explainer.explain(self.engine, asked, context))
        return await self.engine.execute(asked, context)

    def seconds_to_keep(self, allowed: Staleness) -> float:
        """No longer than what crossed the graph may be kept."""
        if self.caches is None:
            return 0.0
        if allowed.oldest is None:
            return self.caches.seconds
        age, graph_seconds = time.time() - allowed.oldest, self.caches.graph_seconds
        at_most = graph_seconds if allowed.at_most is None else min(allowed.at_most, graph_seconds)
        return min(self.caches.seconds, at_most - age)

    async def subscribe(
        self, request: GraphQLRequest, viewer: Viewer, take: Take | None = None
    ) -> AsyncGenerator[LiveResult, None]:
        event_plan, feed = self.prepare(request, self.make_context(viewer))
        key = (*scope_key(request, viewer, event_plan), feed.choices)
        wants, run = partial(is_wanted, feed, viewer.customer_id), partial(self.run_event, event_plan, viewer)
        work = Work(frozenset({feed.kind}), wants, run)
        try:
            async with aclosing(self.fan_out.follow(key, work, after=feed.after, take=take)) as deliveries:
                async for delivery in deliveries:
                    if delivery.opened:
                        await self.record_opened(viewer, delivery.opened)
                    yield delivery.result
        except (StreamGap, SlowConsumer) as ended:
            raise OperationRefused([coded(ended.code, str(ended))]) from ended
        except StoreUnavailable as lost:
            more = {"store": lost.store}
            raise OperationRefused([coded("STORE_UNAVAILABLE", str(lost), more)]) from lost

    def prepare(self, request: GraphQLRequest, context: Context) -> tuple[EventPlan, Feed]:
        try:
            event_plan = self.engine.prepare_event(as_request(request), context)
            return event_plan, feed_of(event_plan, request.resume_after)
        except RefusedRequest as refused:
            raise OperationRefused(refused.errors) from refused
        except ValueError as error:
            message = f"`after` is {error}"
            raise OperationRefused([Failure(Code.BAD_USER_INPUT, message).printed()]) from error

    async def run_event(self, plan: EventPlan, viewer: Viewer, event: LiveEvent) -> Delivery | None:
        """For all who are alike in what `scope_key` names; the context is that of this moment."""
        context, asked = self.make_context(viewer), Staleness()
        token = staleness.set(asked)
        try:
            body = await self.engine.run_event(plan, event.event_id, context)
        finally:
            staleness.reset(token)
        if body is None:
            return None
        result = LiveResult(event_with_freshness(body, asked.oldest), encode_event(event.event_id))
        return Delivery(event.event_id, result, context.opened)


def tells_what_changed(operation: Operation) -> bool:
    fields = operation.definition.selection_set.selections
    return all(isinstance(field, FieldNode) and field.name.value in TELLING for field in fields)


def names_of(found: Dependencies) -> tuple[bytes, ...]:
    """What moves when the answer changes. What nobody in particular owns moves with the house."""
    owners = (ANY_CUSTOMER,) if found.any_customer else map(customer, found.customers)
    return (*owners, *map(graph_of, found.asked_of))


def with_freshness(body: bytes, oldest: float | None) -> bytes:
    """Beside the cost: when the oldest part that crossed the graph was computed, in seconds of the epoch."""
    if oldest is None:
        return body
    return body[:-2] + b',"freshness":%s}}' % json.dumps(freshness_of(oldest), separators=(",", ":")).encode()


def event_with_freshness(body: bytes, oldest: float | None) -> bytes:
    """The same for the result of an event, which says no cost."""
    return body if oldest is None else extended(body, {"freshness": freshness_of(oldest)})


def freshness_of(oldest: float) -> dict[str, str]:
    moment = datetime.fromtimestamp(oldest, UTC).isoformat(timespec="milliseconds")
    return {"graphComputedAt": moment.replace("+00:00", "Z")}


def as_request(request: GraphQLRequest) -> Request:
    return Request(request.query, request.variables or {}, request.operation_name)


def is_wanted(feed: Feed, customer_id: int | None, event: LiveEvent) -> bool:
    """Of another customer, policy or kind there is nothing to tell, and nothing to execute."""
    if customer_id is not None and event.customer_id != customer_id:
        return False
    return feed.wants(event.payload)


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
