"""The rows behind `Facts`: those that are stored for now, and those of any past moment, from the orders."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Subquery, func, literal_column, select
from sqlalchemy.dialects.postgresql import array

from db import tables as t
from db.facts_sql import facts_as_of
from db.tables.facts import FACT_COLUMNS, customer_facts
from resolvers.context import Context
from resolvers.live_moment import live_as_of, zone
from resolvers.readpath.declare import argument, inlined
from resolvers.readpath.scalars import print_moment

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Weeks and days are counted from here."""


def check_past(context: Context, moment: datetime) -> None:
    latest = context.shop.live_as_of
    if not EARLIEST <= moment <= latest:
        raise ValueError(f"asOf must lie between {print_moment(EARLIEST)} and {print_moment(latest)}.")


as_of = argument(
    "asOf",
    datetime | None,
    "A past moment of business time; null: now.",
    sql_type=DateTime(timezone=True),
    default=None,
    check_in_context=check_past,
)


def stored_facts() -> Subquery:
    """The stored row of each customer; one whose facts were not computed yet has none: zeros and unknowns.

    Under an alias: below a page of customers the declared table stands for the whole page, read once for each of
    its rows.
    """
    everybody = t.customers.alias("everybody")
    joined = everybody.outerjoin(customer_facts, customer_facts.c.customer_id == everybody.c.customer_id)
    columns = [everybody.c.customer_id, live_as_of.label("as_of"), *stored_values()]
    return select(*columns).select_from(joined).subquery("facts_of_customers")


def stored_facts_of_one() -> Subquery:
    """The same of the customer at hand, who need not be looked up once more."""
    once, customer_id = select(literal_column("1").label("one")).subquery("once"), t.customers.c.customer_id
    joined = once.outerjoin(customer_facts, customer_facts.c.customer_id == customer_id)
    columns = [customer_id, live_as_of.label("as_of"), *stored_values()]
    return select(*columns).select_from(joined).correlate(t.customers).subquery("facts_of_customer")


def stored_values() -> list[Any]:
    return [
        c.label(c.name) if c.nullable else func.coalesce(c, 0).cast(c.type).label(c.name)
        for c in customer_facts.c
        if c.name != "customer_id"
    ]


def measured_facts() -> Subquery:
    """The same columns measured for one customer as of the argument: an index range of their orders."""
    parameters: list[Any] = [
        inlined("as_of", as_of),
        inlined("zone", zone),
        inlined("customer_ids", array([t.customers.c.customer_id])),
    ]
    read = facts_as_of()
    text = read.element.bindparams(*parameters)
    rows = text.columns(*read.selected_columns).subquery("measured")
    columns: list[Any] = [rows.c[fact.name] for fact in FACT_COLUMNS]
    return (
        select(rows.c.customer_id, as_of.label("as_of"), *columns).correlate(t.customers).subquery("facts_at")
    )


facts_of_customers = stored_facts()
facts_of_customer = stored_facts_of_one()
facts_at_moment = measured_facts()
