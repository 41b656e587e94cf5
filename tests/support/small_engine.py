"""A plain graphql-core engine over a toy schema, for tests of the server edge."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    build_schema,
    get_operation_ast,
    parse,
    subscribe,
    validate,
)
from graphql import execute as run

from api.engine_port import (
    GraphQLAnswer,
    GraphQLRequest,
    LiveResult,
    OperationKind,
    OperationRefused,
    Take,
    Tell,
)
from domain.errors import StoreUnavailable
from domain.privacy.viewer import Role, Viewer

SDL = '''
"""A toy."""
type Query {
  hello(name: String): String!
  "Who asks."
  role: String!
  slow(seconds: Float!): String
  broken: String
  storeless: String
  echo(text: String!): String
}
type Mutation { add(number: Int!): Int! }
type Subscription {
  greetings: String!
  count(to: Int!): Int!
  big(kilobytes: Int!): String!
  gone: String!
}
'''
GREETINGS = ("Hi", "Bonjour", "Hola", "Ciao", "Zdravo")


class Root:
    """Resolvers by name; `sum` and `stopped` let tests see what really ran."""

    def __init__(self) -> None:
        self.sum = 0
        self.stopped: list[str] = []

    def hello(self, info: Any, name: str | None = None) -> str:
        return f"Hello {name or 'world'}"

    def role(self, info: Any) -> str:
        return str(info.context.role.value)

    def echo(self, info: Any, text: str) -> str:
        return text

    async def slow(self, info: Any, seconds: float) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.stopped.append("slow")
            raise
        return "done"

    def broken(self, info: Any) -> str:
        raise RuntimeError("password=hunter2")

    def storeless(self, info: Any) -> str:
        raise StoreUnavailable("graph")

    def add(self, info: Any, number: int) -> int:
        self.sum += number
        return self.sum

    async def greetings(self, info: Any) -> AsyncIterator[dict[str, Any]]:
        for greeting in GREETINGS:
            yield {"greetings": greeting}

    async def count(self, info: Any, to: int) -> AsyncIterator[dict[str, Any]]:
        try:
            for number in range(to):
                await asyncio.sleep(0.01)
                yield {"count": number}
        finally:
            self.stopped.append("count")

    async def big(self, info: Any, kilobytes: int) -> AsyncIterator[dict[str, Any]]:
        try:
            while True:
                yield {"big": "x" * 1024 * kilobytes}
                await asyncio.sleep(0)
        finally:
            self.stopped.append("big")

    async def gone(self, info: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"gone": "soon"}
        raise StoreUnavailable("postgres")


class SmallEngine:
    """Implements api.engine_port.Engine. Event ids count from `resume_after`."""

    def __init__(self) -> None:
        self.schema = build_schema(SDL)
        self.root = Root()
        self.seen: list[GraphQLRequest] = []
        self.fault: Exception | None = None
        self.kept: dict[tuple[bytes, Role], GraphQLAnswer] = {}

    def operation_kind(self, request: GraphQLRequest) -> OperationKind | None:
        try:
            found = get_operation_ast(parse(request.query), request.operation_name)
        except GraphQLError:
            return None
        return OperationKind(found.operation.value) if found else None

    def recall(self, raw: bytes, viewer: Viewer, tell: Tell) -> None:
        tell(self.kept.get((raw, viewer.role)))

    async def find(self, raw: bytes, viewer: Viewer) -> GraphQLAnswer | None:
        return self.kept.get((raw, viewer.role))

    async def execute(self, request: GraphQLRequest, viewer: Viewer) -> GraphQLAnswer:
        self.seen.append(request)
        if self.fault:
            raise self.fault
        errors = self._problems(request)
        if errors:
            return answer_of(ExecutionResult(None, errors), request)
        result = run(
            self.schema,
            parse(request.query),
            root_value=self.root,
            context_value=viewer,
            variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        return answer_of(result, request)

    async def subscribe(
        self, request: GraphQLRequest, viewer: Viewer, take: Take | None = None
    ) -> AsyncGenerator[LiveResult, None]:
        self.seen.append(request)
        errors = self._problems(request)
        if errors:
            raise OperationRefused([error.formatted for error in errors])
        results: Any = subscribe(
            self.schema,
            parse(request.query),
            root_value=self.root,
            context_value=viewer,
            variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
        )
        if asyncio.iscoroutine(results):
            results = await results
        if isinstance(results, ExecutionResult):
            raise OperationRefused([error.formatted for error in results.errors or ()])
        number = int(request.resume_after or 0)
        try:
            async for result in results:
                number += 1
                made = LiveResult(json.dumps(result.formatted).encode(), str(number))
                if take is None or not take(made):
                    yield made
        except GraphQLError as error:
            raise error.original_error or error from None
        finally:
            await results.aclose()

    def _problems(self, request: GraphQLRequest) -> list[GraphQLError]:
        try:
            document = parse(request.query)
        except GraphQLError as error:
            return [error]
        errors = validate(self.schema, document)
        if not errors and get_operation_ast(document, request.operation_name) is None:
            return [GraphQLError("There is no such operation.")]
        return errors


def answer_of(result: ExecutionResult, request: GraphQLRequest) -> GraphQLAnswer:
    shown: dict[str, Any] = dict(result.formatted)
    refused = result.data is None and bool(result.errors) and not any(e.path for e in result.errors or ())
    if refused:
        del shown["data"]
    codes = tuple((e.extensions or {}).get("code", "INTERNAL") for e in result.errors or ())
    return GraphQLAnswer(
        body=json.dumps(shown).encode(),
        request_error=refused,
        operation_name=request.operation_name,
        codes=codes,
    )
