"""Selects used as rows list what is read of them."""

from readpath_example import tables as t
from sqlalchemy import func, select

from resolvers.readpath.sql import Templates, columns_of
from resolvers.readpath.used_columns import UsedColumns


def test_only_columns_that_are_read_are_listed() -> None:
    used = UsedColumns()
    rows = used.listed_as("r1", {"city": "lower(a.city)", "kind": "a.kind"})

    assert used.written(f"SELECT r1.kind FROM (SELECT {rows} FROM a) AS r1") == (
        "SELECT r1.kind FROM (SELECT a.kind FROM a) AS r1"
    )


def test_a_column_may_be_read_by_one_that_is_read() -> None:
    used = UsedColumns()
    inner = used.listed_as("r1", {"city": "a.city", "kind": "a.kind"})
    outer = used.listed_as("r12", {"city": "upper(r1.city)", "kind": "r1.kind"})

    assert used.written(
        f"SELECT r12.city FROM (SELECT {outer} FROM (SELECT {inner} FROM a) AS r1) AS r12"
    ) == ("SELECT r12.city FROM (SELECT upper(r1.city) FROM (SELECT a.city FROM a) AS r1) AS r12")


def test_all_columns_are_listed_where_a_condition_comes_later() -> None:
    used = UsedColumns()
    rows = used.listed_as("r1", {"city": "a.city", "kind": "a.kind"})
    used.list_all("r1")
    used.list_all("r2")

    assert used.written(f"(SELECT {rows} FROM a) AS r1") == "(SELECT a.city, a.kind FROM a) AS r1"


def test_rows_of_which_nothing_is_read_are_still_rows() -> None:
    used = UsedColumns()

    assert used.written(f"(SELECT {used.listed_as('r1', {'kind': 'a.kind'})} FROM a)") == "(SELECT 1 FROM a)"


def test_the_columns_of_a_select_are_told_apart() -> None:
    query = select(
        t.customers.c.customer_id,
        func.coalesce(t.customers.c.city, "a, b").label("where"),
        t.customers.c.company,
    )
    templates = Templates()

    before, columns, behind = columns_of(templates.template(templates.in_columns(query), []).text)

    assert before == "SELECT "
    assert columns == [
        "customers.customer_id",
        """coalesce(customers.city, 'a, b') AS "where\"""",
        "customers.company",
    ]
    assert behind.split() == ["FROM", "customers"]


def test_a_select_whose_columns_matter_to_its_rows_keeps_them() -> None:
    customers = select(t.customers.c.city)
    templates = Templates()

    assert templates.in_columns(customers.distinct()) is None
    assert templates.in_columns(customers.group_by(t.customers.c.city)) is None
    assert templates.in_columns(customers.union(customers)) is None
