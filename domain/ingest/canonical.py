"""The canonical files: five kinds of record, their columns, and what a value of each column must be."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from domain.customers.profile import CustomerKind
from domain.orders.order import MOST_CREDIT_DAYS, OrderChannel, OrderStatus


class RecordKind(Enum):
    """What the rows of a file are; declared in the order in which files are taken in."""

    COMMUNITIES = "communities"
    PRODUCTS = "products"
    CUSTOMERS = "customers"
    ORDERS = "orders"
    ORDER_LINES = "order_lines"


class ValueType(Enum):
    """How a value is read."""

    TEXT = auto()
    MONEY = auto()
    """At least zero, at most two decimals, in the shop's currency."""
    MOMENT = auto()
    """ISO 8601; without a zone it is in the shop's; never in the future [C2]."""
    FLAG = auto()
    WHOLE_NUMBER = auto()
    """From 1."""
    QUANTITY = auto()
    """Above zero, at most three decimals."""
    CHOICE = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """`default` is what an absent column or an empty cell means; `needed` ones have none. `most` bounds whole
    numbers."""

    name: str
    type: ValueType = ValueType.TEXT
    needed: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    most: int = 2**31 - 1


STATUSES = tuple(status.value for status in OrderStatus)
CHANNELS = tuple(channel.value for channel in OrderChannel)
CUSTOMER_KINDS = tuple(kind.value for kind in CustomerKind)

COLUMNS: Mapping[RecordKind, tuple[Column, ...]] = {
    RecordKind.COMMUNITIES: (
        Column("external_id", needed=True),
        Column("name"),
        Column("city"),
        Column("leader_external_id"),
        Column("leader_name"),
    ),
    RecordKind.PRODUCTS: (
        Column("external_id", needed=True),
        Column("name"),
        Column("category", needed=True),
        Column("unit_price", ValueType.MONEY, default="0"),
        Column("unit_cost", ValueType.MONEY),
        Column("high_margin", ValueType.FLAG, default="false"),
        Column("organic", ValueType.FLAG, default="false"),
        Column("imported", ValueType.FLAG, default="false"),
    ),
    RecordKind.CUSTOMERS: (
        Column("external_id", needed=True),
        Column("name"),
        Column("phone"),
        Column("email"),
        Column("kind", ValueType.CHOICE, default="HOUSEHOLD", choices=CUSTOMER_KINDS),
        Column("city"),
        Column("registered_at", ValueType.MOMENT),
        Column("channel"),
        Column("referred_by"),
        Column("community"),
    ),
    RecordKind.ORDERS: (
        Column("external_id", needed=True),
        Column("customer_external_id", needed=True),
        Column("placed_at", ValueType.MOMENT, needed=True),
        Column("paid_at", ValueType.MOMENT),
        Column("confirmed_at", ValueType.MOMENT),
        Column("credit_days", ValueType.WHOLE_NUMBER, most=MOST_CREDIT_DAYS),
        Column("status", ValueType.CHOICE, default="DELIVERED", choices=STATUSES),
        Column("channel", ValueType.CHOICE, default="OTHER", choices=CHANNELS),
        Column("net_amount", ValueType.MONEY, needed=True),
        Column("refunded_amount", ValueType.MONEY, default="0"),
        Column("delivery_fee", ValueType.MONEY, default="0"),
    ),
    RecordKind.ORDER_LINES: (
        Column("order_external_id", needed=True),
        Column("line_no", ValueType.WHOLE_NUMBER, needed=True),
        Column("product_external_id", needed=True),
        Column("quantity", ValueType.QUANTITY, default="1"),
        Column("net_amount", ValueType.MONEY, needed=True),
    ),
}

PERSONAL_KINDS = frozenset({RecordKind.COMMUNITIES, RecordKind.CUSTOMERS})
"""Their rows hold names, phones or addresses: never written to a table in the clear, not even for a moment
that outlives the import's own connection."""
