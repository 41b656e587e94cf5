"""The effect of order events on the tables.

The newest statement about an order wins, whenever it arrives; an order was placed, confirmed and paid at the earliest
moments anybody stated, with the longest time to pay. So the order of arrival does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.errors import DomainError, ErrorCode
from domain.ingest.events import CancellationEvent, OrderEvent, OrderLine, RefundEvent
from domain.orders.order import MAXIMUM_SPEND_CENTS, OrderStatus

Connection = Any  # an asyncpg connection, or the pool's proxy of one


@dataclass(frozen=True, slots=True)
class TouchedOrder:
    """`old_counted_at`: when the order counted before; None: it did not."""

    customer_id: int
    order_id: int
    old_counted_at: datetime | None


FIND_ORDER = """
SELECT order_id, customer_id, stated_at, counted_at FROM orders WHERE source_id = $1 AND external_id = $2 FOR UPDATE
"""
INSERT_ORDER = """
INSERT INTO orders (customer_id, source_id, external_id, placed_at, paid_at, status, stated_at, channel,
                    charged_cents, delivery_fee_cents, confirmed_at, credit_days)
VALUES ($1, $2, $3, $4, $5, $6, $4, $7, $8, $9, $10, $11) RETURNING order_id
"""
UPDATE_ORDER = """
UPDATE orders SET placed_at = least(placed_at, $3), paid_at = least(paid_at, $4), stated_at = $3, channel = $6,
                  status = CASE WHEN refunded_cents > 0 AND refunded_cents = $7 THEN $9::smallint ELSE $5::smallint END,
                  charged_cents = $7, delivery_fee_cents = $8, confirmed_at = least(confirmed_at, $10),
                  credit_days = greatest(credit_days, $11)
WHERE customer_id = $1 AND order_id = $2 AND refunded_cents <= $7 RETURNING order_id
"""
MOVE_MOMENTS = """
UPDATE orders SET placed_at = least(placed_at, $3), paid_at = least(paid_at, $4),
                  confirmed_at = least(confirmed_at, $5), credit_days = greatest(credit_days, $6)
WHERE customer_id = $1 AND order_id = $2
"""
CANCEL_ORDER = """
UPDATE orders SET status = $3, stated_at = $4 WHERE customer_id = $1 AND order_id = $2 AND stated_at <= $4
"""
REFUND_ORDER = """
UPDATE orders SET refunded_cents = refunded_cents + $3,
                  status = CASE WHEN refunded_cents + $3 = charged_cents THEN $4::smallint ELSE status END
WHERE customer_id = $1 AND order_id = $2 AND refunded_cents + $3 <= charged_cents RETURNING order_id
"""
PRODUCTS = (
    "SELECT external_id, product_id FROM products WHERE source_id = $1 AND external_id = ANY($2::text[])"
)
DROP_LINES = "DELETE FROM order_lines WHERE customer_id = $1 AND order_id = $2"
INSERT_LINES = """
INSERT INTO order_lines (customer_id, order_id, line_no, product_id, quantity, net_cents)
SELECT $1, $2, * FROM unnest($3::int[], $4::bigint[], $5::numeric[], $6::bigint[])
"""
SPEND = """
SELECT coalesce(sum(charged_cents), 0)::bigint, coalesce(sum(line_cents) FILTER (WHERE order_id <> $2), 0)::bigint
FROM orders WHERE customer_id = $1
"""


async def apply_order(
    connection: Connection, source_id: int, customer_id: int, occurred_at: datetime, order: OrderEvent
) -> TouchedOrder:
    """Creates the order or moves it to its newest state; a late statement only tells when it was placed and paid."""
    found = await connection.fetchrow(FIND_ORDER, source_id, order.external_id)
    if found is None:
        touched = TouchedOrder(
            customer_id, await insert_order(connection, source_id, customer_id, occurred_at, order), None
        )
    else:
        touched = own_order(found, customer_id)
        if occurred_at < found["stated_at"]:
            moments = (occurred_at, paid_at(order, occurred_at), order.confirmed_at, order.credit_days)
            await connection.execute(MOVE_MOMENTS, customer_id, touched.order_id, *moments)
            return touched
        await update_order(connection, touched, occurred_at, order)
        await connection.execute(DROP_LINES, customer_id, touched.order_id)
    await insert_lines(connection, source_id, touched, order.lines)
    await check_spend(connection, touched, order.lines)
    return touched


async def insert_order(
    connection: Connection, source_id: int, customer_id: int, occurred_at: datetime, order: OrderEvent
) -> int:
    order_id: int = await connection.fetchval(
        INSERT_ORDER,
        customer_id,
        source_id,
        order.external_id,
        occurred_at,
        paid_at(order, occurred_at),
        order.status.code,
        order.channel.code,
        order.charged_cents,
        order.delivery_fee_cents,
        order.confirmed_at,
        order.credit_days,
    )
    return order_id


async def update_order(
    connection: Connection, touched: TouchedOrder, occurred_at: datetime, order: OrderEvent
) -> None:
    updated: int | None = await connection.fetchval(
        UPDATE_ORDER,
        touched.customer_id,
        touched.order_id,
        occurred_at,
        paid_at(order, occurred_at),
        order.status.code,
        order.channel.code,
        order.charged_cents,
        order.delivery_fee_cents,
        OrderStatus.REFUNDED.code,
        order.confirmed_at,
        order.credit_days,
    )
    if updated is None:
        message = "More was refunded of this order than it would now cost."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("data", "order", "netAmount"))


def paid_at(order: OrderEvent, occurred_at: datetime) -> datetime | None:
    """A PAID order without a time of payment was paid when the event happened."""
    return order.paid_at or (occurred_at if order.status is OrderStatus.PAID else None)


async def insert_lines(
    connection: Connection, source_id: int, touched: TouchedOrder, lines: Sequence[OrderLine]
) -> None:
    if not lines:
        return
    known = await connection.fetch(PRODUCTS, source_id, sorted({line.product for line in lines}))
    products = {row["external_id"]: row["product_id"] for row in known}
    for number, line in enumerate(lines):
        if line.product not in products:
            path = ("data", "order", "lines", str(number), "product")
            message = f"No product {line.product!r} is known of this source; import it first."
            raise DomainError(ErrorCode.UNKNOWN_PRODUCT, message, path)
    await connection.execute(
        INSERT_LINES,
        touched.customer_id,
        touched.order_id,
        [line.line_no for line in lines],
        [products[line.product] for line in lines],
        [line.quantity for line in lines],
        [line.net_cents for line in lines],
    )


async def check_spend(connection: Connection, touched: TouchedOrder, lines: Sequence[OrderLine]) -> None:
    """Keeps every sum of a customer's orders, and of their lines, within the bound that scores rely on."""
    charged, other_lines = await connection.fetchrow(SPEND, touched.customer_id, touched.order_id)
    if max(charged, other_lines + sum(line.net_cents for line in lines)) > MAXIMUM_SPEND_CENTS:
        message = "With this order the customer would have spent more than 687 million in all."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("data", "order", "netAmount"))


async def apply_cancellation(
    connection: Connection, source_id: int, customer_id: int, occurred_at: datetime, event: CancellationEvent
) -> TouchedOrder:
    touched = await get_order(connection, source_id, customer_id, event.order, "orderCancellation")
    await connection.execute(
        CANCEL_ORDER, customer_id, touched.order_id, OrderStatus.CANCELLED.code, occurred_at
    )
    return touched


async def apply_refund(
    connection: Connection, source_id: int, customer_id: int, event: RefundEvent
) -> TouchedOrder:
    """Refunds add up, so their order of arrival does not matter."""
    touched = await get_order(connection, source_id, customer_id, event.order, "orderRefund")
    refunded = await connection.fetchval(
        REFUND_ORDER, customer_id, touched.order_id, event.refunded_cents, OrderStatus.REFUNDED.code
    )
    if refunded is None:
        message = "Refunds of an order add up to at most what was charged for it."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("data", "orderRefund", "amount"))
    return touched


async def get_order(
    connection: Connection, source_id: int, customer_id: int, external_id: str, member: str
) -> TouchedOrder:
    found = await connection.fetchrow(FIND_ORDER, source_id, external_id)
    if found is None:
        message = f"No order {external_id!r} is known of this source; send it first, then this event again."
        raise DomainError(ErrorCode.NOT_FOUND, message, ("data", member, "order"))
    return own_order(found, customer_id)


def own_order(found: Any, customer_id: int) -> TouchedOrder:
    if found["customer_id"] != customer_id:
        raise DomainError(ErrorCode.CONFLICT, "This order belongs to another customer.", ("customer",))
    return TouchedOrder(customer_id, found["order_id"], found["counted_at"])
