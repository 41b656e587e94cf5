"""The rows behind `BasketPreview`: one a customer, with everything that the price of a basket follows from.

Nothing else of the customer is in them than the tiers they hold and what they took of a day's limited offers. [S3-20]
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import strawberry
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Text,
    any_,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from strawberry import ID

from db import tables as t
from domain.orders.order import OrderStatus
from resolvers.facts import facts_as_json
from resolvers.facts_rows import facts_of_customers
from resolvers.live_moment import day_of, live_as_of, zone
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.declare import argument

MOST_LINES = 100
MOST_UNITS = Decimal(100_000)
SMALLEST_UNIT = Decimal("0.001")
Line = Mapping[str, Any]


@strawberry.input(description="What to put into the basket.")
class BasketLineInput:
    product: ID = strawberry.field(description="Which product.")
    quantity: Decimal = strawberry.field(
        description="How many units: above 0, at most 100,000, with at most three decimals."
    )


def check_lines(lines: Sequence[Line]) -> None:
    if not 1 <= len(lines) <= MOST_LINES:
        raise ValueError(f"A basket has 1 to {MOST_LINES} lines.")
    for place, line in enumerate(lines, 1):
        quantity = line["quantity"]
        if not 0 < quantity <= MOST_UNITS or quantity % SMALLEST_UNIT:
            raise ValueError(
                f"Line {place}: give a quantity above 0, at most {MOST_UNITS:,}, with at most three decimals."
            )
        if decode_id(line["product"], "prd") is None:
            raise ValueError(f"Line {place}: {line['product']!r} is no product: take an id from products.")


def lines_as_json(lines: Sequence[Line]) -> str:
    return json.dumps([[decode_id(line["product"], "prd"), str(line["quantity"])] for line in lines])


def products_of(lines: Sequence[Line]) -> list[int]:
    return sorted({key for line in lines if (key := decode_id(line["product"], "prd")) is not None})


ABOUT_LINES = "1 to 100 lines, in the order that they are priced in."
lines = argument(
    "lines", list[BasketLineInput], ABOUT_LINES, sql_type=JSON(), check=check_lines, in_sql=lines_as_json
)
product_ids = argument(
    "lines",
    list[BasketLineInput],
    ABOUT_LINES,
    sql_type=ARRAY(BigInteger()),
    check=check_lines,
    in_sql=products_of,
)
at = argument(
    "at",
    datetime | None,
    "When it is bought: today or within 31 days; null: today.",
    sql_type=DateTime(timezone=True),
    default=None,
)
earliest: ColumnElement[Any] = literal_column("'1970-01-02Z'::timestamptz")
latest: ColumnElement[Any] = literal_column("'3000-01-01Z'::timestamptz")
bought_at = func.least(func.greatest(func.coalesce(at, live_as_of), earliest), latest)
"""Python knows no other years, and any in these that is not near is refused."""
bought_on = day_of(bought_at)


def midnight_before(day: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.timezone(zone, cast(day, DateTime()))


def taken_of(offer: Any) -> ColumnElement[Any]:
    """Units of an offer that the customer has ordered that day already, as text."""
    order, line = t.orders.c, t.order_lines.c
    units = (
        select(func.sum(line.quantity))
        .join(t.orders, (order.customer_id == line.customer_id) & (order.order_id == line.order_id))
        .where(
            order.customer_id == t.customers.c.customer_id,
            order.placed_at > midnight_before(offer.day),
            order.placed_at <= midnight_before(offer.day + 1),
            order.status.not_in([OrderStatus.CANCELLED.code, OrderStatus.REFUNDED.code]),
            line.product_id == offer.product_id,
        )
        .correlate(t.customers, t.member_day_offers)
        .scalar_subquery()
    )
    return cast(func.trim_scale(func.coalesce(units, 0)), Text)


def shelf() -> ColumnElement[Any]:
    product = t.products.c
    entry = func.json_build_array(product.product_id, product.unit_price_cents, product.unit_cost_cents)
    return select(func.json_agg(entry)).where(product.product_id == any_(product_ids)).scalar_subquery()


def offers_of_the_day() -> ColumnElement[Any]:
    offer = t.member_day_offers.c
    entry = func.json_build_array(offer.product_id, offer.percent, offer.per_customer_limit, taken_of(offer))
    return (
        select(func.json_agg(entry))
        .where(offer.day == bought_on, offer.product_id == any_(product_ids))
        .correlate(t.customers)
        .scalar_subquery()
    )


def tiers_held() -> ColumnElement[Any]:
    """In effect, trial and override included, by policy. [S0-17]"""
    standing = t.tier_standings.c
    entry = func.json_build_array(standing.version_id, standing.rank)
    return (
        select(func.json_agg(aggregate_order_by(entry, standing.policy_id)))
        .where(standing.customer_id == t.customers.c.customer_id, standing.rank.is_not(None))
        .correlate(t.customers)
        .scalar_subquery()
    )


def graded_by() -> ColumnElement[Any]:
    """For each policy in force the version that the customer stands under, or would."""
    standing, version = t.tier_standings.c, t.tier_policy_versions.c
    entry = func.json_build_array(version.policy_id, func.coalesce(standing.version_id, version.version_id))
    of_customer = (standing.policy_id == version.policy_id) & (
        standing.customer_id == t.customers.c.customer_id
    )
    return (
        select(func.json_agg(aggregate_order_by(entry, version.policy_id), type_=JSON()))
        .select_from(t.tier_policy_versions.outerjoin(t.tier_standings, of_customer))
        .where(version.status == "ACTIVE")
        .correlate(t.customers)
        .scalar_subquery()
    )


def facts_now() -> ColumnElement[Any]:
    facts = facts_of_customers
    return (
        select(facts_as_json(live_as_of))
        .where(facts.c.customer_id == t.customers.c.customer_id)
        .correlate(t.customers)
        .scalar_subquery()
    )


PARTS = {
    "lines": lines,
    "on": bought_on,
    "products": shelf(),
    "offers": offers_of_the_day(),
    "held": tiers_held(),
}
baskets = (
    select(
        t.customers.c.customer_id,
        func.json_build_object(*chain.from_iterable(PARTS.items()), type_=JSON()).label("basket"),
        graded_by().label("graded_by"),
        facts_now().label("facts"),
    )
    .correlate(t.customers)
    .subquery("baskets")
)
