"""How large an operation may be, decided before validation and planning in time linear to the request.

A fragment is measured once and counted at each spread, so that a bomb of nested spreads costs what its text
costs (walking it per path, as the stock limiters do, lets one document of 755 bytes hang a server).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    parse,
)
from graphql.language.lexer import Lexer

from resolvers.readpath.failures import Code, Failure, Refused

OPENING = {TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L}
CLOSING = {TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R}

INTROSPECTION = {"__schema", "__type"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Per operation, except characters, tokens, nesting and operations, which are counted per document.

    `tokens` counts comments too. `nesting` is brackets, selections through fragments, or JSON in variables.
    `comparisons` are those of fields that share a name in the answer: validation compares each with each.
    `introspections` are `__schema` and `__type`, and aliases beside them: the reference answers these, in full.
    `objects` are input objects of a query: each may become a condition in SQL. `values` are all of the variables.
    `cost`: see cost.py.
    """

    characters: int = 65_536
    tokens: int = 2_000
    nesting: int = 64
    comparisons: int = 5_000
    objects: int = 200
    values: int = 20_000
    operations: int = 10
    depth: int = 16
    fields: int = 1_000
    aliases: int = 30
    directives: int = 50
    variables: int = 100
    cost: int = 20_000
    introspections: int = 2


def refuse(limit: str, found: int | None, allowed: int, what: str = "This document") -> Refused:
    """`found` None: nobody counted to the end."""
    message = f"{what} exceeds the limit of {allowed} {limit}; ask for less, or in parts."
    more = {"limit": limit, "maximum": allowed, **({} if found is None else {"found": found})}
    return Refused(Failure(Code.LIMIT_EXCEEDED, message, more))


def parse_within(text: str, limits: Limits) -> DocumentNode:
    """The parsed document; Refused when it is too large, GraphQLSyntaxError when it is none."""
    check_tokens(text, limits)
    document = parse(text)
    check_size(document, limits)
    return document


def check_tokens(text: str, limits: Limits) -> None:
    """Counts tokens and open brackets, so that parsing can neither take long nor recurse too deeply."""
    if len(text) > limits.characters:
        raise refuse("characters", len(text), limits.characters)
    lexer = Lexer(Source(text))
    tokens = nesting = 0
    token = lexer.read_next_token(0)
    while token.kind is not TokenKind.EOF:
        tokens += 1
        nesting += (token.kind in OPENING) - (token.kind in CLOSING)
        if tokens > limits.tokens:
            raise refuse("tokens", tokens, limits.tokens)
        if nesting > limits.nesting:
            raise refuse("nesting", nesting, limits.nesting)
        token = lexer.read_next_token(token.end)


def is_container(value: Any) -> bool:
    return isinstance(value, dict | list)


def check_values(variables: Mapping[str, Any], limits: Limits, *, objects: int) -> None:
    """Bounds what coercing variables and printing filters may cost; `objects`: how many there may be."""
    if len(variables) <= limits.values and not any(map(is_container, variables.values())):
        return
    waiting: list[tuple[Any, int]] = [(variables, 0)]
    values, found = 0, -1  # the variables themselves are no input object
    while waiting:
        value, nesting = waiting.pop()
        is_object = not isinstance(value, list)
        children = value.values() if is_object else value
        values, found = values + len(children), found + is_object
        if values > limits.values:
            raise refuse("values", values, limits.values, "What the variables hold")
        if found > objects:
            raise refuse("objects", found, objects, "What the variables hold")
        if nesting > limits.nesting:
            raise refuse("nesting", nesting, limits.nesting, "What the variables hold")
        waiting.extend((child, nesting + 1) for child in children if is_container(child))


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection adds up to; `depth` counts fields below one another, `nesting` selections."""

    depth: int = 0
    nesting: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    introspections: int = 0

    def beside(self, other: Size) -> Size:
        return Size(
            max(self.depth, other.depth),
            max(self.nesting, other.nesting),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.introspections + other.introspections,
        )


def check_size(document: DocumentNode, limits: Limits) -> None:
    definitions = document.definitions
    operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    if len(operations) > limits.operations:
        raise refuse("operations", len(operations), limits.operations)
    measure = Measure(fragments, limits)
    for operation in operations:
        if len(operation.variable_definitions or ()) > limits.variables:
            raise refuse("variables", len(operation.variable_definitions or ()), limits.variables)
        own = Size(directives=len(operation.directives or ()))
        within(measure.selection(operation.selection_set).beside(own), limits)
    for name in fragments:  # of no operation: validation refuses them, but walks them first
        within(measure.fragment(name), limits)


def within(size: Size, limits: Limits) -> None:
    for name in ("depth", "nesting", "fields", "aliases", "directives"):
        found, allowed = getattr(size, name), getattr(limits, name)
        if found > allowed:
            raise refuse(name, found, allowed)
    asked = size.introspections and max(size.introspections, size.aliases)
    if asked > limits.introspections:
        raise refuse("introspections", asked, limits.introspections)


@dataclass(frozen=True, slots=True)
class Measure:
    """Sizes of fragments known so far; `open_` are those being measured, to notice cycles."""

    fragments: dict[str, FragmentDefinitionNode]
    limits: Limits
    known: dict[str, Size] = field(default_factory=dict)
    open_: set[str] = field(default_factory=set)

    def fragment(self, name: str, level: int = 0) -> Size:
        if name in self.known:
            return self.known[name]
        if name in self.open_:
            raise Refused(Failure(Code.BAD_USER_INPUT, f"The fragment {name[:60]} spreads itself."))
        if name not in self.fragments:
            return Size()
        self.open_.add(name)
        self.known[name] = self.selection(self.fragments[name].selection_set, level)
        self.open_.discard(name)
        return self.known[name]

    def selection(self, selections: SelectionSetNode, level: int = 0) -> Size:
        if level > self.limits.nesting:
            raise refuse("nesting", level, self.limits.nesting)
        size = Size()
        for node in selections.selections:
            inner = self.below(node, level + 1)
            size = size.beside(inner).beside(Size(directives=len(node.directives or ())))
        return replace(size, nesting=size.nesting + 1)

    def below(self, node: object, level: int) -> Size:
        match node:
            case FieldNode(selection_set=selected, alias=alias, name=name):
                inner = self.selection(selected, level) if selected else Size()
                is_introspection = name.value in INTROSPECTION
                own = Size(fields=1, aliases=1 if alias else 0, introspections=int(is_introspection))
                return replace(inner, depth=inner.depth + 1).beside(own)
            case FragmentSpreadNode(name=name):
                return self.fragment(name.value, level)
            case _:
                return self.selection(node.selection_set, level)  # type: ignore[attr-defined]
