"""Relay's types: nodes, connections, pages and counts."""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

import strawberry

T = TypeVar("T")
COUNT_CAP = 10_000
"""Counting stops here: beyond it a total is AT_LEAST."""


@strawberry.interface(description="Anything that has a global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Global id, valid in `node`.")


@strawberry.type(description="Where a page stands.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="More follow behind this page.")
    has_previous_page: bool = strawberry.field(description="More stand before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first entry: pass it as `before`.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last entry: pass it as `after`.")


@strawberry.enum(description="How exact a count is.")
class CountPrecision(enum.Enum):
    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


@strawberry.enum(description="Smallest or greatest first.")
class SortDirection(enum.Enum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.type(description="Counted up to a cap of 10,000.")
class Count:
    value: int = strawberry.field(description="How many, at most 10,000.")
    precision: CountPrecision = strawberry.field(description="AT_LEAST: counting stopped at the cap.")


@strawberry.type(description="One entry of a page.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Position of this entry.")
    node: T = strawberry.field(description="The entry.")


@strawberry.type(description="One page of a list that can grow.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="Entries with their cursors.")
    nodes: list[T] = strawberry.field(description="Entries alone.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    total_count: Count | None = strawberry.field(
        description="How many there are in all; null where counting costs too much."
    )
