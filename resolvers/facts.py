"""The measured numbers of a customer: every entry of the fact catalogue is a field, with its words and unit."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, ColumnElement, FromClause, cast, extract, func

from db.facts_sql import shown_fact
from domain.customers.fact import FactDefinition, FactType, Renamed
from domain.customers.facts import CONDITION_INPUTS, FACT_BY_NAME, FACTS
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.category_shares import CategoryShare, category_shares, first_categories
from resolvers.fact_values import READ_FACTS, codes, values_of_facts
from resolvers.fact_values import FactDefinitionAnswer as FactDefinitionAnswer
from resolvers.fact_values import FactValue as FactValue
from resolvers.facts_rows import facts_of_customers
from resolvers.readpath.declare import column, computed, entity, many

PYTHON_TYPES = {
    FactType.INTEGER: int,
    FactType.DECIMAL: Decimal,
    FactType.BOOLEAN: bool,
    FactType.MOMENT: datetime,
}
MOST_ARGUMENTS = 50
SHOWN_FACTS = tuple(fact for fact in FACTS if not fact.per_category)


def facts_as_json(as_of: ColumnElement[Any], rows: FromClause = facts_of_customers) -> ColumnElement[Any]:
    """What conditions and rules read, by name, in stored units (moments in microseconds): one object a row."""
    pairs: list[Any] = []
    for name in CONDITION_INPUTS:
        fact = FACT_BY_NAME.get(name)
        if fact is None or fact.per_category:
            continue
        pairs += [name, stored_number(fact, rows, as_of)]
    pairs += ["customer_id", rows.c.customer_id]
    return func.json_build_object(*pairs, type_=JSON())


def stored_number(fact: FactDefinition, rows: FromClause, as_of: ColumnElement[Any]) -> ColumnElement[Any]:
    """In the stored unit, a moment in microseconds."""
    if isinstance(fact.derivation, Renamed):
        return rows.c[fact.derivation.fact]
    if not fact.is_stored:
        return shown_fact(fact, lambda stored: rows.c[stored], as_of)
    stored = rows.c[fact.name]
    return microseconds(stored) if fact.type is FactType.MOMENT else stored


def in_parts(columns: list[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """A function takes at most 100 arguments."""
    return [
        func.json_build_array(*columns[at : at + MOST_ARGUMENTS])
        for at in range(0, len(columns), MOST_ARGUMENTS)
    ]


def microseconds(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(extract("epoch", moment) * 1_000_000, BigInteger)


def words(fact: FactDefinition) -> str:
    unit = f" Unit: {fact.unit}." if fact.unit else ""
    unknown = " Null: unknown." if fact.nullable else ""
    return f"{fact.words}{unit}{unknown}"


def annotation(fact: FactDefinition) -> Any:
    plain: Any = PYTHON_TYPES[fact.type]
    return plain | None if fact.nullable else plain


def facts_type(rows: FromClause) -> type:
    """The GraphQL type, made from the catalogue; its fields are as many as the catalogue has entries."""
    as_of = rows.c.as_of
    namespace: dict[str, Any] = {
        "__doc__": "Measured numbers of one customer at one moment, from counted orders only. [C2-C4, S0-8, S0-9]",
        "__module__": __name__,
        "__annotations__": {"as_of": datetime} | {fact.name: annotation(fact) for fact in SHOWN_FACTS},
        "as_of": column(as_of, "The moment they are measured at."),
    }
    for fact in SHOWN_FACTS:
        namespace[fact.name] = column(shown_fact(fact, lambda name: rows.c[name], as_of), words(fact))
    namespace["__annotations__"] |= {"category_shares_180d": list[CategoryShare], "values": list[FactValue]}
    namespace["category_shares_180d"] = many(
        "What is spent most on, in the last 180 whole days.",
        on=(category_shares.c.customer_id == rows.c.customer_id)
        & (category_shares.c.rank <= first_categories),
        order_by=[category_shares.c.rank],
    )
    namespace["values"] = computed(
        values_of_facts,
        func.json_build_array(*in_parts([rows.c[fact.name] for fact in READ_FACTS]), type_=JSON()),
        as_of,
        about="Any facts by code, in the order asked for.",
        parameters=[codes],
    )
    declare = entity(rows, roles=STAFF_AND_CUSTOMERS, scope=rows.c.customer_id)
    return declare(type("Facts", (), namespace))


if TYPE_CHECKING:

    class Facts:
        """Made from the catalogue, out of the type checker's sight."""
else:
    Facts = facts_type(facts_of_customers)
