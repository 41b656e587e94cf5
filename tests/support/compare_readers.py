"""Runs operations on the planner and on the reference reader and says where they disagree."""

from __future__ import annotations

import gc
import json
import random
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, parse, validate
from random_operations import RandomOperation, Values

from resolvers.readpath.engine import Engine, Request
from resolvers.readpath.viewer import OperationContext

CURSOR = re.compile(r'"(W[A-Za-z0-9+/]{3,}={0,2})"')
KEPT_CURSORS = 60
BETWEEN_COLLECTIONS = 25


@contextmanager
def dropped_coroutines_in_silence() -> Iterator[Callable[[], int]]:
    """graphql-core drops its own coroutines beside a field that failed; gives the only time they are collected.

    The collector must not run by itself: inside the constructor of a named tuple, which has no builtins, the
    warning can't be filtered and ends as a KeyError that fails some other line.
    """
    gc.disable()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        try:
            yield gc.collect
        finally:
            gc.collect()
            gc.enable()


def comparable(body: bytes) -> tuple[str, list[tuple[str, ...]]]:
    """Data with the order of its keys; errors by path, message and code.

    Where a null spread upwards, the specification lets a server drop the other errors below it: there only
    the place of the null is compared.
    """
    answer = json.loads(body)
    errors = {comparable_error(answer.get("data"), error) for error in answer.get("errors") or []}
    return json.dumps(answer.get("data")), sorted(errors)


def around_difference(plan: str, reference: str) -> list[str]:
    """Both answers from a little before the first place where they differ."""
    at = next((i for i, (a, b) in enumerate(zip(plan, reference, strict=False)) if a != b), 0)
    start = max(at - 200, 0)
    return [f"plan      {plan[start : at + 800]}", f"reference {reference[start : at + 800]}"]


def comparable_error(value: Any, error: dict[str, Any]) -> tuple[str, ...]:
    path = error.get("path") or []
    for i, step in enumerate(path):
        if value is None:
            return (json.dumps(path[:i]), "null spread")
        value = value[step]
    extensions = error.get("extensions") or {}
    return (json.dumps(path), error["message"], json.dumps(extensions, sort_keys=True))


def roots_of(text: str) -> set[str]:
    operation = next(d for d in parse(text).definitions if isinstance(d, OperationDefinitionNode))
    return {node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)}


def is_valid(schema: GraphQLSchema, text: str) -> bool:
    try:
        return not validate(schema, parse(text))
    except GraphQLError:
        return False


@dataclass(slots=True)
class Comparison:
    """`contexts` are the viewers to choose from; `prepare` breaks and mends stores before each operation."""

    engine: Engine
    contexts: Sequence[OperationContext]
    values: Values
    prepare: Callable[[random.Random], None] = lambda _: None
    roots: Sequence[str] | None = None
    mutations_percent: int = 0
    """Only where mutations change nothing: both readers run them."""
    cursors: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    async def run(self, count: int, seed: int) -> None:
        """Compares `count` random operations; the same seed gives the same operations on the same data."""
        print(f"seed {seed}")  # noqa: T201 - pytest shows it with a failure
        chooser = random.Random(seed)
        with dropped_coroutines_in_silence() as collect:
            while self.seen["compared"] < count:
                await self.one(random.Random(chooser.random()))
                if not self.seen["compared"] % BETWEEN_COLLECTIONS:
                    collect()

    async def one(self, chooser: random.Random) -> None:
        schema = self.engine.documents.catalogue.schema
        kind = "mutation" if chooser.randrange(100) < self.mutations_percent else "query"
        made = RandomOperation(schema, chooser, self.values, self.cursors, self.roots, kind)
        text, variables = made.make()
        if not is_valid(schema, text):
            self.seen["invalid"] += 1
            return
        self.prepare(chooser)
        request = Request(text, variables)
        await self.engine.execute(request, chooser.choice(self.contexts))  # a plan of another viewer first
        context = chooser.choice(self.contexts)
        answer = await self.engine.execute(request, context)
        if answer.was_refused:
            self.seen["refused " + json.loads(answer.body)["errors"][0]["extensions"]["code"]] += 1
            return
        await self.compare(request, context, answer.body)

    async def compare(self, request: Request, context: OperationContext, body: bytes) -> None:
        expected = await self.engine.reference(request, context)
        self.seen["compared"] += 1
        self.seen[f"role {context.viewer.role.name}"] += 1
        self.seen.update(f"root {name}" for name in roots_of(request.text))
        self.seen["graph down"] += b'"store":"graph"' in expected
        self.seen["with errors"] += b'"errors":' in expected
        self.seen["leaves"] += expected.count(b":")
        self.cursors[:] = (self.cursors + CURSOR.findall(expected.decode()))[-KEPT_CURSORS:]
        if comparable(body) != comparable(expected):
            self.seen["disagree"] += 1
            details = [
                str(context.viewer),
                request.text,
                json.dumps(dict(request.variables), ensure_ascii=False),
            ]
            details += around_difference(str(comparable(body)), str(comparable(expected)))
            self.disagreements.append("\n".join(details))
