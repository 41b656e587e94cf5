"""Orders and their lines."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, func, literal
from strawberry import ID

from db import tables as t
from domain.orders.order import OrderChannel, OrderStatus
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.money import Money, money
from resolvers.products import Product
from resolvers.readpath.declare import column, connection, entity, global_id, one
from resolvers.readpath.expressions import coded, is_in, is_null
from resolvers.readpath.filter_inputs import by_operator, compares, matches, related
from resolvers.readpath.relay import Connection, Node
from resolvers.readpath.sources import SHARED
from resolvers.refs import ExternalRefInput, refs_with_source

strawberry.enum(OrderStatus, description="Where an order is on its way.")
strawberry.enum(OrderChannel, description="Where an order was placed. May grow.")

HOURS = 24

if TYPE_CHECKING:
    from resolvers.customers import Customer


def payment_due(order: Any) -> ColumnElement[datetime | None]:
    """Null where it is not on credit or nobody said for how long."""
    due: ColumnElement[datetime | None] = order.confirmed_at + func.make_interval(
        0, 0, 0, 0, order.credit_days * HOURS
    )
    return due


@entity(t.sources, roles=STAFF_AND_CUSTOMERS, scope=SHARED, key=t.sources.c.source_id)
class Source:
    """Where records come from, such as a till system or a file."""

    code: str = column(t.sources.c.code, "Its stable code.")
    words: str = column(t.sources.c.words, "What it is.")
    last_received_at: datetime | None = column(t.sources.c.last_received_at, "When it last sent something.")


@entity(
    t.order_lines, roles=STAFF_AND_CUSTOMERS, scope=t.order_lines.c.customer_id, key=t.order_lines.c.line_no
)
class OrderLine:
    """One line of an order."""

    line_no: int = column(t.order_lines.c.line_no, "Counts from 1.")
    product: Product = one("What was bought.", on=t.products.c.product_id == t.order_lines.c.product_id)
    quantity: Decimal = column(t.order_lines.c.quantity, "Units of the product, three decimals.")
    net_amount: Money = money(t.order_lines.c.net_cents, "What the line cost, after discounts.")


@entity(
    t.orders,
    roles=STAFF_AND_CUSTOMERS,
    scope=t.orders.c.customer_id,
    key=t.orders.c.order_id,
    id_prefix="ord",
)
class Order(Node):
    """One order of a customer."""

    id: ID = global_id(t.orders.c.order_id)
    source: Source = one("Who told us.", on=t.sources.c.source_id == t.orders.c.source_id)
    external_id: str = column(t.orders.c.external_id, "The source's own id of it.")
    customer: Annotated[Customer, strawberry.lazy("resolvers.customers")] = one(
        "Who ordered.", on=t.customers.c.customer_id == t.orders.c.customer_id
    )
    placed_at: datetime = column(t.orders.c.placed_at, "When it was placed.")
    paid_at: datetime | None = column(t.orders.c.paid_at, "When it was paid; null: not known.")
    confirmed_at: datetime | None = column(
        t.orders.c.confirmed_at,
        "When an order on credit was confirmed; null: not on credit, or not yet. [C4]",
    )
    due_at: datetime | None = column(
        payment_due(t.orders.c), "When an order on credit is to be paid; null: not on credit, or not known."
    )
    status: OrderStatus = column(coded(t.orders.c.status, OrderStatus), "Where it is on its way.")
    channel: OrderChannel = column(coded(t.orders.c.channel, OrderChannel), "Where it was placed.")
    counted: bool = column(
        t.orders.c.counted_at.is_not(None),
        "Counts for facts and tiers: paid, delivered or on credit confirmed, not cancelled. [C4]",
    )
    net_amount: Money = money(t.orders.c.net_cents, "After discounts and refunds, without delivery. [C4]")
    refunded_amount: Money = money(t.orders.c.refunded_cents, "What was paid back.")
    delivery_fee: Money = money(t.orders.c.delivery_fee_cents, "What delivery cost; counts for nothing.")
    lines: Connection[OrderLine] = connection(
        "Its lines, in their own order.",
        on=(t.order_lines.c.customer_id == t.orders.c.customer_id)
        & (t.order_lines.c.order_id == t.orders.c.order_id),
        order_by=[t.order_lines.c.line_no],
    )


@strawberry.input(description="All given members must hold.")
class DateTimeFilter:
    gt: datetime | None = by_operator(gt, "After.")
    gte: datetime | None = by_operator(ge, "At or after.")
    lt: datetime | None = by_operator(lt, "Before.")
    lte: datetime | None = by_operator(le, "At or before.")
    is_null: bool | None = by_operator(is_null, "True finds the unknown, which no other operator matches.")


@strawberry.input(description="Which orders. All given members must hold.")
class OrderFilter:
    status: list[OrderStatus] | None = matches(coded(t.orders.c.status, OrderStatus), is_in, "One of these.")
    channel: list[OrderChannel] | None = matches(
        coded(t.orders.c.channel, OrderChannel), is_in, "One of these."
    )
    placed_at: DateTimeFilter | None = compares(t.orders.c.placed_at, "When it was placed.")
    counted: bool | None = matches(
        t.orders.c.counted_at.is_not(None) == literal(True), eq, "Counts for facts and tiers. [C4]"
    )


order_refs = refs_with_source(t.orders, t.orders.c.customer_id, t.orders.c.order_id)


@strawberry.input(one_of=True, description="Exactly one way to name an order.")
class OrderBy:
    id: ID | None = matches(t.orders.c.order_id, eq, "Global id.", id_prefix="ord")
    ref: ExternalRefInput | None = related(
        order_refs,
        (order_refs.c.customer_id == t.orders.c.customer_id) & (order_refs.c.order_id == t.orders.c.order_id),
        "By a source's own id.",
    )
