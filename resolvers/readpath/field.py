"""How strawberry sees a declared field: a field of its own kind whose arguments follow from its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import strawberry
from sqlalchemy import FromClause, Subquery
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from resolvers.readpath.sources import (
    Argument,
    ByGlobalId,
    Entity,
    GraphPages,
    GraphRows,
    Inlined,
    Lookup,
    MergedPages,
    Pages,
    Role,
    Source,
)


@dataclass(frozen=True, slots=True)
class SourceOf:
    """Keeps an Entity on its class out of sight of dataclasses, which would take a bare one for a default."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class Parameter:
    """One GraphQL argument that a source brings along."""

    name: str
    annotation: Any
    default: Any
    about: str


FORWARD = (
    Parameter("first", int | None, strawberry.UNSET, "The first so many, 1 to 100."),
    Parameter("after", str | None, strawberry.UNSET, "Continue behind this `endCursor`."),
)
BACKWARD = (
    Parameter("last", int | None, strawberry.UNSET, "The last so many, 1 to 100."),
    Parameter("before", str | None, strawberry.UNSET, "Continue before this `startCursor`."),
)


def parameters(source: Source, target: FromClause | None) -> list[Parameter]:
    """The GraphQL arguments of a field follow from its source."""
    declared = [as_parameter(argument) for argument in declared_arguments(source, target)]
    match source:
        case Lookup(by=by):
            return [Parameter("by", by, strawberry.UNSET, "Exactly one of these.")]
        case ByGlobalId(many=True):
            return [Parameter("ids", list[strawberry.ID], strawberry.UNSET, "At most 100 global ids.")]
        case ByGlobalId():
            return [Parameter("id", strawberry.ID, strawberry.UNSET, "A global id.")]
        case GraphRows(first=first):
            return [Parameter("first", int, first, "How many at most, 1 to 100."), *declared]
        case GraphPages():
            return [*FORWARD, *declared]
        case MergedPages():
            return [*FORWARD, *BACKWARD, *declared]
        case Pages(forward_only=forward_only):
            paging = FORWARD if forward_only else (*FORWARD, *BACKWARD)
            return [*paging, *choices(source), *declared]
    return declared


def choices(source: Pages) -> list[Parameter]:
    found: list[Parameter] = []
    if source.where is not None:
        annotation = cast(Any, source.where) | None
        found.append(Parameter("where", annotation, strawberry.UNSET, "All given conditions must hold."))
    if source.orders is not None:
        annotation = cast(Any, source.orders.input) | None
        found.append(Parameter("orderBy", annotation, strawberry.UNSET, "Null: as described above."))
    return found


def as_parameter(argument: Argument[Any]) -> Parameter:
    return Parameter(argument.graphql_name, argument.annotation, argument.default, argument.about)


def declared_arguments(source: Source, target: FromClause | None) -> tuple[Argument[Any], ...]:
    """Every `argument(...)` of a field, in its expression or join condition and in the declared selects behind it,
    by name."""
    expressions: list[Any] = [getattr(source, "on", None), *getattr(source, "parameters", ())]
    expressions.append(getattr(source, "expression", None))
    expressions += [rows.element for rows in getattr(source, "given", {}).values()]
    if isinstance(target, Subquery):
        expressions.append(target.element)
    found = [e for x in expressions if x is not None for e in arguments_in(x)]
    return tuple(sorted({e.graphql_name: e for e in found}.values(), key=lambda e: e.graphql_name))


def arguments_in(expression: Any) -> Iterator[Argument[Any]]:
    """Not those of the parent's rows that a select correlates with: they are the parent's own."""
    match expression:
        case Argument():
            yield expression
        case Inlined(stands_for=inner):
            yield from arguments_in(inner)
    correlated = getattr(expression, "_correlate", ())
    for part in expression.get_children():
        if all(part is not rows for rows in correlated):
            yield from arguments_in(part)


class SourcedField(StrawberryField):
    """A strawberry field that carries its source; run one at a time it is the reference reader."""

    def __init__(self, source: Source, about: str, visible_to: Sequence[Role] | None) -> None:
        super().__init__(description=about)
        self.init = self.compare = self.repr = False
        self.source = source
        self.visible_to = None if visible_to is None else frozenset(visible_to)
        self.weight: int | None = None
        """What `costly` says that reading it costs; None: what its kind costs."""

    def __copy__(self) -> SourcedField:
        made = SourcedField(self.source, self.description or "", None)
        made.visible_to = self.visible_to
        made.python_name, made.graphql_name = self.python_name, self.graphql_name
        made.type_annotation, made.origin = self.type_annotation, self.origin
        made.weight, made.directives = self.weight, self.directives
        return made

    @property
    def arguments(self) -> list[StrawberryArgument]:
        if self._arguments is None:
            found = find_entity(target_class(self.type))
            self._arguments = [
                StrawberryArgument(
                    p.name, p.name, StrawberryAnnotation(p.annotation), default=p.default, description=p.about
                )
                for p in parameters(self.source, found.rows if found else None)
            ]
        return self._arguments

    @arguments.setter
    def arguments(self, value: list[StrawberryArgument]) -> None:
        self._arguments = value

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:  # noqa: ARG002
        """Only the reference reader comes here; its context brings the reader along."""
        return info.context.resolve(self, source, kwargs)


def find_entity(cls: Any) -> Entity | None:
    kept = getattr(cls, "__entity__", None)
    return kept.entity if isinstance(kept, SourceOf) else None


def target_class(annotation: Any) -> Any:
    """The class inside list[...], ... | None and lazy names; of a connection, the class of its nodes."""
    while hasattr(annotation, "of_type"):
        annotation = annotation.of_type
    if isinstance(annotation, LazyType):
        annotation = annotation.resolve_type()
    definition = getattr(annotation, "__strawberry_definition__", None)
    inner = getattr(definition, "type_var_map", None)
    return target_class(next(iter(inner.values()))) if inner else annotation
