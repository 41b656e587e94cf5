"""Who a customer is related to, and how. The graph answers ids; PostgreSQL adds the customers this viewer reaches."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Integer, MetaData, Table, Text, exists

from db import tables as t
from domain.relationships.relationship import DEEPEST, RelationshipKind
from resolvers.access import SERVICE
from resolvers.readpath.declare import argument, column, embed, entity, one
from resolvers.readpath.expressions import coded
from resolvers.readpath.sources import WITHIN_PARENT

if TYPE_CHECKING:
    from resolvers.customers import Customer

strawberry.enum(RelationshipKind, description="What the other one is to this customer. May grow.")

related_customers = Table(
    "related_customers",
    MetaData(),
    Column("customer_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=True),
)
known_customer = exists().where(t.customers.c.customer_id == related_customers.c.customer_id)


def check_depth(value: int) -> None:
    if not 1 <= value <= DEEPEST:
        raise ValueError(f"depth must be 1 to {DEEPEST}.")


kinds = argument(
    "kinds",
    list[RelationshipKind] | None,
    "Only of these kinds; null: all.",
    sql_type=ARRAY(Text()),
    default=None,
)
depth = argument(
    "depth", int, "How far referrals are followed, 1 to 3.", sql_type=Integer(), default=1, check=check_depth
)


@strawberry.type(description="How two customers are connected.")
class RelationshipPath:
    length: int = strawberry.field(description="Steps between them.")
    words: str = strawberry.field(description="One sentence without names, in English.")


@entity(related_customers, roles=SERVICE, scope=WITHIN_PARENT)
class Relationship:
    """One way in which another customer is related to this one."""

    customer: Annotated[Customer, strawberry.lazy("resolvers.customers")] = one(
        "The other one.", on=t.customers.c.customer_id == related_customers.c.customer_id
    )
    kind: RelationshipKind = column(
        coded(related_customers.c.kind, RelationshipKind), "What the other one is to this customer."
    )
    depth: int = column(related_customers.c.depth, "1: directly.")
    path: RelationshipPath = embed(
        RelationshipPath, "How.", length=related_customers.c.depth, words=related_customers.c.words
    )
    since: datetime | None = column(related_customers.c.since, "Since when; null: not known.")
