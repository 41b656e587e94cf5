"""Which expressions are known never to be null."""

import pytest
from readpath_example import tables as t
from sqlalchemy import BigInteger, Text, cast, func, literal, literal_column, null, select, type_coerce

from resolvers.readpath.declare import argument, context_value
from resolvers.readpath.nullness import is_never_null

number, city = t.customers.c.member_number, t.customers.c.city
orders_by_customer = (
    select(
        t.customers.c.member_number,
        t.orders.c.order_id,
        func.coalesce(t.orders.c.order_id, 0).cast(BigInteger).label("known_id"),
        func.max(t.orders.c.order_id).over().label("newest"),
    )
    .outerjoin(t.orders, t.orders.c.customer_id == t.customers.c.customer_id)
    .subquery("orders_by_customer")
)


@pytest.mark.parametrize(
    "expression",
    [
        number,
        t.customers.alias("others").c.member_number,
        literal("a"),
        cast(number, Text),
        type_coerce(number, Text),
        func.coalesce(city, "nowhere"),
        t.customers.c.customer_id * literal_column("0.01"),
        context_value("of_the_shop", str, sql_type=Text()),
        orders_by_customer.c.member_number,
        orders_by_customer.c.known_id,
        select(orders_by_customer.c.known_id).subquery().c.known_id,
    ],
)
def test_what_rests_on_columns_and_constants_is_never_null(expression: object) -> None:
    assert is_never_null(expression)


@pytest.mark.parametrize(
    "expression",
    [
        city,
        null(),
        literal(None),
        literal_column("NULL"),
        func.upper(number),
        func.nullif(number, "a"),
        func.coalesce(city, t.customers.c.company),
        number == city,
        argument("city", str, "Where.", sql_type=Text()),
        select(number).scalar_subquery(),
        orders_by_customer.c.order_id,
        orders_by_customer.c.newest,
        select(number).union(select(city)).subquery().c[0],
        select(city).subquery().c[0],
    ],
)
def test_of_anything_else_nothing_is_known(expression: object) -> None:
    assert not is_never_null(expression)


def test_both_sides_of_a_full_join_may_be_missing() -> None:
    joined = t.customers.outerjoin(t.orders, t.orders.c.customer_id == t.customers.c.customer_id, full=True)
    rows = select(number, t.orders.c.order_id).select_from(joined).subquery()

    assert not any(is_never_null(column) for column in rows.c)


def test_a_parents_column_in_a_correlated_select_is_not_one_of_its_rows() -> None:
    newest = select(t.orders.c.order_id, number).correlate(t.customers).subquery()

    assert is_never_null(newest.c.order_id)
    assert not is_never_null(newest.c.member_number)
