"""Conditions on facts: every fact is a member of the filter, compared by the operators of its type."""

from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import Any

import strawberry

from db.facts_sql import shown_fact
from domain.customers.fact import FactType
from resolvers.facts import SHOWN_FACTS
from resolvers.facts_rows import facts_of_customers
from resolvers.live_moment import live_as_of
from resolvers.orders import DateTimeFilter
from resolvers.readpath.expressions import is_in, is_null
from resolvers.readpath.filter_inputs import by_operator, compares, matches

UNKNOWN = "True finds the unknown, which no other operator matches."


@strawberry.input(description="Operators mean what they say: gt is >, gte is >=. [C5]")
class IntFilter:
    eq: int | None = by_operator(eq, "Equal.")
    in_: list[int] | None = by_operator(is_in, "One of these.", name="in")
    gt: int | None = by_operator(gt, "More than.")
    gte: int | None = by_operator(ge, "At least.")
    lt: int | None = by_operator(lt, "Less than.")
    lte: int | None = by_operator(le, "At most.")
    is_null: bool | None = by_operator(is_null, UNKNOWN)


@strawberry.input(description="Operators mean what they say: gt is >, gte is >=. [C5]")
class DecimalFilter:
    eq: Decimal | None = by_operator(eq, "Equal.")
    in_: list[Decimal] | None = by_operator(is_in, "One of these.", name="in")
    gt: Decimal | None = by_operator(gt, "More than.")
    gte: Decimal | None = by_operator(ge, "At least.")
    lt: Decimal | None = by_operator(lt, "Less than.")
    lte: Decimal | None = by_operator(le, "At most.")
    is_null: bool | None = by_operator(is_null, UNKNOWN)


FILTERS = {
    FactType.INTEGER: IntFilter | None,
    FactType.DECIMAL: DecimalFilter | None,
    FactType.BOOLEAN: bool | None,
    FactType.MOMENT: DateTimeFilter | None,
}


def facts_filter() -> type:
    """The input type, made from the catalogue like `Facts`."""
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {fact.name: FILTERS[fact.type] for fact in SHOWN_FACTS},
    }
    for fact in SHOWN_FACTS:
        shown = shown_fact(fact, lambda name: facts_of_customers.c[name], live_as_of)
        is_flag = fact.type is FactType.BOOLEAN
        namespace[fact.name] = matches(shown, eq, fact.words) if is_flag else compares(shown, fact.words)
    return strawberry.input(
        type("FactsFilter", (), namespace), description="What is measured. All given members must hold."
    )


FactsFilter: Any = facts_filter()
