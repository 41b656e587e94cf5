"""Orders, their lines, and money."""

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry import ID

from benchmarks.peers.strawberry_orm import models as m
from benchmarks.peers.strawberry_orm.context import Info, amount
from benchmarks.peers.strawberry_orm.loaders import OrderKey
from domain.orders.currency import CurrencyCode
from domain.orders.order import OrderChannel, OrderStatus

for kind in (CurrencyCode, OrderChannel, OrderStatus):
    strawberry.enum(kind)
STATUSES = {status.code: status for status in OrderStatus}
CHANNELS = {channel.code: channel for channel in OrderChannel}


@strawberry.type
class Money:
    amount: Decimal
    currency_code: CurrencyCode


@strawberry.type
class Product:
    id: ID
    name: str


@strawberry.type
class OrderLine:
    line_no: int
    quantity: Decimal
    row: strawberry.Private[m.OrderLine]

    @strawberry.field
    async def product(self, info: Info) -> Product:
        found = await info.context.loaders.products.load(self.row.product_id)
        assert found is not None
        return Product(id=ID(f"prd_{found.product_id}"), name=found.name)

    @strawberry.field
    def net_amount(self, info: Info) -> Money:
        return Money(amount=amount(self.row.net_cents), currency_code=info.context.currency)


@strawberry.type
class OrderLineConnection:
    nodes: list[OrderLine]


@strawberry.type
class Order:
    id: ID
    placed_at: datetime
    status: OrderStatus
    channel: OrderChannel
    row: strawberry.Private[m.Order]

    @strawberry.field
    def net_amount(self, info: Info) -> Money:
        return Money(amount=amount(self.row.net_cents), currency_code=info.context.currency)

    @strawberry.field
    async def lines(self, info: Info, first: int) -> OrderLineConnection:
        key = OrderKey(self.row.customer_id, self.row.order_id)
        rows = await info.context.loaders.lines.load(key)
        lines = [OrderLine(line_no=row.line_no, quantity=row.quantity, row=row) for row in rows[:first]]
        return OrderLineConnection(nodes=lines)


@strawberry.type
class PageInfo:
    has_next_page: bool


@strawberry.type
class OrderConnection:
    nodes: list[Order]
    page_info: PageInfo


def as_order(row: m.Order) -> Order:
    return Order(
        id=ID(f"ord_{row.order_id}"),
        placed_at=row.placed_at,
        status=STATUSES[row.status],
        channel=CHANNELS[row.channel],
        row=row,
    )
