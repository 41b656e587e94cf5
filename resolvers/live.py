"""What a subscriber asked for: the root field's arguments, read from the coerced operation."""

from dataclasses import dataclass

from graphql import VariableNode, Visitor, visit
from graphql.execution.values import VariableValues, get_argument_values
from sqlalchemy import BigInteger

from resolvers.readpath.cursors import decode_cursor, encode_cursor
from resolvers.readpath.engine import EventPlan
from resolvers.readpath.planner import root_field_of, variables_of


@dataclass(frozen=True, slots=True)
class TierFeed:
    """`policy` None: all policies. `after` None: from now on."""

    policy: str | None
    after: int | None


def tier_feed(event: EventPlan, resume_after: str | None) -> TierFeed:
    """Raises ValueError for a bad cursor. A client that comes back says where it was (`resume_after`), which wins."""
    field, node = root_field_of(event.operation)
    arguments = get_argument_values(field, node, VariableValues({}, variables_of(event.inputs)))
    after = resume_after or arguments.get("after")
    return TierFeed(arguments.get("policy"), None if after is None else decode_event(after))


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
