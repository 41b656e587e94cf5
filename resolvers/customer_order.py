"""In which order lists of customers can be read; each order reads an index of its own."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, func, literal_column, select

from db import tables as t
from db.tables.facts import BEFORE_ANY_ORDER, customer_facts
from resolvers.readpath.relay import SortDirection
from resolvers.readpath.sources import Ordered, Orders


@strawberry.enum(description="What customers are ordered by. May grow.")
class CustomerOrderField(Enum):
    REGISTERED_AT = "REGISTERED_AT"
    LAST_ORDER_AT = strawberry.enum_value("LAST_ORDER_AT", description="Never ordered: before everything.")
    ORDERS_90D = "ORDERS_90D"
    SPEND_90D = "SPEND_90D"
    SPEND_365D = "SPEND_365D"


@strawberry.input(
    description="By one measure, then by id. Who registered a moment ago is measured within a second."
)
class CustomerOrder:
    by: CustomerOrderField = strawberry.field(description="Which measure.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.DESC, description="The greatest or newest first, unless ASC is asked for."
    )


def measured(key: ColumnElement[Any]) -> Ordered:
    """Customers whose facts are computed, by one of them."""
    rows = (
        select(*t.customers.c, key.label("order_key"))
        .join(customer_facts, customer_facts.c.customer_id == t.customers.c.customer_id)
        .subquery()
    )
    return Ordered((rows.c.order_key.asc(), rows.c.customer_id.asc()), rows)


last_order_at = customer_facts.c.last_order_at
never = literal_column(BEFORE_ANY_ORDER, last_order_at.type)
by: Mapping[Enum, Ordered] = {
    CustomerOrderField.REGISTERED_AT: Ordered(
        (t.customers.c.registered_at.asc(), t.customers.c.customer_id.asc())
    ),
    CustomerOrderField.LAST_ORDER_AT: measured(func.coalesce(last_order_at, never)),
    CustomerOrderField.ORDERS_90D: measured(customer_facts.c.orders_90d),
    CustomerOrderField.SPEND_90D: measured(customer_facts.c.spend_90d),
    CustomerOrderField.SPEND_365D: measured(customer_facts.c.spend_365d),
}
customer_orders = Orders(CustomerOrder, by)
