"""The text of declared expressions: printed once, with names put in."""

import pytest
from readpath_example import tables as t
from sqlalchemy import func, select

from resolvers.readpath.sql import Sql, Standing, Templates

CUSTOMERS = [t.customers]


def filled(expression: object, name: str = "r1") -> Sql:
    template = Templates().template(expression, CUSTOMERS)
    return template.filled([Standing(name)] * len(template.tables), lambda _: "$1")


def test_an_expression_is_printed_once_for_all_aliases() -> None:
    templates, expression = Templates(), t.customers.c.city + t.customers.c.company

    first, second = templates.template(expression, CUSTOMERS), templates.template(expression, CUSTOMERS)

    assert first is second
    assert [first.filled([Standing(name)], str).text for name in ("r1", "r22")] == [
        "r1.city || r1.company",
        "r22.city || r22.company",
    ]


def test_constants_are_part_of_the_text() -> None:
    assert filled(func.coalesce(t.customers.c.city, "Xi'an")).text == "coalesce(r1.city, 'Xi''an')"


def test_only_a_tables_own_column_is_known_not_to_be_null() -> None:
    known = [t.customers.c.member_number, t.customers.c.city, func.upper(t.customers.c.member_number)]

    assert [filled(expression).is_not_null for expression in known] == [True, False, False]
    template = Templates().template(t.customers.c.member_number, CUSTOMERS)
    assert not template.filled([Standing("r1", is_certain=False)], str).is_not_null


def test_a_select_speaks_of_the_parent_only_where_it_says_so() -> None:
    def newest(correlated: bool) -> object:
        query = select(func.max(t.orders.c.order_id)).where(
            t.orders.c.customer_id == t.customers.c.customer_id
        )
        rows = (query.correlate(t.customers) if correlated else query).subquery("newest")
        return select(rows.c[0]).scalar_subquery()

    assert "= r1.customer_id" in filled(newest(correlated=True)).text
    assert "= customers.customer_id" in filled(newest(correlated=False)).text


@pytest.mark.parametrize(("text", "operand"), [("r1.a", "r1.a"), ("a + b", "(a + b)"), ("f(a)", "(f(a))")])
def test_an_operand_keeps_together(text: str, operand: str) -> None:
    assert Sql(text).operand == operand
