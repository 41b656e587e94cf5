"""Runs operations: looks up or compiles the plan, executes it, and counts what only the reference can do."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import OperationType, get_variable_values

from resolvers.readpath.catalogue import make_catalogue
from resolvers.readpath.compiler import EVENT_KEY
from resolvers.readpath.dependencies import Dependencies
from resolvers.readpath.documents import Documents, Prepared, located
from resolvers.readpath.execution import Execution, Stores
from resolvers.readpath.failures import Code, Failure, Masking, Refused
from resolvers.readpath.limits import Limits, check_values
from resolvers.readpath.mutation import MutationRun
from resolvers.readpath.nulls import completed, printed
from resolvers.readpath.operation import Operation, Unplannable
from resolvers.readpath.plan import CONTEXT, CUSTOMER_ID, READ, SHAPE, Inputs, Plan
from resolvers.readpath.planner import Planner, find_root_field
from resolvers.readpath.reference import ReferenceContext
from resolvers.readpath.reference_answer import printed_reference
from resolvers.readpath.rights import refuse_forbidden
from resolvers.readpath.sources import Roles
from resolvers.readpath.validation import VALIDATION_ERRORS
from resolvers.readpath.variables import read_plain
from resolvers.readpath.viewer import OperationContext, Viewer

ONE_ROOT_FIELD = "A subscription selects exactly one root field, without @skip and @include."


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. `prepared`: what `documents` made of it, where that was looked up before."""

    text: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    prepared: Prepared | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON to send. `was_refused`: nothing ran and there is no `data` (400 where a status counts).

    `depends_on` None: good for this one request alone, as errors and what says who asks are.
    """

    body: bytes
    was_refused: bool = False
    cost: int | None = None
    depends_on: Dependencies | None = None


@dataclass(frozen=True, slots=True)
class EventPlan:
    """What a subscription does for each event; the same for equal text, variables and scope."""

    plan: Plan
    operation: Operation
    inputs: Inputs


class RefusedRequest(Exception):
    """Nothing runs; `errors` as a client reads them."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


def random_id() -> str:
    return uuid.uuid4().hex


def ignore(_: str) -> None:
    """Counts nothing."""


@dataclass(slots=True, kw_only=True)
class Engine:
    """`own_rows_only`: roles that reach only rows of their customer. `count_fallback(reason)`: a metric."""

    schema: strawberry.Schema
    stores: Stores
    own_rows_only: Roles
    limits: Limits = field(default_factory=Limits)
    count_fallback: Callable[[str], None] = ignore
    new_id: Callable[[], str] = random_id
    documents: Documents = field(init=False)
    planner: Planner = field(init=False)
    masking: Masking = field(init=False)

    def __post_init__(self) -> None:
        self.documents = Documents(make_catalogue(self.schema._schema), self.limits)
        self.planner = Planner(self.documents, self.own_rows_only)
        self.masking = Masking(self.new_id)

    async def execute(self, request: Request, context: OperationContext) -> Answer:
        """The answer to a query or mutation. Never raises for what a client sent.

        Raises StoreUnavailable where nothing can be answered without a store; how long it may take is the caller's.
        """
        return await self.answer(self.run(request, context))

    async def answer(self, running: Awaitable[Answer]) -> Answer:
        try:
            return await running
        except RefusedRequest as refused:
            return Answer(printed({"errors": refused.errors}), was_refused=True)

    async def run(self, request: Request, context: OperationContext) -> Answer:
        """What the operation costs is known before anything is compiled, and said in its answer."""
        operation, prepared = self.accept(request, context.viewer)
        if operation.definition.operation is OperationType.SUBSCRIPTION:
            raise RefusedRequest([refusal("Subscribe over a WebSocket or SSE.")])
        inputs = self.inputs(operation, request, context)
        cost = self.cost(prepared, operation, inputs, context.viewer)
        if operation.definition.operation is OperationType.MUTATION:
            answer = Answer(await self.change(request, (operation, prepared, inputs), context))
        else:
            answer = await self.answer_query(request, (operation, prepared, inputs), context)
        return Answer(with_cost(answer.body, cost), cost=cost, depends_on=answer.depends_on)

    async def change(
        self, request: Request, accepted: tuple[Operation, Prepared, Inputs], context: OperationContext
    ) -> bytes:
        """Runs the use cases of a mutation; what cannot be planned is known before the first of them."""
        operation, prepared, inputs = accepted
        try:
            plan = self.planner.mutation(prepared, operation, inputs, context.viewer)
        except Unplannable as reason:
            self.count_fallback(str(reason))
            return await self.reference(request, context)
        return await MutationRun(self.stores, self.masking, operation, inputs, context).body(plan)

    async def answer_query(
        self, request: Request, accepted: tuple[Operation, Prepared, Inputs], context: OperationContext
    ) -> Answer:
        operation, prepared, inputs = accepted
        try:
            plan = self.plan(prepared, operation, inputs, context.viewer)
            answer = await self.run_plan(plan, operation, inputs, context)
            assert answer is not None
            return answer
        except Unplannable as reason:
            self.count_fallback(str(reason))
        except ValueError as error:  # SQL failed on a value: only the reference can tell which field's it was
            self.count_fallback(f"SQL failed on a value: {error}")
        return Answer(await self.reference(request, context))

    def accept(self, request: Request, viewer: Viewer) -> tuple[Operation, Prepared]:
        """The operation, if it is valid, within limits, and uses only what the role may."""
        prepared = request.prepared or self.documents.prepare(request.text, request.operation_name)
        if prepared.operation is None:
            raise RefusedRequest(prepared.errors)
        if viewer.role in self.own_rows_only and viewer.customer_id is None:
            raise RefusedRequest([Failure(Code.FORBIDDEN, "This token names no customer.").printed()])
        if viewer.role not in prepared.rights:
            prepared.rights[viewer.role] = self.find_refusal(prepared.operation, viewer)
        refused = prepared.rights[viewer.role]
        if refused is not None:
            raise RefusedRequest([refused.failure.printed()])
        return prepared.operation, prepared

    def find_refusal(self, operation: Operation, viewer: Viewer) -> Refused | None:
        try:
            refuse_forbidden(operation, self.documents.catalogue, viewer.role)
        except Refused as refused:
            return refused
        return None

    def inputs(self, operation: Operation, request: Request, context: OperationContext) -> Inputs:
        """The coerced variables and what the engine adds."""
        coerced: dict[str, Any] = {}
        definitions = operation.definition.variable_definitions
        if definitions:
            self.check_variables(operation, request)
            coerced = coerced_variables(operation, request.variables)
        customer_id = context.viewer.customer_id if self.is_scoped(context.viewer) else None
        shape = self.planner.shape_of(operation, coerced)
        return {**coerced, CUSTOMER_ID: customer_id, CONTEXT: context, SHAPE: shape, READ: {}}

    def check_variables(self, operation: Operation, request: Request) -> None:
        is_mutation = operation.definition.operation is OperationType.MUTATION
        objects = self.limits.values if is_mutation else self.limits.objects
        try:
            check_values(request.variables, self.limits, objects=objects)
        except Refused as refused:
            raise RefusedRequest([refused.failure.printed()]) from refused

    def is_scoped(self, viewer: Viewer) -> bool:
        return viewer.role in self.own_rows_only

    def cost(self, prepared: Prepared, operation: Operation, inputs: Inputs, viewer: Viewer) -> int:
        try:
            return self.planner.cost(prepared, operation, inputs, viewer)
        except Refused as refused:
            raise RefusedRequest([refused.failure.printed()]) from refused

    def plan(self, prepared: Prepared, operation: Operation, inputs: Inputs, viewer: Viewer) -> Plan:
        return self.planner.plan(prepared, operation, inputs, viewer)

    def compile_ahead(self, request: Request, context: OperationContext) -> None:
        """Keeps the plan for when it is asked for; what this role may not use has none."""
        with suppress(RefusedRequest, Unplannable):
            operation, prepared = self.accept(request, context.viewer)
            inputs = self.inputs(operation, request, context)
            self.planner.compiled(prepared, operation, inputs, context.viewer)

    async def run_plan(
        self, plan: Plan, operation: Operation, inputs: Inputs, context: OperationContext
    ) -> Answer | None:
        execution = Execution(self.stores, self.masking, plan, inputs, context)
        text = await execution.text()
        if text is None:
            return None
        if not execution.failures:
            return Answer(text.encode(), depends_on=execution.depends_on())
        root = getattr(operation.schema, f"{operation.definition.operation.value}_type")
        return Answer(completed(text, operation, root, execution.failures))

    async def reference(self, request: Request, context: OperationContext) -> bytes:
        """The same operation by the second reader."""
        viewer = context.viewer
        reader = ReferenceContext(
            stores=self.stores,
            catalogue=self.documents.catalogue,
            operation=context,
            masking=self.masking,
            own_customer_id=viewer.customer_id if self.is_scoped(viewer) else None,
        )
        result = await self.schema.execute(
            request.text,
            variable_values=dict(request.variables),
            context_value=reader,
            operation_name=request.operation_name,
        )
        return printed_reference(result, self.masking)

    # --- events -----------------------------------------------------------------------------------------

    def prepare_event(self, request: Request, context: OperationContext) -> EventPlan:
        """Compiles a subscription whose root field answers an entity; RefusedRequest when it may not run."""
        operation, prepared = self.accept(request, context.viewer)
        if operation.definition.operation is not OperationType.SUBSCRIPTION:
            raise RefusedRequest([refusal("This is not a subscription.")])
        if find_root_field(operation) is None:
            raise RefusedRequest([refusal(ONE_ROOT_FIELD)])
        inputs = self.inputs(operation, request, context)
        self.cost(prepared, operation, inputs, context.viewer)
        return EventPlan(self.plan(prepared, operation, inputs, context.viewer), operation, inputs)

    async def run_event(self, event: EventPlan, key: int, context: OperationContext) -> bytes | None:
        """The message for one event, or None when its row is not one that this viewer may see."""
        inputs = {**event.inputs, CONTEXT: context, EVENT_KEY: key}
        answer = await self.run_plan(event.plan, event.operation, inputs, context)
        return None if answer is None else answer.body


def coerced_variables(operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    if operation.plain_variables is not None:
        plain = read_plain(operation.plain_variables, given)
        if plain is not None:
            return plain
    definitions = operation.definition.variable_definitions or ()
    values = get_variable_values(operation.schema, definitions, dict(given), VALIDATION_ERRORS, True)
    if isinstance(values, list):
        raise RefusedRequest([located(error) for error in values])
    return values.coerced


def refusal(message: str) -> dict[str, Any]:
    return Failure(Code.BAD_USER_INPUT, message).printed()


def with_cost(body: bytes, cost: int) -> bytes:
    """The first of the answer's extensions."""
    return b'%s,"extensions":{"cost":%d}}' % (body[:-1], cost)
