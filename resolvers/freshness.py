"""`@freshness`: how old what crosses the graph may be for this one operation. Everything else is never old."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry
from graphql import IntValueNode, OperationDefinitionNode, VariableNode
from strawberry.directive import DirectiveLocation

NAME = "freshness"


@strawberry.directive(
    locations=[DirectiveLocation.QUERY],
    name=NAME,
    description="How old recommendations and relationships may be; without it, as old as the server keeps them. "
    "Their age is in `extensions.freshness`; all other fields are never old.",
)
def freshness(
    max_staleness: Annotated[int, strawberry.argument(description="Seconds; 0: computed now.")],
) -> None:
    """Read by the server; changes no value."""


def max_staleness(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int | None:
    """Seconds that the operation asks for, None where it asks for none; never below 0."""
    for directive in operation.directives or ():
        if directive.name.value == NAME:
            given = directive.arguments[0].value if directive.arguments else None
            match given:
                case IntValueNode(value=text):
                    return max(0, int(text))
                case VariableNode(name=name):
                    value = variables.get(name.value)
                    return max(0, value) if isinstance(value, int) else 0
    return None
