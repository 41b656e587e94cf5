"""Amounts of money, in the shop's one currency."""

from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, Text

from domain.orders.currency import CurrencyCode as CurrencyCode
from resolvers.readpath.declare import context_value, embed
from resolvers.readpath.expressions import cents, coded

strawberry.enum(CurrencyCode, description="ISO 4217. May grow.")

currency = context_value("currency", lambda context: context.shop.currency_code, sql_type=Text())
"""Given to each statement rather than read by it: it never changes, and a select for each amount is dear."""


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = strawberry.field(description="Exact, with two decimals, as a string.")
    currency_code: CurrencyCode = strawberry.field(description="The shop's currency.")


def cents_in(currency_code: str, amount_cents: int) -> Money:
    return Money(amount=Decimal(amount_cents).scaleb(-2), currency_code=CurrencyCode(currency_code))


def money(
    amount_cents: ColumnElement[int], about: str, *, unless_null: ColumnElement[Any] | None = None
) -> Any:
    """A field of type Money over a column of whole cents."""
    return embed(
        Money,
        about,
        unless_null=unless_null,
        amount=cents(amount_cents),
        currency_code=coded(currency, CurrencyCode),
    )
