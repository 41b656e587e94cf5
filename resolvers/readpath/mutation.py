"""A mutation runs its use case; what is selected of its payload is then printed, entities by compiled statements.

Compiled as a whole before anything is changed, so that what cannot be answered is known in time. Once the use case
has run nothing is run again: a payload that cannot be read fails its field, and the rest of the answer stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import Path

from domain.errors import StoreUnavailable
from resolvers.readpath.builder import ROOT, StatementBuilder
from resolvers.readpath.catalogue import entity_of
from resolvers.readpath.compiler import Task, new_builder, print_object
from resolvers.readpath.execution import Execution, Stores
from resolvers.readpath.failures import MISSING_VALUE, Code, Failure, Masking, store_unavailable
from resolvers.readpath.field import find_entity
from resolvers.readpath.jsontext import joined
from resolvers.readpath.nulls import completed, failed_value
from resolvers.readpath.operation import Operation
from resolvers.readpath.plan import Inputs, Plan, Statement, bad_inputs
from resolvers.readpath.projection import Writer, constant_writer, projection
from resolvers.readpath.sources import Condition
from resolvers.readpath.sql import print_condition
from resolvers.readpath.viewer import OperationContext

CONDITION = "\x04"
"""Stands in the statement of a payload's entity for what chooses its row."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row that a use case changed, as a payload holds it: read when the payload is printed."""

    target: type
    condition: Condition


@dataclass(frozen=True, slots=True)
class MutationContext:
    """What resolvers of mutations find in `info.context`. Whether a viewer sees a row is known when it is printed:
    a payload's entity is nullable."""

    operation: OperationContext

    async def find_row(self, target: type, key: int) -> Any:
        """An entity by its key, for the payload; null where this viewer may not see it."""
        entity = find_entity(target)
        assert entity is not None
        return Chosen(target, cast(Condition, entity.key == key))

    async def find_where(self, target: type, condition: Any) -> Any:
        """Likewise, by any condition that at most one row meets."""
        return Chosen(target, condition)


# --- compiled ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How one selected entity of a payload is printed, once it is known which row. `alias` stands for its rows."""

    plan: Plan
    alias: str
    is_promised: bool

    def chosen(self, chosen: Chosen) -> Plan:
        entity, statement = find_entity(chosen.target), self.plan.statement
        assert entity is not None
        text, values = print_condition(chosen.condition, entity.rows, self.alias, len(statement.binds))
        binds = tuple(always(value) for value in values)
        made = Statement(statement.sql.replace(CONDITION, text), (*statement.binds, *binds))
        return replace(self.plan, statement=made)


def always(value: Any) -> Any:
    return lambda _: value


@dataclass(frozen=True, slots=True)
class Pending:
    """A place in a payload where a row is printed."""

    row: RowPlan
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class RootPlan:
    """One mutation of the operation; `field` None: __typename."""

    key: str
    field: GraphQLField | None
    nodes: Sequence[FieldNode]
    write: Writer


@dataclass(frozen=True, slots=True)
class MutationPlan:
    roots: tuple[RootPlan, ...]
    rows: tuple[RowPlan, ...]

    @property
    def size(self) -> int:
        return sum(row.plan.size for row in self.rows)

    def bad_inputs(self, inputs: Inputs) -> dict[int, str]:
        return bad_inputs([check for row in self.rows for check in row.plan.checks], inputs)


def compile_mutation(task: Task) -> MutationPlan:
    builder, root, rows = new_builder(task), task.operation.schema.mutation_type, list[RowPlan]()
    assert root is not None

    def row_writer(type_: GraphQLObjectType, selections: Sequence[Any], is_promised: bool) -> Writer:
        row = compile_row(task, type_, selections, is_promised)
        rows.append(row)
        return lambda chosen: Pending(row, chosen)

    roots = []
    merged = builder.operation.merged(root, [task.operation.definition.selection_set], builder.variables)
    for key, nodes in merged.items():
        name, sets = nodes[0].name.value, [node.selection_set for node in nodes]
        found = root.fields.get(name)
        if found is None:
            roots.append(RootPlan(key, None, nodes, constant_writer(root.name)))
        else:
            roots.append(RootPlan(key, found, nodes, projection(builder, found.type, sets, row_writer)))
    return MutationPlan(tuple(roots), tuple(rows))


def compile_row(
    task: Task, type_: GraphQLObjectType, selections: Sequence[Any], is_promised: bool
) -> RowPlan:
    builder: StatementBuilder = new_builder(task)
    opened = builder.open_rows(type_, ROOT)
    builder.used.list_all(opened.alias)  # the condition comes with the payload
    parents = [OnlySelection(one) for one in selections]
    body = joined(print_object(builder, type_, opened.row, parents)).text
    conditions = " AND ".join([CONDITION, *opened.conditions])
    statement = builder.statement(f"SELECT {body} FROM {opened.source} WHERE {conditions} LIMIT 1")
    assert entity_of(type_) is opened.row.entity
    return RowPlan(builder.plan(statement), opened.alias, is_promised)


@dataclass(frozen=True, slots=True)
class OnlySelection:
    """What the printer needs of a node."""

    selection_set: Any


# --- run --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class MutationRun:
    stores: Stores
    masking: Masking
    operation: Operation
    inputs: Inputs
    context: OperationContext
    failures: list[Failure] = field(default_factory=list)

    async def body(self, plan: MutationPlan) -> bytes:
        """One after the other; where a promised payload failed, those that follow are not run."""
        parts: list[str] = []
        for root in plan.roots:
            before = len(self.failures)
            parts.append(f"{json.dumps(root.key)}:{await self.root(root)}")
            if len(self.failures) > before and root.field is not None and is_non_null_type(root.field.type):
                break
        text = f'{{"data":{{{",".join(parts)}}}}}'
        if not self.failures:
            return text.encode()
        return completed(text, self.operation, self.operation.schema.mutation_type, self.failures)

    async def root(self, root: RootPlan) -> str:
        try:
            return await self.text(root.write(await self.call(root)))
        except StoreUnavailable as lost:
            return self.fail(store_unavailable(lost))
        except GraphQLError as error:
            return self.fail(self.worded(error))
        except Exception as cause:  # noqa: BLE001 - one mutation fails: the others are told of
            return self.fail(self.masking.masked(cause))

    async def call(self, root: RootPlan) -> Any:
        if root.field is None:
            return ""
        coerced = {name: value for name, value in self.inputs.items() if not name.startswith("@")}
        arguments = get_argument_values(root.field, root.nodes[0], VariableValues({}, coerced))
        assert root.field.resolve is not None
        return await root.field.resolve(None, self.info(root, root.field, coerced), **arguments)

    def info(self, root: RootPlan, chosen: GraphQLField, coerced: dict[str, Any]) -> GraphQLResolveInfo[Any]:
        parent = self.operation.schema.mutation_type
        assert parent is not None
        known: dict[str, Any] = dict.fromkeys(GraphQLResolveInfo._fields)
        known |= {
            "field_name": root.nodes[0].name.value,
            "field_nodes": list(root.nodes),
            "return_type": chosen.type,
            "parent_type": parent,
            "path": Path(None, root.key, parent.name),
            "schema": self.operation.schema,
            "fragments": self.operation.fragments,
            "operation": self.operation.definition,
            "variable_values": coerced,
            "context": MutationContext(self.context),
        }
        return GraphQLResolveInfo(**known)

    async def text(self, value: Any) -> str:
        match value:
            case Pending():
                return await self.row(value)
            case dict():
                parts = [f"{json.dumps(key)}:{await self.text(part)}" for key, part in value.items()]
                return f"{{{','.join(parts)}}}"
            case list():
                return f"[{','.join([await self.text(part) for part in value])}]"
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    async def row(self, pending: Pending) -> str:
        plan = pending.row.chosen(pending.chosen)
        run = Execution(self.stores, self.masking, plan, self.inputs, self.context, self.failures)
        try:
            text = await run.text()
        except StoreUnavailable as lost:
            return self.fail(store_unavailable(lost))
        except ValueError as error:
            return self.fail(self.masking.masked(error))
        if text is None and pending.row.is_promised:
            return self.fail(self.masking.masked(MISSING_VALUE))
        return "null" if text is None else text

    def worded(self, error: GraphQLError) -> Failure:
        """What a resolver coded itself, or an argument that its type refuses."""
        given = dict(error.extensions or {})
        if "code" in given:
            return Failure(Code(given.pop("code")), error.message, given)
        if error.original_error is None:
            return Failure(Code.BAD_USER_INPUT, error.message)
        return self.masking.masked(error.original_error)

    def fail(self, failure: Failure) -> str:
        self.failures.append(failure)
        return failed_value(len(self.failures) - 1)
