"""The example schema: every kind of source at least once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from operator import eq, ge, lt
from typing import Annotated, Any

import strawberry
from readpath_example import tables as t
from readpath_example.baskets import basket_lines, baskets, lines_of, quantity_of
from readpath_example.context import EVERYBODY, STAFF, Reason, Role, explain, hash_phone, reveal
from readpath_example.tables import CustomerKind, OrderStatus
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    TypedColumns,
    exists,
    func,
    or_,
    select,
)
from strawberry import ID, Info
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from domain.errors import StoreUnavailable
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.declare import (
    REQUIRED,
    argument,
    ask,
    by_global_id,
    by_global_ids,
    column,
    computed,
    connection,
    context_value,
    embed,
    entity,
    global_id,
    lookup,
    many,
    merged_connection,
    one,
    roots,
    visible_to,
    worked,
)
from resolvers.readpath.expressions import cents, coded, is_in, is_null
from resolvers.readpath.filter_inputs import by_operator, compares, group, matches, related
from resolvers.readpath.relay import Connection, Node
from resolvers.readpath.scalars import scalar_map
from resolvers.readpath.sources import SHARED, WITHIN_PARENT, Branch

strawberry.enum(OrderStatus, description="Where an order is on its way.")
strawberry.enum(CustomerKind, description="Who buys.")


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = strawberry.field(description="Exact, with its decimals.")
    currency_code: str = strawberry.field(description="ISO 4217.")


@strawberry.type(description="Price and share of an order.")
class Amounts:
    net: Money = strawberry.field(description="After discounts.")
    half: Money | None = strawberry.field(description="Half of it; null for nothing.")


@entity(t.products, key=t.products.c.product_id, id_prefix="prd", roles=EVERYBODY, scope=SHARED)
class Product(Node):
    """A product of the assortment."""

    id: ID = global_id(t.products.c.product_id)
    name: str = column(t.products.c.name, "Name on the shelf label.")
    price: Money = embed(Money, "Today.", amount=cents(t.products.c.price_cents), currency_code="CNY")


@entity(t.order_lines, roles=EVERYBODY, scope=t.order_lines.c.customer_id)
class OrderLine:
    """One line of an order."""

    line_no: int = column(t.order_lines.c.line_no, "Counts from 1.")
    net: Decimal = column(cents(t.order_lines.c.net_cents), "CNY.")
    product: Product = one("What was bought.", on=t.products.c.product_id == t.order_lines.c.product_id)


@entity(t.orders, key=t.orders.c.order_id, id_prefix="ord", roles=EVERYBODY, scope=t.orders.c.customer_id)
class Order(Node):
    """One order of a customer."""

    id: ID = global_id(t.orders.c.order_id)
    placed_at: datetime = column(t.orders.c.placed_at, "When it was placed.")
    status: OrderStatus = column(coded(t.orders.c.status, OrderStatus), "Where it is on its way.")
    amounts: Amounts = embed(
        Amounts,
        "What it cost.",
        net=embed(Money, "", amount=cents(t.orders.c.net_cents), currency_code="CNY"),
        half=embed(
            Money,
            "",
            unless_null=func.nullif(t.orders.c.net_cents % 2, 1),
            amount=cents(t.orders.c.net_cents / 2),
            currency_code="CNY",
        ),
    )
    lines: Connection[OrderLine] = connection(
        "Its lines.",
        on=(t.order_lines.c.customer_id == t.orders.c.customer_id)
        & (t.order_lines.c.order_id == t.orders.c.order_id),
        order_by=[t.order_lines.c.line_no],
    )
    customer: Customer = one("Who ordered.", on=t.customers.c.customer_id == t.orders.c.customer_id)


@entity(
    t.tickets,
    key=t.tickets.c.ticket_id,
    id_prefix="tic",
    roles=(Role.CUSTOMER, Role.AGENT),
    scope=t.tickets.c.customer_id,
)
class Ticket(Node):
    """A request to the service desk."""

    id: ID = global_id(t.tickets.c.ticket_id)
    subject: str = column(t.tickets.c.subject, "In the customer's words.")
    opened_at: datetime = column(t.tickets.c.opened_at, "When it was opened.")


TimelineEntry = Annotated[
    Order | Ticket, strawberry.union("TimelineEntry", description="Something that happened.")
]


@strawberry.input(description="Comparisons of a moment.")
class DateTimeFilter:
    gte: datetime | None = by_operator(ge, "At or after.")
    lt: datetime | None = by_operator(lt, "Before.")
    is_null: bool | None = by_operator(is_null, "Whether it is unknown.")


@strawberry.input(description="Which orders.")
class OrderFilter:
    status: list[OrderStatus] | None = matches(t.orders.c.status, is_in, "One of these states.")
    placed_at: DateTimeFilter | None = compares(t.orders.c.placed_at, "When it was placed.")
    min_net: Decimal | None = matches(cents(t.orders.c.net_cents), ge, "At least this amount.")
    customer: list[ID] | None = matches(t.orders.c.customer_id, is_in, "Of these.", id_prefix="cus")


as_of = argument("asOf", datetime | None, "A past moment.", sql_type=DateTime(timezone=True), default=None)
now = context_value("as_of", lambda context: context.as_of, sql_type=DateTime(timezone=True))


def facts_at(moment: Any, name: str) -> Any:
    return (
        select(
            t.customers.c.customer_id,
            func.count(t.orders.c.order_id).label("orders"),
            func.coalesce(func.sum(t.orders.c.net_cents), 0).cast(BigInteger).label("spend_cents"),
            func.max(t.orders.c.placed_at).label("last_order_at"),
        )
        .where(t.orders.c.customer_id == t.customers.c.customer_id, t.orders.c.placed_at <= moment)
        .correlate(t.customers)
        .subquery(name)
    )


facts_as_of = facts_at(as_of, "facts_as_of")


@entity(t.facts, roles=EVERYBODY, scope=t.facts.c.customer_id)
class Facts:
    """Measured numbers of one customer."""

    orders: int = column(t.facts.c.orders, "Orders placed.")
    spend: Decimal = column(cents(t.facts.c.spend_cents), "CNY.")
    last_order_at: datetime | None = column(t.facts.c.last_order_at, "Null: none.")
    reasons: list[Reason] = computed(
        explain, t.facts.c.orders, t.facts.c.last_order_at, about="Why, in words."
    )


days = argument(
    "days",
    int,
    "Length of the window in days.",
    sql_type=Integer(),
    default=90,
    check=lambda d: check_days(d),
)


def check_days(value: int) -> None:
    if not 1 <= value <= 3650:
        raise ValueError("days must be 1 to 3650.")


window = (
    select(func.count().label("orders"), func.sum(t.orders.c.net_cents).cast(BigInteger).label("cents"))
    .where(
        t.orders.c.customer_id == t.customers.c.customer_id,
        t.orders.c.placed_at > now - func.make_interval(0, 0, 0, days),
    )
    .correlate(t.customers)
    .subquery("in_window")
)


@entity(window, roles=EVERYBODY, scope=WITHIN_PARENT)
class Window:
    """Orders of a window that ends now."""

    orders: int = column(window.c.orders, "Orders placed.")
    spend: Decimal | None = column(cents(window.c.cents), "CNY; null: none.")


families = argument("families", list[str] | None, "Only of these.", sql_type=ARRAY(Text()), default=None)


@entity(t.labels, roles=EVERYBODY, scope=t.labels.c.customer_id)
class Label:
    """A label a customer carries."""

    code: str = column(t.labels.c.code, "Its stable code.")
    family: str = column(t.labels.c.family, "The family it belongs to.", visible_to=STAFF)


class RecommendationColumns(TypedColumns):
    product_id = Column(BigInteger, nullable=False)
    score = Column(Integer, nullable=False)


recommended = Table("recommended_products", MetaData(), RecommendationColumns)
pool = argument("pool", str | None, "Only of this pool.", sql_type=Text(), default=None)


@entity(recommended, roles=EVERYBODY, scope=WITHIN_PARENT)
class Recommendation:
    """A product this customer will probably like."""

    score: int = column(recommended.c.score, "In thousandths; higher is better.")
    product: Product = one("The product.", on=t.products.c.product_id == recommended.c.product_id)


@entity(basket_lines, roles=EVERYBODY, scope=WITHIN_PARENT)
class BasketLine:
    """What was worked out of a line."""

    quantity: Decimal = column(basket_lines.c.quantity, "How many.")
    words: str | None = column(basket_lines.c.words, "Where to.")
    product: Product | None = one("What.", on=t.products.c.product_id == basket_lines.c.product_id)


@entity(baskets, roles=(Role.CUSTOMER, Role.AGENT, Role.ANALYST), scope=baskets.c.customer_id)
class Basket:
    """What a customer would buy."""

    quantity: Decimal = computed(quantity_of, baskets.c.basket, about="Of everything.")
    lines: list[BasketLine] = worked("In the order given.", lines_of, baskets.c.basket, rows=basket_lines)


@strawberry.type(description="A company.")
class Company:
    name: str = strawberry.field(description="As registered.")


@entity(t.customers, roles=(Role.CUSTOMER, Role.AGENT, Role.ANALYST), scope=t.customers.c.customer_id)
class Profile:
    """Who a customer is."""

    kind: CustomerKind = column(coded(t.customers.c.kind, CustomerKind), "Who buys.")
    city: str | None = column(t.customers.c.city, "Where most orders go.")
    secret: str | None = computed(reveal, t.customers.c.secret, about="Masked by role.")
    note: str | None = computed(reveal, t.customers.c.secret, about="Agents.", visible_to=[Role.AGENT])
    extra: JSON | None = column(t.customers.c.extra, "Free.")  # type: ignore[valid-type]
    company: Company | None = embed(
        Company, "Set for BUSINESS.", unless_null=t.customers.c.company, name=t.customers.c.company
    )


referrers = t.customers.alias("referrer")


@entity(
    t.customers,
    key=t.customers.c.customer_id,
    id_prefix="cus",
    roles=EVERYBODY,
    scope=t.customers.c.customer_id,
)
class Customer(Node):
    """A customer of the retailer."""

    id: ID = global_id(t.customers.c.customer_id)
    member_number: str = column(t.customers.c.member_number, "Printed on the card.")
    created_at: datetime = column(t.customers.c.created_at, "When we first heard of them.")
    referrer_id: ID | None = global_id(t.customers.c.referrer_id, "Who brought them.", prefix="cus")  # type: ignore[arg-type]
    profile: Profile = embed(Profile, "Who they are.")
    facts: Facts = one(
        "Measured numbers.", on=t.facts.c.customer_id == t.customers.c.customer_id, given={as_of: facts_as_of}
    )
    window: Window = one("Orders of the last days.")
    labels: list[Label] = many(
        "Labels.",
        on=(t.labels.c.customer_id == t.customers.c.customer_id)
        & or_(families.is_(None), t.labels.c.family == func.any(families)),
        order_by=[t.labels.c.code],
    )
    orders: Connection[Order] = connection(
        "Orders, newest first.",
        on=t.orders.c.customer_id == t.customers.c.customer_id,
        order_by=[t.orders.c.placed_at.desc(), t.orders.c.order_id.desc()],
        where=OrderFilter,
    )
    timeline: Connection[TimelineEntry] = merged_connection(
        "Orders and tickets, newest first.",
        Branch(Order, t.orders.c.customer_id == t.customers.c.customer_id, t.orders.c.placed_at),
        Branch(Ticket, t.tickets.c.customer_id == t.customers.c.customer_id, t.tickets.c.opened_at),
    )
    history: Connection[Node] = merged_connection(
        "The same by their interface.",
        Branch(Order, t.orders.c.customer_id == t.customers.c.customer_id, t.orders.c.placed_at),
        Branch(Ticket, t.tickets.c.customer_id == t.customers.c.customer_id, t.tickets.c.opened_at),
    )
    recommendations: list[Recommendation] | None = ask(
        "Best first; null when the graph is away.",
        recommended,
        key=t.customers.c.customer_id,
        only_if=exists().where(t.products.c.product_id == recommended.c.product_id),
        first=5,
        parameters=[pool],
    )
    basket: Basket | None = one("What they would buy.", on=baskets.c.customer_id == t.customers.c.customer_id)
    referrer: Customer | None = one(
        "Who brought them.", on=referrers.c.customer_id == t.customers.c.referrer_id
    )


@strawberry.input(one_of=True, description="Exactly one way to name a customer.")
class CustomerBy:
    id: ID | None = matches(t.customers.c.customer_id, eq, "Global id.", id_prefix="cus")
    member_number: str | None = matches(t.customers.c.member_number, eq, "Number on the card.")
    phone: str | None = matches(t.customers.c.phone_hash, eq, "Phone.", stored=hash_phone)


@strawberry.input(description="About facts.")
class FactsFilter:
    min_orders: int | None = matches(t.facts.c.orders, ge, "At least so many orders.")


@strawberry.input(description="Which customers.")
class CustomerFilter:
    city: list[str] | None = matches(t.customers.c.city, is_in, "One of these cities.")
    created_at: DateTimeFilter | None = compares(t.customers.c.created_at, "When we first heard of them.")
    facts: FactsFilter | None = related(
        t.facts, t.facts.c.customer_id == t.customers.c.customer_id, "Measured numbers."
    )
    all: list[CustomerFilter] | None = group("all", "All of these.")
    any: list[CustomerFilter] | None = group("any", "Any of these.")
    not_: CustomerFilter | None = group("not", "None of this.")


code = argument("code", str, "Its code.", sql_type=Text(), default=REQUIRED)


@entity(
    t.transitions,
    key=t.transitions.c.transition_id,
    id_prefix="tra",
    roles=EVERYBODY,
    scope=t.transitions.c.customer_id,
)
class TierTransition(Node):
    """One decision about a tier."""

    id: ID = global_id(t.transitions.c.transition_id)
    to_tier: str = column(t.transitions.c.to_tier, "The tier decided.")
    decided_at: datetime = column(t.transitions.c.decided_at, "When.")
    customer: Customer = one("Whose tier.", on=t.customers.c.customer_id == t.transitions.c.customer_id)


@roots
class Query:
    """Everything about customers."""

    node: Node | None = by_global_id("Anything by its global id.", visible_to=EVERYBODY)
    nodes: list[Node | None] = by_global_ids("In their order; null: unknown.", visible_to=EVERYBODY)
    customer: Customer | None = lookup("One customer.", by=CustomerBy, visible_to=EVERYBODY)
    customers: Connection[Customer] = connection(
        "Customers, oldest first.",
        order_by=[t.customers.c.created_at, t.customers.c.customer_id],
        where=CustomerFilter,
        visible_to=EVERYBODY,
    )
    products: Connection[Product] = connection(
        "Products by name.",
        order_by=[t.products.c.name.desc(), t.products.c.product_id.desc()],
        visible_to=EVERYBODY,
    )
    product: Product | None = one("By its code.", on=t.products.c.name == code, visible_to=EVERYBODY)
    transitions: Connection[TierTransition] = connection(
        "Decisions, oldest first.",
        order_by=[t.transitions.c.transition_id],
        forward_only=True,
        visible_to=STAFF,
    )


FAULTY = 31
"""Touching this customer fails."""


@strawberry.type(description="Live changes.")
class Subscription:
    @strawberry.subscription(description="A tier was decided.", metadata=visible_to(*EVERYBODY))  # type: ignore[untyped-decorator]
    async def tier_changed(self) -> AsyncIterator[TierTransition]:
        """Never run: the plan of the selection is executed once an event."""
        raise NotImplementedError
        yield


@strawberry.type(description="What was touched.")
class TouchPayload:
    customer: Customer | None = strawberry.field(description="Null: there is no such customer.")
    orders: list[Order | None] = strawberry.field(description="Null: not one that this viewer sees.")
    reasons: list[Reason] = strawberry.field(description="Plain values.")
    done: bool = strawberry.field(description="Whether it was done.")


@strawberry.type(description="What changes things; here nothing does.")
class Mutation:
    @strawberry.mutation(description="Touches a customer.", metadata=visible_to(*EVERYBODY))  # type: ignore[untyped-decorator]
    async def customer_touch(
        self, info: Info, id: Annotated[ID, strawberry.argument(description="Whom.")]
    ) -> TouchPayload:
        """`fault` is for coded and other faults of use cases."""
        key = decode_id(id, "cus")
        if key == FAULTY:
            raise RuntimeError("password=hunter2")
        context = info.context
        orders = [await context.find_row(Order, 1000 + number) for number in (7, 11)]
        return TouchPayload(
            customer=await context.find_where(Customer, t.customers.c.customer_id == key),
            orders=orders,
            reasons=[
                Reason(words='touched "it"', at=context.operation.as_of),
                Reason(words="\x01!\x02", at=None),
            ],
            done=key is not None,
        )

    @strawberry.mutation(description="May fail alone.", metadata=visible_to(*STAFF))  # type: ignore[untyped-decorator]
    async def customer_try(
        self, info: Info, by: Annotated[CustomerBy, strawberry.argument(description="Whom.")]
    ) -> TouchPayload | None:
        if by.phone:
            raise StoreUnavailable("graph", "down on purpose")
        return None


def make_schema() -> strawberry.Schema:
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Product, Order, Ticket, TierTransition],
        config=StrawberryConfig(scalar_map=scalar_map()),
    )
