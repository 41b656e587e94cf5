"""Community leaders 团长: customers who gather the orders of their communities. [S4-14]"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import select
from strawberry import ID

from db import tables as t
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.communities import Community
from resolvers.readpath.declare import entity, global_id, many, one
from resolvers.readpath.relay import Node

if TYPE_CHECKING:
    from resolvers.customers import Customer

leaders = (
    select(t.communities.c.leader_customer_id.label("customer_id"))
    .where(t.communities.c.leader_customer_id.is_not(None))
    .distinct()
    .subquery("leaders")
)


@entity(
    leaders,
    roles=STAFF_AND_CUSTOMERS,
    scope=leaders.c.customer_id,
    key=leaders.c.customer_id,
    id_prefix="ldr",
)
class Leader(Node):
    """A customer who leads communities. [S4-14]"""

    id: ID = global_id(leaders.c.customer_id)
    customer: Annotated[Customer, strawberry.lazy("resolvers.customers")] = one(
        "Who.", on=t.customers.c.customer_id == leaders.c.customer_id
    )
    communities: list[Community] = many(
        "Those they lead, oldest first.",
        on=t.communities.c.leader_customer_id == leaders.c.customer_id,
        order_by=[t.communities.c.community_id],
    )
