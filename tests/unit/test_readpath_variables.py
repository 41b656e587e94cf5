"""Variables read without graphql-core are what graphql-core reads."""

from typing import Any

import pytest
from graphql import build_schema, get_variable_values, parse
from graphql.language import OperationDefinitionNode

from resolvers.readpath.variables import plain_variables, read_plain

SCHEMA = build_schema("""
enum Colour { RED }
input Where { name: String }
type Query { f(i: Int, s: String, id: ID, b: Boolean, c: Colour, ids: [ID!], rows: [[Int]], w: Where): Int }
""")


def read_by_both(declared: str, given: dict[str, Any]) -> tuple[Any, Any]:
    operation = parse(f"query Q({declared}) {{ f }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    definitions = operation.variable_definitions or ()
    plain = plain_variables(SCHEMA, definitions)
    whole = get_variable_values(SCHEMA, definitions, given)
    return (
        None if plain is None else read_plain(plain, given),
        whole if isinstance(whole, list) else whole.coerced,
    )


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ("$i: Int, $s: String!", {"i": 3, "s": "x", "unknown": 1}),
        ("$id: ID!", {"id": 7}),
        ("$c: Colour", {"c": "RED"}),
        ("$b: Boolean = true", {"b": False}),
        ("$ids: [ID!]!", {"ids": ["cus_1", 2]}),
        ("$ids: [ID!]", {"ids": []}),
    ],
)
def test_plain_variables_are_read_as_graphql_core_reads_them(declared: str, given: dict[str, Any]) -> None:
    plain, whole = read_by_both(declared, given)

    assert plain == whole
    assert list(plain) == list(whole)


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ("$i: Int = 3", {}),
        ("$i: Int", {"i": None}),
        ("$i: Int", {"i": "3"}),
        ("$i: Int", {"i": 2**40}),
        ("$s: String", {"s": ["x"]}),
        ("$s: String", {"s": {"x": 1}}),
        ("$c: Colour", {"c": "BLUE"}),
        ("$ids: [ID!]", {"ids": ["a", None]}),
        ("$ids: [ID!]", {"ids": [{"a": 1}]}),
        ("$ids: [ID!]", {"ids": "one"}),
        ("$rows: [[Int]]", {"rows": [[1]]}),
        ("$w: Where", {"w": {"name": "x"}}),
    ],
)
def test_whatever_is_not_plain_or_not_right_is_left_to_graphql_core(
    declared: str, given: dict[str, Any]
) -> None:
    assert read_by_both(declared, given)[0] is None
