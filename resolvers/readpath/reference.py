"""The second reader: the same declarations executed naively, one field at a time, by graphql-core.

Slow and simple on purpose: a field asks the database for its own value. It serves what the planner cannot,
and tests compare it with the planner on random operations. It shares only the declarations, ids and cursors.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer

from domain.errors import StoreUnavailable
from resolvers.readpath.catalogue import Catalogue, class_of, find_entity_of
from resolvers.readpath.cursors import DEEPEST_PLACE, NOT_A_CURSOR, decode_id, storable
from resolvers.readpath.expressions import is_descending, without_direction
from resolvers.readpath.failures import AMBIGUOUS, Code, Failure, Masking, store_unavailable
from resolvers.readpath.field import SourcedField, declared_arguments, find_entity, target_class
from resolvers.readpath.operation import id_prefix
from resolvers.readpath.reference_objects import Parent, coded, instance, parent_of, require
from resolvers.readpath.reference_pages import Entry, cut, window_of
from resolvers.readpath.reference_rows import Rows, Values, as_dicts, from_driver, given
from resolvers.readpath.relay import SortDirection
from resolvers.readpath.sources import (
    Argument,
    ByGlobalId,
    Column,
    Computed,
    Embed,
    GraphPages,
    GraphRows,
    Lookup,
    Many,
    MergedPages,
    One,
    Ordered,
    Pages,
    WorkedRows,
)
from resolvers.readpath.viewer import OperationContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceContext:
    """graphql-core's context; resolvers of mutations find the operation's own context in `operation`."""

    stores: Any
    catalogue: Catalogue
    operation: OperationContext
    masking: Masking
    own_customer_id: int | None

    @property
    def rows(self) -> Rows:
        return Rows(self.stores.reads, self.operation, self.own_customer_id)

    def resolve(self, field: SourcedField, parent: Any, arguments: Values) -> Pending:
        return Pending(Reader(self, field, arguments, parent_of(parent)))

    async def find_row(self, target: type, key: int) -> Any:
        """An entity by its key, for the payload of a mutation; None when this viewer may not see it."""
        return await self.find_where(target, require(target).key == key)

    async def find_where(self, target: type, condition: Any) -> Any:
        """Likewise, by any condition that at most one row meets."""
        entity = require(target)
        found = await self.rows.of(entity, None, condition, {})
        return instance(target, found[0]) if found else None


@dataclass(frozen=True, slots=True)
class Pending:
    """A field's value, read once it is awaited: graphql-core drops what stands beside a field that failed."""

    reader: Reader

    def __await__(self) -> Generator[Any, None, Any]:
        return self.reader.read().__await__()


@dataclass(frozen=True, slots=True)
class Reader:
    """One field of one parent."""

    context: ReferenceContext
    field: SourcedField
    arguments: Values
    parent: Parent | None

    @property
    def rows(self) -> Rows:
        return self.context.rows

    @property
    def target(self) -> Any:
        return target_class(self.field.type)

    async def read(self) -> Any:
        try:
            return await READERS[type(self.field.source)](self, self.field.source)
        except ValueError as error:
            raise coded(Failure(Code.BAD_USER_INPUT, str(error))) from error
        except StoreUnavailable as lost:
            raise coded(store_unavailable(lost)) from lost

    def check_arguments(self) -> None:
        entity = find_entity(self.target)
        for argument in declared_arguments(self.field.source, entity.rows if entity else None):
            self.check_argument(argument)

    def check_argument(self, argument: Any) -> None:
        value = as_dicts(given(self.arguments, argument.graphql_name))
        if argument.check is not None and value is not None:
            argument.check(value)
        if argument.check_in_context is not None and value is not None:
            argument.check_in_context(self.context.operation, value)
        storable(value)

    def wanted(self, declared: Sequence[Argument[Any]]) -> Values:
        for argument in declared:
            self.check_argument(argument)
        return {a.graphql_name: given(self.arguments, a.graphql_name) for a in declared}

    def row(self) -> Parent:
        assert self.parent is not None
        return self.parent

    async def column(self, source: Column) -> Any:
        entity, row = self.row()
        if self.field.arguments:
            self.check_arguments()
        value = await self.rows.value(source.expression, entity, row, self.arguments)
        if not source.is_id or value is None:
            return value
        return f"{source.id_prefix or entity.id_prefix}_{value}"

    async def embedded(self, source: Embed) -> Any:
        entity, row = self.row()
        if source.unless_null is not None and await self.rows.value(source.unless_null, entity, row) is None:
            return None
        if not source.values:
            return instance(source.target, row)
        made: Any = object.__new__(source.target)
        for name, value in source.values.items():
            setattr(made, name, await self.part(value))
        return made

    async def part(self, value: Any) -> Any:
        if isinstance(value, Embed):
            return await self.embedded(value)
        if hasattr(value, "type"):
            return await self.rows.value(value, *self.row())
        return value

    async def computed(self, source: Computed) -> Any:
        wanted = self.wanted(source.parameters)
        values = [await self.rows.value(column, *self.row()) for column in source.columns]
        return self.called(source.function, *values, **wanted)

    def called(self, function: Callable[..., Any], *values: Any, **wanted: Any) -> Any:
        try:
            return function(self.context.operation, *values, **wanted)
        except Exception as cause:
            raise coded(self.context.masking.told(cause)) from cause

    async def one(self, source: One) -> Any:
        self.check_arguments()
        names = [name for name in source.given if given(self.arguments, name) is not None]
        instead = source.given[names[0]] if names else None
        found = await self.rows.of(
            require(self.target), self.parent, source.on, self.arguments, instead=instead
        )
        return instance(self.target, found[0]) if found else None

    async def lookup(self, source: Lookup) -> Any:
        condition = self.rows.matching(source.by, self.arguments["by"])
        if condition is None:
            raise ValueError("Give exactly one of the keys of `by`.")
        found = await self.rows.of(require(self.target), None, condition, {})
        if len(found) > 1:
            raise coded(AMBIGUOUS)
        return instance(self.target, found[0]) if found else None

    async def many(self, source: Many) -> list[Any]:
        self.check_arguments()
        order = source.order_by
        found = await self.rows.of(require(self.target), self.parent, source.on, self.arguments, order=order)
        return [instance(self.target, row) for row in found]

    async def pages(self, source: Pages) -> Any:
        ordered, descending = self.ordered(source)
        entity, keys = require(self.target), [without_direction(term) for term in ordered.order_by]
        window = window_of(self.arguments, [key.type for key in keys])
        self.check_arguments()
        where = self.rows.matching(source.where, self.arguments.get("where")) if source.where else None
        conditions = [c for c in (source.on, where) if c is not None]
        on = conditions[0] & conditions[1] if len(conditions) == 2 else next(iter(conditions), None)
        order = [key.desc() if descending else key.asc() for key in keys]
        found = await self.rows.of(entity, self.parent, on, self.arguments, order=order, among=ordered.rows)
        entries = [
            Entry(
                tuple([from_driver(row[str(key.key)], key.type) for key in keys]), instance(self.target, row)
            )
            for row in found
        ]
        return cut(entries, window, descending=descending, counted=True)

    def ordered(self, source: Pages) -> tuple[Ordered, bool]:
        """The order that was asked for, and whether it is read from the greatest."""
        wanted = given(self.arguments, "orderBy")
        if wanted is None or source.orders is None:
            return Ordered(source.order_by), is_descending(source.order_by[0])
        return source.orders.by[wanted.by], wanted.direction is SortDirection.DESC

    async def merged(self, source: MergedPages) -> Any:
        key_types = [source.branches[0].at.type, Integer(), Integer()]
        window = window_of(self.arguments, key_types)
        entries: list[Entry] = []
        for kind, branch in enumerate(source.branches):
            target = require(branch.target)
            if self.context.operation.viewer.role not in target.roles:
                continue
            for row in await self.rows.of(target, self.parent, branch.on, {}):
                at = await self.rows.value(branch.at, target, row)
                key = await self.rows.value(target.key, target, row)
                entries.append(Entry((at, kind, key), instance(branch.target, row)))
        entries.sort(key=lambda entry: entry.keys, reverse=True)
        return cut(entries, window, descending=True, counted=False)

    async def graph_rows(self, source: GraphRows) -> Any:
        first = self.arguments["first"]
        if not 1 <= first <= 100:
            raise ValueError("first must be 1 to 100.")
        return [entry.node for entry in await self.answers(source, first)]

    async def graph_pages(self, source: GraphPages) -> Any:
        window = window_of(self.arguments, [Integer()])
        before = window.start[0] if window.start else 0
        if window.start and not 1 <= before <= DEEPEST_PLACE:
            raise ValueError(NOT_A_CURSOR)
        entries = await self.answers(source, before + window.size + 1)
        return cut(entries, window, descending=False, counted=False)

    async def answers(self, source: GraphRows | GraphPages, first: int) -> list[Entry]:
        """At most `first` answers, each with its place; without those that the database lacks."""
        wanted = self.wanted(source.parameters)
        key = await self.rows.value(source.key, *self.row())
        answer = await self.context.stores.answer_question(
            source.question.name, [key], {"first": first, **wanted}
        )
        names = [column.name for column in source.question.c]
        made = [dict(zip(names, values, strict=True)) for _, *values in list(answer)[:first]]
        return [
            Entry((place,), instance(self.target, values))
            for place, values in enumerate(made, 1)
            if await self.rows.holds(source.only_if, require(self.target), values)
        ]

    async def worked_rows(self, source: WorkedRows) -> list[Any]:
        values = [await self.rows.value(column, *self.row()) for column in source.columns]
        names = [column.name for column in source.table.c]
        made = self.called(source.function, *values)
        return [instance(self.target, dict(zip(names, row, strict=True))) for row in made]

    async def by_global_id(self, source: ByGlobalId) -> Any:
        if not source.many:
            return await self.node(str(self.arguments["id"]))
        ids = self.arguments["ids"]
        if len(ids) > 100:
            raise ValueError("At most 100 ids at once.")
        return [await self.node(str(value)) for value in ids]

    async def node(self, value: str) -> Any:
        prefix = id_prefix(value)
        type_, key = self.context.catalogue.by_prefix.get(prefix), decode_id(value, prefix)
        if type_ is None or key is None:
            return None
        entity = find_entity_of(type_)
        assert entity is not None
        if self.context.operation.viewer.role not in entity.roles:
            return None
        return await self.context.find_row(class_of(type_), key)


READERS: dict[type, Callable[[Reader, Any], Any]] = {
    Column: Reader.column,
    Embed: Reader.embedded,
    Computed: Reader.computed,
    One: Reader.one,
    Lookup: Reader.lookup,
    Many: Reader.many,
    Pages: Reader.pages,
    MergedPages: Reader.merged,
    GraphRows: Reader.graph_rows,
    GraphPages: Reader.graph_pages,
    WorkedRows: Reader.worked_rows,
    ByGlobalId: Reader.by_global_id,
}
