"""What a customer spends on each category, as shares of their order lines."""

from decimal import Decimal

from sqlalchemy import BigInteger, Integer, cast, func, select

from db import tables as t
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.facts_rows import facts_of_customers
from resolvers.live_moment import last_whole_day_before
from resolvers.products import Category
from resolvers.readpath.declare import argument, column, entity, one
from resolvers.readpath.expressions import cents
from resolvers.shares import share

WINDOW_DAYS = 180
MOST_CATEGORIES = 64


def check_first(value: int) -> None:
    if not 1 <= value <= MOST_CATEGORIES:
        raise ValueError(f"first must be 1 to {MOST_CATEGORIES}.")


first_categories = argument(
    "first", int, "How many at most, 1 to 64.", sql_type=Integer(), default=5, check=check_first
)
days = t.category_days.c
facts = facts_of_customers.c
last_day = last_whole_day_before(facts.as_of)
bought = (
    select(
        days.customer_id,
        days.category_id,
        cast(func.sum(days.orders), Integer).label("orders"),
        cast(func.sum(days.spend_cents), BigInteger).label("spend_cents"),
    )
    .where(days.customer_id == facts.customer_id, days.day > last_day - WINDOW_DAYS, days.day <= last_day)
    .group_by(days.customer_id, days.category_id)
    .correlate(facts_of_customers)
    .subquery("bought_categories")
)
total = func.sum(bought.c.spend_cents).over()
greatest_first = [bought.c.spend_cents.desc(), bought.c.category_id]
category_shares = (
    select(
        *bought.c,
        share(bought.c.spend_cents, total).label("share"),
        func.row_number().over(order_by=greatest_first).label("rank"),
    )
    .correlate(facts_of_customers)
    .subquery("category_shares")
)
"""Of the customer and the moment of one row of facts."""


@entity(category_shares, roles=STAFF_AND_CUSTOMERS, scope=category_shares.c.customer_id)
class CategoryShare:
    """One category of what a customer bought in the last 180 whole days."""

    category: Category = one(
        "Which category.", on=t.categories.c.category_id == category_shares.c.category_id
    )
    share: Decimal = column(
        category_shares.c.share, "Of the order lines of all categories, 0..1, six digits."
    )
    orders: int = column(category_shares.c.orders, "Orders with the category.")
    spend: Decimal = column(cents(category_shares.c.spend_cents), "Its order lines. Unit: CNY.")
