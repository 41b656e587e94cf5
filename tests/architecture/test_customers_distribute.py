"""Tables of a customer can be spread over many servers by `customer_id`: their keys begin with it or hold it."""

import pytest
from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from db.tables import metadata

WITHOUT_CUSTOMER = {
    "alerts": "one list of what to look at, newest first, about a customer or a whole policy",
    "audit_log": "an append-only log of everybody's actions, about a customer or not",
    "customer_refs": "directory: finds the customer of a source's id, so it is keyed by that id",
    "outbox": "one stream in the order of publishing",
}
"""Tables with a customer_id whose keys leave it out, and why."""

CUSTOMER_TABLES = [table for table in metadata.sorted_tables if "customer_id" in table.columns]


def _keys(table: Table) -> list[list[str]]:
    constraints = [c for c in table.constraints if isinstance(c, PrimaryKeyConstraint | UniqueConstraint)]
    unique_indexes = [index for index in table.indexes if index.unique]
    return [[column.name for column in key.columns] for key in (*constraints, *unique_indexes)]


@pytest.mark.parametrize("table", CUSTOMER_TABLES, ids=lambda table: table.name)
def test_every_key_of_a_customer_table_holds_the_customer(table: Table) -> None:
    holds = all("customer_id" in key for key in _keys(table))

    assert holds is (table.name not in WITHOUT_CUSTOMER)


@pytest.mark.parametrize("table", CUSTOMER_TABLES, ids=lambda table: table.name)
def test_every_primary_key_of_a_customer_table_begins_with_the_customer(table: Table) -> None:
    begins = next(iter(table.primary_key.columns)).name == "customer_id"

    assert begins is (table.name not in WITHOUT_CUSTOMER)


def test_no_exception_is_forgotten() -> None:
    assert WITHOUT_CUSTOMER.keys() <= {table.name for table in CUSTOMER_TABLES}


def test_nothing_refers_to_a_table_of_customers_without_the_customer() -> None:
    """Citus refuses a foreign key that does not hold the column tables are distributed by."""
    names = {table.name for table in CUSTOMER_TABLES} - WITHOUT_CUSTOMER.keys()
    broken = [
        f"{table.name} -> {key.referred_table.name}"
        for table in metadata.sorted_tables
        for key in table.foreign_key_constraints
        if key.referred_table.name in names and "customer_id" not in key.column_keys
    ]

    assert broken == []
