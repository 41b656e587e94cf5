from operator import eq
from typing import Any

import strawberry
from readpath_example import tables as t
from readpath_example.context import EVERYBODY, Role
from readpath_example.schema import make_schema
from sqlalchemy import func, select

from resolvers.readpath.check_declarations import check_declarations
from resolvers.readpath.declare import column, connection, embed, entity, many, matches, one, roots
from resolvers.readpath.relay import Connection
from resolvers.readpath.sources import SHARED, WITHIN_PARENT


def problems_of(query: Any) -> list[str]:
    return check_declarations(strawberry.Schema(query=query)._schema)


def test_the_example_has_no_mistakes() -> None:
    assert check_declarations(make_schema()._schema) == []


@entity(t.products, roles=EVERYBODY, scope=SHARED)
class Goods:
    """A product."""

    name: str = column(t.products.c.name, "Its name.")


def test_a_root_needs_roles() -> None:
    @roots
    class Query:
        """Roots."""

        goods: list[Goods] = many("All.", order_by=[t.products.c.product_id])

    assert problems_of(Query) == ["Query.goods is a root without roles"]


def test_a_plain_strawberry_root_needs_roles_too() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def hello(self) -> str:
            return "hello"

    assert problems_of(Query) == ["Query.hello is a root without roles"]


def test_a_field_is_not_for_more_roles_than_its_type() -> None:
    @entity(t.products, roles=[Role.AGENT], scope=SHARED)
    class Narrow:
        """A product."""

        name: str = column(t.products.c.name, "Its name.", visible_to=[Role.AGENT, Role.PARTNER])

    @roots
    class Query:
        """Roots."""

        one: Narrow = one("One.", visible_to=[Role.AGENT])

    assert problems_of(Query) == ["Narrow.name is visible to roles that may not use its type"]


def test_a_join_mentions_both_sides() -> None:
    @entity(t.orders, roles=EVERYBODY, scope=t.orders.c.customer_id)
    class Bought:
        """An order."""

        goods: Goods = one("Wrong side.", on=t.tickets.c.ticket_id == t.orders.c.order_id)
        other: Goods = one("No own side.", on=t.products.c.product_id == t.tickets.c.ticket_id)
        loose: list[Goods] = many("No join.", order_by=[t.products.c.product_id])

    @roots
    class Query:
        """Roots."""

        bought: Bought | None = one("One.", visible_to=EVERYBODY)

    assert problems_of(Query) == [
        "Bought.goods the join condition does not mention the rows of the target",
        "Bought.other has a join condition that does not mention its own rows",
        "Bought.loose lists rows that are not joined to its own",
    ]


def test_no_road_leads_around_a_row_scope() -> None:
    @entity(t.order_lines, roles=EVERYBODY, scope=WITHIN_PARENT)
    class Line:
        """A line."""

        line_no: int = column(t.order_lines.c.line_no, "Counts from 1.")

    @entity(t.products, roles=EVERYBODY, scope=SHARED)
    class Sold:
        """A product."""

        lines: list[Line] = many(
            "Everybody's.",
            on=t.order_lines.c.product_id == t.products.c.product_id,
            order_by=[t.order_lines.c.line_no],
        )

    @roots
    class Query:
        """Roots."""

        sold: Sold | None = one("One.", visible_to=EVERYBODY)

    assert problems_of(Query) == ["Sold.lines reaches rows without a scope from rows that belong to nobody"]


def test_a_scope_is_a_column_of_its_rows_and_an_id_needs_a_key() -> None:
    @entity(t.orders, roles=EVERYBODY, scope=t.tickets.c.customer_id, id_prefix="ord")
    class Wrong:
        """An order."""

        placed: int = column(t.orders.c.net_cents, "Cents.")

    @roots
    class Query:
        """Roots."""

        wrong: Wrong | None = one("One.", visible_to=EVERYBODY)

    assert problems_of(Query) == [
        "Wrong has an id prefix but no key",
        "Wrong: its scope is not a column of its rows",
    ]


def test_cursors_are_made_of_columns_that_are_never_null() -> None:
    @entity(t.customers, roles=EVERYBODY, scope=t.customers.c.customer_id)
    class Person:
        """A customer."""

        number: str = column(t.customers.c.member_number, "Printed on the card.")

    @roots
    class Query:
        """Roots."""

        people: Connection[Person] = connection(
            "By city.", order_by=[t.customers.c.city, t.customers.c.customer_id], visible_to=EVERYBODY
        )

    assert problems_of(Query) == ["Query.people is ordered by city, which may be null"]


def test_rows_that_stand_in_have_the_columns_that_are_read() -> None:
    from resolvers.readpath.declare import argument

    size = argument("size", int | None, "A size.", sql_type=t.products.c.product_id.type, default=None)
    others = select(func.max(t.products.c.product_id).label("product_id")).where(size == 1).subquery()

    @roots
    class Query:
        """Roots."""

        goods: Goods | None = one("One.", given={size: others}, visible_to=EVERYBODY)

    assert problems_of(Query) == ["Query.goods stands in rows that lack name"]


def test_an_embedded_object_gets_exactly_its_fields() -> None:
    @strawberry.type
    class Price:
        amount: int
        unit: str

    @entity(t.products, roles=EVERYBODY, scope=SHARED)
    class Priced:
        """A product."""

        price: Price = embed(Price, "Its price.", amount=t.products.c.price_cents, currency="CNY")

    @roots
    class Query:
        """Roots."""

        priced: Priced | None = one("One.", visible_to=EVERYBODY)

    assert problems_of(Query) == [
        "Priced.price embeds Price, whose field currency and the given values do not fit",
        "Priced.price embeds Price, whose field unit and the given values do not fit",
    ]


def test_an_embedded_entity_finds_all_its_columns_in_the_rows() -> None:
    lines = t.order_lines
    with_products = (
        select(*t.products.c, lines.c.order_id, lines.c.line_no)
        .join(t.products, t.products.c.product_id == lines.c.product_id)
        .subquery("with_products")
    )

    @entity(with_products, roles=EVERYBODY, scope=SHARED)
    class Whole:
        """A line with its product."""

        goods: Goods = embed(Goods, "What was bought.")

    @entity(lines, roles=EVERYBODY, scope=SHARED)
    class Bare:
        """A line without."""

        goods: Goods = embed(Goods, "What was bought.")

    @roots
    class Query:
        """Roots."""

        whole: Whole | None = one("One.", visible_to=EVERYBODY)
        bare: Bare | None = one("One.", visible_to=EVERYBODY)

    assert problems_of(Query) == [
        "Bare.goods embeds a type that is no entity over the same rows, nor over columns that they have"
    ]


def test_only_what_belongs_to_nobody_is_embedded_from_other_rows() -> None:
    with_orders = select(*t.orders.c).subquery("with_orders")

    @entity(t.orders, roles=EVERYBODY, scope=t.orders.c.customer_id)
    class Bought:
        """An order."""

        number: int = column(t.orders.c.order_id, "Its number.")

    @entity(with_orders, roles=EVERYBODY, scope=with_orders.c.customer_id)
    class Around:
        """Rows with all columns of an order."""

        bought: Bought = embed(Bought, "The order.")

    @roots
    class Query:
        """Roots."""

        around: Around | None = one("One.", visible_to=EVERYBODY)

    assert problems_of(Query) == [
        "Around.bought embeds a type that is no entity over the same rows, nor over columns that they have"
    ]


@strawberry.input(description="Which goods.")
class GoodsFilter:
    city: str | None = matches(t.customers.c.city, eq, "A column of rows that nobody joined.")


def test_a_filter_compares_columns_of_the_rows_it_filters() -> None:
    @roots
    class Query:
        """Roots."""

        goods: Connection[Goods] = connection(
            "All.", order_by=[t.products.c.product_id], where=GoodsFilter, visible_to=EVERYBODY
        )

    assert problems_of(Query) == [
        "Query.goods filters by GoodsFilter.city, a column of other rows: reach them by `reached` or `related`"
    ]
