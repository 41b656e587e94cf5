"""Taking events in: the inputs of `eventIngest`, and what they mean to the domain."""

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry import UNSET

from domain.customers.profile import CustomerKind
from domain.errors import DomainError, ErrorCode
from domain.ingest.events import (
    CancellationEvent,
    CustomerKey,
    Event,
    EventBody,
    OrderEvent,
    OrderLine,
    ProfileChangeEvent,
    RefundEvent,
    Rejection,
)
from domain.orders.order import OrderChannel, OrderStatus
from resolvers.errors import UserError
from resolvers.money import CurrencyCode


@strawberry.input(description="An amount of money, at most two decimals.")
class MoneyInput:
    amount: Decimal = strawberry.field(description="Such as 12.50.")
    currency_code: CurrencyCode = strawberry.field(
        default=CurrencyCode.CNY, description="Must be the shop's currency."
    )


@strawberry.input(description="Any keys the source knows; at least one.")
class CustomerKeyInput:
    external_id: str | None = strawberry.field(
        default=None, description="The source's own id of the customer."
    )
    phone: str | None = strawberry.field(default=None, description="In any spelling.")
    email: str | None = strawberry.field(default=None, description="In any case.")


@strawberry.input(description="One line of an order.")
class OrderLineEventInput:
    line_no: int = strawberry.field(description="Counts from 1; once in an order.")
    product: str = strawberry.field(description="The source's own id of the product.")
    quantity: Decimal = strawberry.field(description="Above 0, at most three decimals.")
    net_amount: MoneyInput = strawberry.field(description="After discounts.")


@strawberry.input(description="An order that is delivered first and paid later. [C4]")
class OrderCreditInput:
    confirmed_at: datetime = strawberry.field(
        description="When it was confirmed: it counts from then on. Not in the future."
    )
    days: int | None = strawberry.field(
        default=None, description="Days to pay from then on, 1 to 365; null: not known."
    )


@strawberry.input(description="The whole order as it stands.")
class OrderEventInput:
    external_id: str = strawberry.field(description="The source's own id of the order.")
    status: OrderStatus = strawberry.field(description="PLACED, PAID, DELIVERED or CANCELLED.")
    channel: OrderChannel = strawberry.field(description="Where it was placed.")
    net_amount: MoneyInput = strawberry.field(
        description="After discounts, before refunds, without delivery."
    )
    paid_at: datetime | None = strawberry.field(default=None, description="Null: not paid, or not known.")
    credit: OrderCreditInput | None = strawberry.field(
        default=None, description="Null: not on credit, or not confirmed."
    )
    delivery_fee: MoneyInput | None = strawberry.field(default=None, description="Counts for nothing.")
    lines: list[OrderLineEventInput] = strawberry.field(
        default_factory=list, description="At most 1,000; they replace what was known."
    )


@strawberry.input(description="An order that will not be delivered.")
class OrderCancellationEventInput:
    order: str = strawberry.field(description="The source's own id of the order.")


@strawberry.input(description="One more refund of an order.")
class OrderRefundEventInput:
    order: str = strawberry.field(description="The source's own id of the order.")
    amount: MoneyInput = strawberry.field(description="Above 0; refunds add up to at most the charge.")


@strawberry.input(description="Given fields replace what is known; the rest stays.")
class ProfileChangeEventInput:
    name: str | None = strawberry.field(default=None, description="Full name or name of the business.")
    phone: str | None = strawberry.field(default=None, description="In any spelling.")
    email: str | None = strawberry.field(default=None, description="In any case.")
    kind: CustomerKind | None = strawberry.field(default=None, description="Household or business.")
    city: str | None = strawberry.field(default=None, description="Where they are.")
    registration_channel: str | None = strawberry.field(default=None, description="Where they registered.")
    referred_by: str | None = strawberry.field(
        default=None, description="The source's id of who brought them."
    )
    community: str | None = strawberry.field(default=None, description="The source's id of their community.")


@strawberry.input(one_of=True, description="Exactly one: what happened. More kinds come.")
class EventDataInput:
    order: OrderEventInput | None = strawberry.field(default=UNSET, description="An order, as it stands now.")
    order_cancellation: OrderCancellationEventInput | None = strawberry.field(
        default=UNSET, description="An order was cancelled."
    )
    order_refund: OrderRefundEventInput | None = strawberry.field(
        default=UNSET, description="Money was paid back."
    )
    profile_change: ProfileChangeEventInput | None = strawberry.field(
        default=UNSET, description="Something about the customer changed; creates an unknown one."
    )


@strawberry.input(description="One event.")
class EventInput:
    id: str = strawberry.field(description="The source's own id of it: the same one twice counts once.")
    occurred_at: datetime = strawberry.field(description="When it happened; not in the future. [C2]")
    customer: CustomerKeyInput = strawberry.field(description="Whom it is about.")
    data: EventDataInput = strawberry.field(description="What happened.")


@strawberry.input(description="Up to 1,000 events of one source.")
class EventIngestInput:
    source: str = strawberry.field(description="Code of the source.")
    events: list[EventInput] = strawberry.field(description="In any order.")


@strawberry.type(description="Why an event was not taken; it may be sent again once that is mended.")
class EventRejection:
    index: int = strawberry.field(description="Its place in the batch, from 0.")
    id: str = strawberry.field(description="The source's own id of it.")
    code: ErrorCode = strawberry.field(description="What to branch on.")
    field: list[str] | None = strawberry.field(description="Path into the event; null: the whole.")
    message: str = strawberry.field(description="One sentence that says what to do.")


@strawberry.type(description="What became of a batch. Accepted means committed.")
class EventIngestPayload:
    accepted: int = strawberry.field(description="New events, stored.")
    duplicates: int = strawberry.field(description="Events that were stored before.")
    rejected: list[EventRejection] = strawberry.field(
        description="Events that were not stored, with the reason."
    )
    cursor: str | None = strawberry.field(
        description="What comes of this batch is published behind it: pass it to `after`."
    )
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing at all was stored.")


def event_of(given: EventInput, currency: CurrencyCode) -> Event:
    """Raises DomainError for money of another currency or with three decimals."""
    key = given.customer
    return Event(
        event_id=given.id,
        occurred_at=given.occurred_at,
        customer=CustomerKey(external_id=key.external_id, phone=key.phone, email=key.email),
        body=body_of(given.data, currency),
    )


def body_of(data: EventDataInput, currency: CurrencyCode) -> EventBody:
    if data.order:
        return order_of(data.order, currency)
    if data.order_cancellation:
        return CancellationEvent(order=data.order_cancellation.order)
    if data.order_refund:
        amount = cents_of(data.order_refund.amount, currency, ("data", "orderRefund", "amount"))
        return RefundEvent(order=data.order_refund.order, refunded_cents=amount)
    if data.profile_change:
        return profile_of(data.profile_change)
    raise DomainError(ErrorCode.REQUIRED, "Give exactly one kind of data.", ("data",))


def order_of(order: OrderEventInput, currency: CurrencyCode) -> OrderEvent:
    path = ("data", "order")
    fee = order.delivery_fee
    return OrderEvent(
        external_id=order.external_id,
        status=order.status,
        channel=order.channel,
        charged_cents=cents_of(order.net_amount, currency, (*path, "netAmount")),
        paid_at=order.paid_at,
        confirmed_at=order.credit.confirmed_at if order.credit else None,
        credit_days=order.credit.days if order.credit else None,
        delivery_fee_cents=cents_of(fee, currency, (*path, "deliveryFee")) if fee else 0,
        lines=tuple(
            line_of(line, currency, (*path, "lines", str(at))) for at, line in enumerate(order.lines)
        ),
    )


def line_of(line: OrderLineEventInput, currency: CurrencyCode, path: tuple[str, ...]) -> OrderLine:
    return OrderLine(
        line_no=line.line_no,
        product=line.product,
        quantity=line.quantity,
        net_cents=cents_of(line.net_amount, currency, (*path, "netAmount")),
    )


def profile_of(change: ProfileChangeEventInput) -> ProfileChangeEvent:
    return ProfileChangeEvent(
        name=change.name,
        phone=change.phone,
        email=change.email,
        kind=change.kind,
        city=change.city,
        registration_channel=change.registration_channel,
        referred_by=change.referred_by,
        community=change.community,
    )


def cents_of(money: MoneyInput, currency: CurrencyCode, path: tuple[str, ...]) -> int:
    if money.currency_code is not currency:
        message = f"This shop's amounts are in {currency.value}; send {currency.value}."
        raise DomainError(ErrorCode.WRONG_UNIT, message, (*path, "currencyCode"))
    hundredths = money.amount.scaleb(2)
    if hundredths != hundredths.to_integral_value():
        message = "Money has at most two decimals; round it at the source."
        raise DomainError(ErrorCode.INVALID, message, (*path, "amount"))
    return int(hundredths)


def rejection_of(rejected: Rejection) -> EventRejection:
    return EventRejection(
        index=rejected.index,
        id=rejected.event_id,
        code=rejected.code,
        field=list(rejected.field) or None,
        message=rejected.message,
    )
