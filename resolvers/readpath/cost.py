"""What an operation costs, from the sizes of its pages and declared weights, known before anything is compiled.

A column is free. Another row costs 1, what a declaration says is dearer (`costly`) that weight; all of it is taken
as often as the pages above it have entries. So 20,000 is about 20,000 rows, or half a second of CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationType, get_named_type, is_abstract_type, is_object_type
from graphql.execution.values import VariableValues, get_argument_values

from resolvers.readpath.catalogue import Catalogue, declared, find_source
from resolvers.readpath.failures import Code, Failure, Refused
from resolvers.readpath.operation import Operation, Slot, id_prefix
from resolvers.readpath.paging import MAXIMUM_PAGE
from resolvers.readpath.plan import Inputs
from resolvers.readpath.sources import (
    ByGlobalId,
    Computed,
    GraphPages,
    GraphRows,
    Lookup,
    Many,
    MergedPages,
    One,
    Pages,
    Source,
    WorkedRows,
)

ROWS_OF_A_SHORT_LIST = 10
"""A list without pages is bounded by its nature: labels, policies, categories."""
COUNTED_IN_ALL, STOOD_IN, CHANGED = 10, 5, 10
"""What a total, rows that stand in for others, and a mutation cost."""
WEIGHTS: dict[type, int] = {
    Computed: 1,
    One: 1,
    Lookup: 1,
    Pages: 1,
    MergedPages: 1,
    GraphPages: 10,
    GraphRows: 10,
    WorkedRows: 2,
}
Size = Callable[[Inputs], int]


@dataclass(frozen=True, slots=True)
class Cost:
    """`fixed`, and for each page its size times what an entry costs; of `either` alternatives the dearest."""

    fixed: int = 0
    pages: tuple[tuple[Size, Cost], ...] = ()
    either: tuple[tuple[Cost, ...], ...] = ()

    def of(self, inputs: Inputs) -> int:
        found = self.fixed
        for size, entry in self.pages:
            found += size(inputs) * entry.of(inputs)
        for alternatives in self.either:
            found += max(one.of(inputs) for one in alternatives)
        return found

    def plus(self, more: int) -> Cost:
        return Cost(self.fixed + more, self.pages, self.either)

    def times(self, size: Any) -> Cost:
        """`size` is a number, or the variable that holds one; what makes no sense fails its field for nothing."""
        if isinstance(size, Slot):
            return Cost(0, ((lambda inputs: sensible(size.read(inputs)), self),))
        number = sensible(size)
        if not self.pages and not self.either:
            return Cost(self.fixed * number)
        return Cost(0, ((lambda _: number, self),))


def sensible(size: Any) -> int:
    number = len(size) if isinstance(size, list) else size
    return number if isinstance(number, int) and 0 <= number <= MAXIMUM_PAGE else 0


def total(costs: Iterable[Cost]) -> Cost:
    parts = list(costs)
    return Cost(
        sum(one.fixed for one in parts),
        tuple(page for one in parts for page in one.pages),
        tuple(alternatives for one in parts for alternatives in one.either),
    )


def refuse_dear(cost: int, limit: int) -> None:
    if cost > limit:
        message = (
            f"This operation costs {cost}, more than {limit}; ask for smaller pages, or for less in an entry."
        )
        more = {"limit": "cost", "maximum": limit, "found": cost}
        raise Refused(Failure(Code.LIMIT_EXCEEDED, message, more))


@dataclass(frozen=True, slots=True)
class Pricing:
    """`variables` in symbolic form: what a page size was given as may be a Slot."""

    operation: Operation
    catalogue: Catalogue
    variables: VariableValues

    def whole(self) -> Cost:
        definition = self.operation.definition
        root = getattr(self.operation.schema, f"{definition.operation.value}_type")
        changed = CHANGED if definition.operation is OperationType.MUTATION else 0
        return self.selected(root, [definition]).plus(changed)

    def selected(self, type_: Any, nodes: Sequence[Any]) -> Cost:
        sets = [node.selection_set for node in nodes]
        if is_abstract_type(type_):
            types = self.operation.schema.get_possible_types(type_)
            found = [self.selected(one, nodes) for one in types]
            return Cost(0, (), (tuple(found),)) if found else Cost()
        if not is_object_type(type_):
            return Cost()
        merged = self.operation.merged(type_, sets, self.variables)
        fields = [(type_.fields.get(parts[0].name.value), parts) for parts in merged.values()]
        return total(self.field(field, parts) for field, parts in fields if field is not None)

    def field(self, field: Any, nodes: Sequence[Any]) -> Cost:
        source, weight = find_source(field), getattr(declared(field), "weight", None)
        own = WEIGHTS.get(type(source), 0) if weight is None else weight
        return self.below(field, source, nodes).plus(own)

    def below(self, field: Any, source: Source | None, nodes: Sequence[Any]) -> Cost:
        target = get_named_type(field.type)
        match source:
            case Computed():
                return Cost()
            case Many() | WorkedRows():
                return self.selected(target, nodes).plus(1).times(ROWS_OF_A_SHORT_LIST)
            case Pages() | MergedPages() | GraphPages():
                return self.page(target, nodes, self.size(field, nodes))
            case GraphRows():
                return self.selected(target, nodes).plus(1).times(self.size(field, nodes))
            case ByGlobalId():
                return self.by_id(field, nodes)
            case One(given=given) if any(self.argument(field, nodes, name) is not None for name in given):
                return self.selected(target, nodes).plus(STOOD_IN)
        return self.selected(target, nodes)

    def page(self, type_: Any, nodes: Sequence[Any], size: Any) -> Cost:
        """Entries, whether by `nodes` or by `edges`, and the count in all."""
        merged = self.operation.merged(type_, [node.selection_set for node in nodes], self.variables)
        parts = []
        for members in merged.values():
            name = members[0].name.value
            if name == "totalCount":
                parts.append(Cost(COUNTED_IN_ALL))
            elif name in ("nodes", "edges"):
                inner = get_named_type(type_.fields[name].type)
                parts.append(self.selected(inner, members).plus(1).times(size))
        return total(parts)

    def by_id(self, field: Any, nodes: Sequence[Any]) -> Cost:
        """Only what the ids name; of several types the dearest."""
        ids = self.argument(field, nodes, "ids")
        value = self.argument(field, nodes, "id") if ids is None else ids
        slots = value if isinstance(value, list) else [value]
        prefixes = {p for s in slots for p in (s.id_prefixes if isinstance(s, Slot) else {id_prefix(s)})}
        types = [self.catalogue.by_prefix[one] for one in prefixes if one in self.catalogue.by_prefix]
        one = Cost(1, (), (tuple(self.selected(t, nodes) for t in types),) if types else ())
        return one if ids is None else one.times(ids)

    def size(self, field: Any, nodes: Sequence[Any]) -> Any:
        first = self.argument(field, nodes, "first")
        return self.argument(field, nodes, "last") if first is None else first

    def argument(self, field: Any, nodes: Sequence[Any], name: str) -> Any:
        """None too for arguments that make no sense: their field fails."""
        try:
            return get_argument_values(field, nodes[0], self.variables).get(name)
        except GraphQLError:
            return None
