"""One row of facts a customer: a column for each stored fact of the catalogue, as of the shop's `live_as_of`.

Facts per category are not here: they are read from `category_days`.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, Table, text
from sqlalchemy.types import TypeEngine

from db.tables.metadata import MOMENT, metadata
from domain.customers.fact import FactDefinition, FactKind
from domain.customers.facts import STORED_FACTS

COLUMN_TYPES: dict[FactKind, TypeEngine[Any]] = {
    FactKind.INTEGER: Integer(),
    FactKind.CENTS: BigInteger(),
    FactKind.SECONDS: BigInteger(),
    FactKind.MILLIONTHS: Integer(),
    FactKind.MOMENT: MOMENT,
}
FACT_COLUMNS: tuple[FactDefinition, ...] = tuple(fact for fact in STORED_FACTS if not fact.per_category)

BEFORE_ANY_ORDER = "'1970-01-01 00:00:00+00'::timestamptz"
"""Where lists by last order put those who never ordered."""

customer_facts = Table(
    "customer_facts",
    metadata,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    *(Column(fact.name, COLUMN_TYPES[fact.kind], nullable=fact.nullable) for fact in FACT_COLUMNS),
    Index(None, "orders_90d", "customer_id"),
    Index(None, "spend_90d", "customer_id"),
    Index(None, "spend_365d", "customer_id"),
    Index(
        "ix_customer_facts_last_order_at_customer_id",
        text(f"coalesce(last_order_at, {BEFORE_ANY_ORDER})"),
        "customer_id",
    ),
)
