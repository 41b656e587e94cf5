"""Communities that buy together, and their leaders 团长."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from db import tables as t
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.readpath.declare import column, entity, global_id, one
from resolvers.readpath.relay import Node
from resolvers.readpath.sources import SHARED

if TYPE_CHECKING:
    from resolvers.customers import Customer


@entity(
    t.communities, roles=STAFF_AND_CUSTOMERS, scope=SHARED, key=t.communities.c.community_id, id_prefix="com"
)
class Community(Node):
    """A housing estate that buys together."""

    id: ID = global_id(t.communities.c.community_id)
    code: str = column(t.communities.c.external_id, "The source's own id of it.")
    name: str = column(t.communities.c.name, "What it is called.")
    city: str = column(t.communities.c.city, "Where it is.")
    leader: Annotated[Customer, strawberry.lazy("resolvers.customers")] | None = one(
        "The community leader 团长; null: none is known, or not one this viewer reaches.",
        on=t.customers.c.customer_id == t.communities.c.leader_customer_id,
    )
