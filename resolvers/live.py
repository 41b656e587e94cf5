"""What a subscriber asked for: the root field's arguments, read from the coerced operation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import VariableNode, Visitor, visit
from graphql.execution.values import VariableValues, get_argument_values
from sqlalchemy import BigInteger

from domain.watching.alert import AlertKind
from resolvers.readpath.cursors import decode_cursor, encode_cursor
from resolvers.readpath.engine import EventPlan
from resolvers.readpath.planner import root_field_of, variables_of

Choices: TypeAlias = tuple[tuple[str, frozenset[str]], ...]
"""By member of an event's payload the values that are asked for; a member that is not named may have any."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Events of one kind. `after` None: from now on."""

    kind: str
    choices: Choices
    after: int | None

    def wants(self, payload: Mapping[str, Any]) -> bool:
        return all(payload[member] in values for member, values in self.choices)


def of_policy(arguments: Mapping[str, Any]) -> Choices:
    policy = arguments.get("policy")
    return () if policy is None else (("policy", frozenset({policy})),)


def of_kinds(arguments: Mapping[str, Any]) -> Choices:
    kinds = arguments.get("kinds")
    return () if kinds is None else (("alert", frozenset(AlertKind(kind).value for kind in kinds)),)


FEEDS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Choices]]] = {
    "tierChanged": ("TIER_CHANGED", of_policy),
    "alertRaised": ("ALERT_RAISED", of_kinds),
}
"""By root field the kind of the events, whose ids are the keys of what is sent, and which of them."""


def feed_of(event: EventPlan, resume_after: str | None) -> Feed:
    """Raises ValueError for a bad cursor. A client that comes back says where it was (`resume_after`), which wins."""
    field, node = root_field_of(event.operation)
    arguments = get_argument_values(field, node, VariableValues({}, variables_of(event.inputs)))
    after = resume_after or arguments.get("after")
    kind, choices = FEEDS[node.name.value]
    return Feed(kind, choices(arguments), None if after is None else decode_event(after))


def variables_in_payload(event: EventPlan) -> frozenset[str]:
    """Names of variables that what is sent can depend on: not those that only say which events, and from where."""
    _, node = root_field_of(event.operation)
    found = VariableNames()
    for selections in (node.selection_set, *event.operation.fragments.values()):
        if selections is not None:
            visit(selections, found)
    return frozenset(found.names)


class VariableNames(Visitor):
    """Collects what a part of a document refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)


def decode_event(cursor: str) -> int:
    """Raises ValueError for a cursor this server never made."""
    event_id: int = decode_cursor(cursor, [BigInteger()])[0]
    return event_id


def encode_event(event_id: int) -> str:
    return encode_cursor([event_id])
