"""Many conditions at once: their parts, the facts they use, and equal parts made one object."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.conditions.expression import (
    AllOf,
    AnyOf,
    Arithmetic,
    Compare,
    CompareMoment,
    Condition,
    Fact,
    HasLabel,
    Known,
    Moment,
    Not,
    Number,
    OneOf,
    Share,
    TierIn,
    Within,
)

Node = Condition | Number | Moment


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Conditions whose equal parts are one object; `shared` are the `id`s of parts used more than once.

    A run over a million customers then hashes no trees, and keeps only what it will need again.
    """

    conditions: tuple[Condition, ...]
    shared: frozenset[int]


def parts_of(node: Node) -> tuple[Node, ...]:
    match node:
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Share(_, part, whole):
            return (part, whole)
        case OneOf(value) | Known(value):
            return (value,)
        case Within(moment) | CompareMoment(_, moment):
            return (moment,)
        case AllOf(parts) | AnyOf(parts):
            return parts
        case Not(part):
            return (part,)
    return ()


def nodes_of(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for part in parts_of(node):
        yield from nodes_of(part)


def used_facts(condition: Condition) -> frozenset[str]:
    return frozenset(node.name for node in nodes_of(condition) if isinstance(node, Fact | Moment))


def used_labels(condition: Condition) -> frozenset[str]:
    return frozenset(node.code for node in nodes_of(condition) if isinstance(node, HasLabel))


def used_policies(condition: Condition) -> frozenset[str]:
    return frozenset(node.policy for node in nodes_of(condition) if isinstance(node, TierIn))


def intern(conditions: Sequence[Condition]) -> Catalogue:
    """The same conditions, in the same order, ready for NumpyReader. Cost: once per catalogue, not a run."""
    pool: dict[Node, Node] = {}
    shared: set[int] = set()
    interned = tuple(_intern_condition(condition, pool, shared) for condition in conditions)
    return Catalogue(interned, frozenset(shared))


def _intern_condition(condition: Condition, pool: dict[Node, Node], shared: set[int]) -> Condition:
    found = pool.get(condition)
    if isinstance(found, Condition):
        shared.add(id(found))
        return found
    made = _with_interned_parts(condition, pool, shared)
    pool[condition] = pool[made] = made
    return made


def _with_interned_parts(condition: Condition, pool: dict[Node, Node], shared: set[int]) -> Condition:
    match condition:
        case Compare(operator, left, right):
            return Compare(operator, _intern_number(left, pool, shared), _intern_number(right, pool, shared))
        case OneOf(value, values):
            return OneOf(_intern_number(value, pool, shared), values)
        case Known(value) if isinstance(value, Number):
            return Known(_intern_number(value, pool, shared))
        case Share():
            return _intern_condition(condition.tests(), pool, shared)
        case AllOf(parts):
            return AllOf(tuple(_intern_condition(part, pool, shared) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_intern_condition(part, pool, shared) for part in parts))
        case Not(part):
            return Not(_intern_condition(part, pool, shared))
    return condition


def _intern_number(value: Number, pool: dict[Node, Node], shared: set[int]) -> Number:
    found = pool.get(value)
    if isinstance(found, Number):
        shared.add(id(found))
        return found
    made = value
    if isinstance(value, Arithmetic):
        left, right = (_intern_number(side, pool, shared) for side in (value.left, value.right))
        made = Arithmetic(value.operator, left, right, value.lo, value.hi)
    pool[made] = made
    return made
