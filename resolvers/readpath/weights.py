"""How a declaration says that reading it costs more than a row."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.schema_directive import Location

ASKED_OF_THE_GRAPH = 10


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="Cost of one read, multiplied by the page sizes above it; 1 where a row is read and nothing is said.",
)
class CostDirective:
    weight: str


def costly(weight: int, field: Any) -> Any:
    """The declared field with another weight than its kind has: `costly(50, one(...))`."""
    field.weight = weight
    field.directives = [CostDirective(weight=str(weight))]
    return field
