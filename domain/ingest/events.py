"""What a source reports about its customers, one event at a time, and what an event alone can have wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import Decimal

from domain.customers.profile import CustomerKind
from domain.errors import DomainError, ErrorCode
from domain.orders.order import MAXIMUM_SPEND_CENTS, MOST_CREDIT_DAYS, OrderChannel, OrderStatus

MAXIMUM_EVENTS = 1_000
MAXIMUM_LINES = 1_000
MAXIMUM_KEY_CHARACTERS = 200
MAXIMUM_TEXT_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerKey:
    """Identifiers the source knows; at least one."""

    external_id: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """`product` is the source's own id of it."""

    line_no: int
    product: str
    quantity: Decimal
    net_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """The whole order as it stands; `charged_cents` is after discounts, before refunds, without delivery.

    `confirmed_at`: it is on credit, and counts from then on. `credit_days`: to pay from then on; None: not known. [C4]
    """

    external_id: str
    status: OrderStatus
    channel: OrderChannel
    charged_cents: int
    paid_at: datetime | None = None
    confirmed_at: datetime | None = None
    credit_days: int | None = None
    delivery_fee_cents: int = 0
    lines: tuple[OrderLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationEvent:
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundEvent:
    """One more refund of an order; refunds add up to at most what was charged."""

    order: str
    refunded_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChangeEvent:
    """Given fields replace what is known, the rest stays. An unknown external id becomes a customer."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    kind: CustomerKind | None = None
    city: str | None = None
    registration_channel: str | None = None
    referred_by: str | None = None
    community: str | None = None


EventBody = OrderEvent | CancellationEvent | RefundEvent | ProfileChangeEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`event_id` is the source's own: the same one twice counts once."""

    event_id: str
    occurred_at: datetime
    customer: CustomerKey
    body: EventBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why the event at `index` of the batch was not taken; it may be sent again once that is mended."""

    index: int
    event_id: str
    code: ErrorCode
    message: str
    field: tuple[str, ...] = ()


def check_batch(events: Sequence[object]) -> None:
    """Raises DomainError where the batch as a whole cannot be taken."""
    if not events:
        raise DomainError(ErrorCode.REQUIRED, "Send at least one event.", ("events",))
    if len(events) > MAXIMUM_EVENTS:
        raise DomainError(ErrorCode.TOO_MANY, f"Send at most {MAXIMUM_EVENTS} events at once.", ("events",))


def check_event(event: Event, now: datetime) -> None:
    """Raises DomainError where the event alone shows that it cannot be taken. [C2]"""
    if not 0 < len(event.event_id) <= MAXIMUM_KEY_CHARACTERS:
        raise DomainError(
            ErrorCode.INVALID, f"An event id has 1 to {MAXIMUM_KEY_CHARACTERS} characters.", ("id",)
        )
    if event.occurred_at > now:
        raise DomainError(
            ErrorCode.IN_THE_FUTURE, "occurredAt lies in the future; send what has happened.", ("occurredAt",)
        )
    check_texts(event)
    if event.customer == CustomerKey():
        raise DomainError(ErrorCode.REQUIRED, "Name the customer by at least one key.", ("customer",))
    check_body(event.body, now)


def check_texts(event: Event) -> None:
    """PostgreSQL stores neither NUL nor half of a surrogate pair."""
    for text in texts_in(astuple(event)):
        if len(text) > MAXIMUM_TEXT_CHARACTERS:
            message = f"A text is longer than {MAXIMUM_TEXT_CHARACTERS} characters."
            raise DomainError(ErrorCode.TOO_LONG, message)
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
            raise DomainError(ErrorCode.INVALID, "A text holds a character that cannot be stored.")


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from texts_in(part)


def check_body(body: EventBody, now: datetime) -> None:
    match body:
        case OrderEvent():
            check_order(body, now)
        case RefundEvent():
            check_cents(body.refunded_cents, ("data", "orderRefund", "amount"), at_least=1)
        case ProfileChangeEvent():
            if body == ProfileChangeEvent():
                raise DomainError(
                    ErrorCode.REQUIRED, "A profile change changes something.", ("data", "profileChange")
                )
        case CancellationEvent():
            pass


def check_order(order: OrderEvent, now: datetime) -> None:
    path = ("data", "order")
    if not 0 < len(order.external_id) <= MAXIMUM_KEY_CHARACTERS:
        raise DomainError(ErrorCode.INVALID, "An order needs its id at the source.", (*path, "externalId"))
    if order.status is OrderStatus.REFUNDED:
        raise DomainError(ErrorCode.INVALID, "Send an orderRefund event for a refund.", (*path, "status"))
    if order.paid_at is not None and order.paid_at > now:
        raise DomainError(ErrorCode.IN_THE_FUTURE, "paidAt lies in the future.", (*path, "paidAt"))
    check_credit(order, now, (*path, "credit"))
    check_cents(order.charged_cents, (*path, "netAmount"))
    check_cents(order.delivery_fee_cents, (*path, "deliveryFee"))
    check_lines(order.lines, (*path, "lines"))


def check_credit(order: OrderEvent, now: datetime, path: tuple[str, ...]) -> None:
    if order.confirmed_at is not None and order.confirmed_at > now:
        raise DomainError(ErrorCode.IN_THE_FUTURE, "confirmedAt lies in the future.", (*path, "confirmedAt"))
    if order.credit_days is not None and not 1 <= order.credit_days <= MOST_CREDIT_DAYS:
        message = f"Days to pay are 1 to {MOST_CREDIT_DAYS}; leave them out where they are not known."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, (*path, "days"))


def check_lines(lines: Sequence[OrderLine], path: tuple[str, ...]) -> None:
    if len(lines) > MAXIMUM_LINES:
        raise DomainError(ErrorCode.TOO_MANY, f"An order has at most {MAXIMUM_LINES} lines.", path)
    if len({line.line_no for line in lines}) < len(lines):
        raise DomainError(ErrorCode.DUPLICATE, "Two lines share one lineNo.", path)
    for number, line in enumerate(lines):
        check_cents(line.net_cents, (*path, str(number), "netAmount"))
        if not (line.quantity.is_finite() and 0 < line.quantity < 1_000_000_000):
            raise DomainError(
                ErrorCode.OUT_OF_RANGE, "A quantity is above 0.", (*path, str(number), "quantity")
            )
        if line.quantity != round(line.quantity, 3):
            message = "A quantity has at most three decimals."
            raise DomainError(ErrorCode.INVALID, message, (*path, str(number), "quantity"))
        if not 0 < line.line_no < 2**31:
            raise DomainError(ErrorCode.OUT_OF_RANGE, "lineNo counts from 1.", (*path, str(number), "lineNo"))


def check_cents(cents: int, path: tuple[str, ...], at_least: int = 0) -> None:
    if not at_least <= cents <= MAXIMUM_SPEND_CENTS:
        words = "above 0" if at_least else "0 or more"
        raise DomainError(ErrorCode.OUT_OF_RANGE, f"An amount is {words} and below 687 million.", path)
