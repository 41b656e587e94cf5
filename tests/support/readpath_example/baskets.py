"""Rows that are worked out in the example: the lines of a basket that a client sends along."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import strawberry
from readpath_example import tables as t
from readpath_example.context import ExampleContext
from sqlalchemy import JSON, BigInteger, Column, MetaData, Numeric, Table, Text, TypedColumns, func, select
from strawberry import ID

from domain.errors import DomainError, ErrorCode
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.declare import argument

MOST_LINES = 3
UNWANTED, BROKEN = "prd_12", "prd_5"
"""The first is a client's mistake that only the function finds, the second a fault of ours."""


@strawberry.input(description="What to put into the basket.")
class LineInput:
    product: ID = strawberry.field(description="Which product.")
    quantity: Decimal = strawberry.field(description="How many.")


def check_lines(lines: Sequence[Mapping[str, Any]]) -> None:
    if len(lines) > MOST_LINES:
        raise ValueError(f"At most {MOST_LINES} lines.")
    if any(decode_id(line["product"], "prd") is None for line in lines):
        raise ValueError("Name products by their ids.")


def lines_as_json(lines: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps([[line["product"], str(line["quantity"])] for line in lines])


class LineColumns(TypedColumns):
    product_id = Column(BigInteger, nullable=False)
    quantity = Column(Numeric, nullable=False)
    words = Column(Text)


basket_lines = Table("basket_lines", MetaData(), LineColumns)
lines = argument(
    "lines", list[LineInput], "At most three.", sql_type=JSON(), check=check_lines, in_sql=lines_as_json
)
baskets = (
    select(
        t.customers.c.customer_id,
        func.json_build_object("lines", lines, "city", t.customers.c.city, type_=JSON()).label("basket"),
    )
    .correlate(t.customers)
    .subquery("baskets")
)


def lines_of(context: ExampleContext, basket: Mapping[str, Any]) -> list[tuple[int, Decimal, str | None]]:
    """Two rows for each line: nobody says that there are as many rows as lines."""
    found = []
    for product, quantity in basket["lines"]:
        if product == UNWANTED:
            raise DomainError(ErrorCode.NOT_FOUND, f"{product} is not for sale.")
        if product == BROKEN:
            raise RuntimeError("password=hunter2")
        key = decode_id(product, "prd")
        assert key is not None
        found += [(key, Decimal(quantity), basket["city"]), (key + 1, Decimal(1), None)]
    return found


def quantity_of(context: ExampleContext, basket: Mapping[str, Any]) -> Decimal:
    return sum((quantity for _, quantity, _ in lines_of(context, basket)), Decimal(0))
