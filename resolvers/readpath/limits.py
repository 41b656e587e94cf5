"""How large an operation may be, decided before validation and planning in time linear to the document.

A fragment is measured once and counted at each spread, so that a bomb of nested spreads costs what its text
costs (walking it per path, as the stock limiters do, lets one document of 755 bytes hang a server).
"""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Limits:
    """Per operation, except tokens, nesting and operations, which are counted per document. `cost`: see cost.py."""

    tokens: int = 2_000
    nesting: int = 64
    operations: int = 10
    depth: int = 16
    fields: int = 1_000
    aliases: int = 30
    directives: int = 50
    variables: int = 100
    cost: int = 20_000


def refuse(limit: str, found: int, allowed: int) -> Refused:
    message = f"This document exceeds the limit of {allowed} {limit}; ask for less, or in parts."
    more = {"limit": limit, "maximum": allowed, "found": found}
    return Refused(Failure(Code.LIMIT_EXCEEDED, message, more))


def parse_within(text: str, limits: Limits) -> DocumentNode:
    """The parsed document; Refused when it is too large, GraphQLSyntaxError when it is none."""
    check_tokens(text, limits)
    document = parse(text)
    check_size(document, limits)
    return document


def check_tokens(text: str, limits: Limits) -> None:
    """Counts tokens and open brackets, so that parsing can neither take long nor recurse too deeply."""
    lexer = Lexer(Source(text))
    tokens = nesting = 0
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        tokens += 1
        nesting += (token.kind in OPENING) - (token.kind in CLOSING)
        if tokens > limits.tokens:
            raise refuse("tokens", tokens, limits.tokens)
        if nesting > limits.nesting:
            raise refuse("nesting", nesting, limits.nesting)


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection adds up to; `depth` counts fields below one another."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: Size) -> Size:
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


def check_size(document: DocumentNode, limits: Limits) -> None:
    definitions = document.definitions
    operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    if len(operations) > limits.operations:
        raise refuse("operations", len(operations), limits.operations)
    measure = Measure(fragments)
    for operation in operations:
        if len(operation.variable_definitions or ()) > limits.variables:
            raise refuse("variables", len(operation.variable_definitions or ()), limits.variables)
        own = Size(directives=len(operation.directives or ()))
        within(measure.selection(operation.selection_set).beside(own), limits)
    for name in fragments:  # of no operation: validation refuses them, but walks them first
        within(measure.fragment(name), limits)


def within(size: Size, limits: Limits) -> None:
    for name in ("depth", "fields", "aliases", "directives"):
        found, allowed = getattr(size, name), getattr(limits, name)
        if found > allowed:
            raise refuse(name, found, allowed)


@dataclass(frozen=True, slots=True)
class Measure:
    """Sizes of fragments known so far; `open_` are those being measured, to notice cycles."""

    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Size] = field(default_factory=dict)
    open_: set[str] = field(default_factory=set)

    def fragment(self, name: str) -> Size:
        if name in self.known:
            return self.known[name]
        if name in self.open_:
            raise Refused(Failure(Code.BAD_USER_INPUT, f"The fragment {name} spreads itself."))
        if name not in self.fragments:
            return Size()
        self.open_.add(name)
        self.known[name] = self.selection(self.fragments[name].selection_set)
        self.open_.discard(name)
        return self.known[name]

    def selection(self, selections: SelectionSetNode) -> Size:
        size = Size()
        for node in selections.selections:
            inner = self.below(node)
            size = size.beside(inner).beside(Size(directives=len(node.directives or ())))
        return size

    def below(self, node: object) -> Size:
        match node:
            case FieldNode(selection_set=selected, alias=alias):
                inner = self.selection(selected) if selected else Size()
                own = Size(fields=1, aliases=1 if alias else 0)
                return Size(inner.depth + 1, inner.fields, inner.aliases, inner.directives).beside(own)
            case FragmentSpreadNode(name=name):
                return self.fragment(name.value)
            case _:
                return self.selection(node.selection_set)  # type: ignore[attr-defined]
