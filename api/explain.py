"""Explains a query: its fields, every statement and graph question with rows and time, PostgreSQL's own plan.

Everything is really run; statements twice, the second time under observation. Nothing of an answer comes from a
cache. Times are those of the first run.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import OperationType

from api.engine_port import GraphQLRequest
from db.query_plans import explain_statement
from db.read_pool import ReadPool
from domain.privacy.viewer import Role, Viewer
from domain.relationships.ports import Answer as GraphAnswer
from domain.relationships.ports import GraphReader, Value
from graph.questions import catalogue
from resolvers.context import Context
from resolvers.readpath.engine import Answer, Engine, RefusedRequest, Request, refusal
from resolvers.readpath.execution import Stores
from resolvers.readpath.explain import field_tree
from resolvers.readpath.failures import Code, Failure
from resolvers.readpath.nulls import extended
from resolvers.readpath.operation import Unplannable
from resolvers.readpath.viewer import AnswerQuestion

EXPLAIN = "explain"
EXTENSIONS = b',"extensions":'
NOT_FOR_THIS_ROLE = "Explanations are for role OPERATOR; leave extensions.explain out."


def wants_explanation(request: GraphQLRequest) -> bool:
    return bool(request.extensions and request.extensions.get(EXPLAIN) is True)


def refuse_unless_operator(viewer: Viewer) -> None:
    if viewer.role is not Role.OPERATOR:
        raise RefusedRequest([Failure(Code.FORBIDDEN, NOT_FOR_THIS_ROLE).printed()])


@dataclass(slots=True)
class ObservedReads:
    """`resolvers.readpath.viewer.ReadConnections` that notes each statement, and what PostgreSQL says of it."""

    reads: ReadPool
    steps: list[dict[str, Any]]

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        step: dict[str, Any] = {"store": "postgres", "sql": sql}
        self.steps.append(step)
        started = time.perf_counter()
        rows = await self.reads.fetch(sql, arguments)
        step |= {"rows": len(rows), "ms": milliseconds_since(started)}
        step["plan"] = await explain_statement(self.reads, sql, arguments)
        return rows


@dataclass(slots=True)
class ObservedGraph:
    """A `GraphReader` that notes each question."""

    graph: GraphReader
    steps: list[dict[str, Any]]

    async def ask(self, question: str, **parameters: Value) -> list[GraphAnswer]:
        step: dict[str, Any] = {"store": "graph", "question": question, "cypher": catalogue()[question].text}
        self.steps.append(step)
        started = time.perf_counter()
        answers = await self.graph.ask(question, **parameters)
        step |= {"rows": len(answers), "ms": milliseconds_since(started)}
        return answers


@dataclass(frozen=True, slots=True)
class Explainer:
    """What an explanation looks behind; `questions_of` makes the graph's questions over an observed graph."""

    reads: ReadPool
    graph: GraphReader
    questions_of: Callable[[GraphReader], AnswerQuestion]

    async def explain(self, engine: Engine, request: Request, context: Context) -> Answer:
        """The answer with `extensions.explain`; RefusedRequest for what has no plan to explain."""
        refuse_unless_operator(context.viewer)
        operation, prepared = engine.accept(request, context.viewer)
        if operation.definition.operation is not OperationType.QUERY:
            raise RefusedRequest([refusal("Only queries are explained; leave extensions.explain out.")])
        inputs = engine.inputs(operation, request, context)
        engine.cost(prepared, operation, inputs, context.viewer)
        started = time.perf_counter()
        with suppress(Unplannable):
            engine.plan(prepared, operation, inputs, context.viewer)
        planned_ms = milliseconds_since(started)
        observed = Observed(self)
        answer = await observed.engine(engine).run(request, context)
        if observed.reasons:
            return with_explanation(answer, {"reference": observed.reasons[0]})
        variables = engine.planner.task(operation, inputs, context.viewer, {}).variables
        fields = field_tree(operation, engine.documents.catalogue, variables)
        return with_explanation(answer, {"planMs": planned_ms, "fields": fields, "steps": observed.steps})


@dataclass(frozen=True, slots=True)
class Observed:
    """One run; `steps` grow while it goes on. `reasons`: why it was left to the reference."""

    explainer: Explainer
    steps: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def engine(self, engine: Engine) -> Engine:
        """The same engine, with its documents and plans, over observed stores."""
        copied = copy.copy(engine)
        copied.stores = Stores(
            ObservedReads(self.explainer.reads, self.steps),
            self.explainer.questions_of(ObservedGraph(self.explainer.graph, self.steps)),
            engine.stores.question_seconds,
        )
        copied.count_fallback = self.reasons.append
        return copied


def milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)


def with_explanation(answer: Answer, explanation: Mapping[str, Any]) -> Answer:
    """Beside the other extensions; `data` is not parsed."""
    head, _, tail = answer.body.rpartition(EXTENSIONS)
    extensions = {**json.loads(tail[:-1]), EXPLAIN: explanation}
    return replace(answer, body=extended(head + b"}", extensions))
