"""From an accepted operation to its plan: looked up by shape, else priced and compiled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLField, OperationType

from resolvers.readpath.compiler import Task, compile_event, compile_query, cost_of
from resolvers.readpath.cost import refuse_dear
from resolvers.readpath.documents import Documents, Prepared
from resolvers.readpath.failures import LOG
from resolvers.readpath.mutation import MutationPlan, compile_mutation
from resolvers.readpath.operation import Operation, Unplannable
from resolvers.readpath.plan import SHAPE, Compiled, Inputs, Plan
from resolvers.readpath.sources import Roles
from resolvers.readpath.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Planner:
    """`own_rows_only`: roles that reach only rows of their customer."""

    documents: Documents
    own_rows_only: Roles

    def cost(self, prepared: Prepared, operation: Operation, inputs: Inputs, viewer: Viewer) -> int:
        """Refused with LIMIT_EXCEEDED when it is more than an operation may cost."""
        cost = prepared.costs.get(inputs[SHAPE])
        if cost is None:
            cost = prepared.keep_cost(inputs[SHAPE], cost_of(self.task(operation, inputs, viewer, {})))
        found = cost.of(inputs)
        refuse_dear(found, self.documents.limits.cost)
        return found

    def plan(self, prepared: Prepared, operation: Operation, inputs: Inputs, viewer: Viewer) -> Plan:
        found = self.compiled(prepared, operation, inputs, viewer)
        assert isinstance(found, Plan)
        return found

    def mutation(
        self, prepared: Prepared, operation: Operation, inputs: Inputs, viewer: Viewer
    ) -> MutationPlan:
        found = self.compiled(prepared, operation, inputs, viewer)
        assert isinstance(found, MutationPlan)
        return found

    def compiled(self, prepared: Prepared, operation: Operation, inputs: Inputs, viewer: Viewer) -> Compiled:
        """Of this shape; compiled a second time with those fields failed whose arguments are bad."""
        plan = self.plan_with(prepared, operation, inputs, (viewer, {}))
        bad = plan.bad_inputs(inputs)
        return self.plan_with(prepared, operation, inputs, (viewer, bad)) if bad else plan

    def plan_with(
        self,
        prepared: Prepared,
        operation: Operation,
        inputs: Inputs,
        viewer_and_failed: tuple[Viewer, Mapping[int, str]],
    ) -> Compiled:
        viewer, failed = viewer_and_failed
        key = (viewer.role, self.is_scoped(viewer), tuple(failed.items()), inputs[SHAPE])
        plan = self.documents.plans.find(prepared, key)
        if plan is None:
            plan = self.compile(self.task(operation, inputs, viewer, failed))
            self.documents.plans.keep(prepared, key, plan)
        if isinstance(plan, Unplannable):
            raise Unplannable(str(plan))
        return plan

    def compile(self, task: Task) -> Compiled | Unplannable:
        try:
            match task.operation.definition.operation:
                case OperationType.SUBSCRIPTION:
                    return compile_event(task, *root_field_of(task.operation))
                case OperationType.MUTATION:
                    return compile_mutation(task)
            return compile_query(task)
        except Unplannable as reason:
            return reason
        except Exception as fault:  # noqa: BLE001 - our fault: the reference answers, log and metric show it
            LOG.exception("the compiler failed")
            return Unplannable(f"compiler: {type(fault).__name__}")

    def task(self, operation: Operation, inputs: Inputs, viewer: Viewer, failed: Mapping[int, str]) -> Task:
        catalogue = self.documents.catalogue
        variables = operation.symbolic(variables_of(inputs), catalogue.prefixes)
        return Task(operation, catalogue, variables, viewer.role, self.is_scoped(viewer), failed)

    def shape_of(self, operation: Operation, variables: Mapping[str, Any]) -> Hashable:
        return operation.shapes(variables, self.documents.catalogue.prefixes)

    def is_scoped(self, viewer: Viewer) -> bool:
        return viewer.role in self.own_rows_only


def find_root_field(operation: Operation) -> tuple[GraphQLField, FieldNode] | None:
    """Of a subscription, which has exactly one, whatever its variables."""
    selections = operation.definition.selection_set.selections
    node, root = selections[0], operation.schema.subscription_type
    if len(selections) != 1 or not isinstance(node, FieldNode) or node.directives or root is None:
        return None
    return root.fields[node.name.value], node


def root_field_of(operation: Operation) -> tuple[GraphQLField, FieldNode]:
    """Of a subscription that was accepted."""
    found = find_root_field(operation)
    assert found is not None
    return found


def variables_of(inputs: Inputs) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if not name.startswith("@")}
