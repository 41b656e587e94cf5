"""How the text of an answer is put together in SQL."""

from sqlalchemy import types

from resolvers.readpath.jsontext import CHAINED, chained, joined, or_else, scalar
from resolvers.readpath.sql import Sql

CERTAIN, NULLABLE = Sql("r1.a", is_not_null=True), Sql("r1.b")


def test_what_is_known_is_chained() -> None:
    assert chained(['{"a":', "1", ',"b":', CERTAIN, "}"]).text == """'{"a":1,"b":' || r1.a || '}'"""


def test_what_is_printed_once_is_set_up_cheaply() -> None:
    assert joined(['{"a":', "1", ',"b":', CERTAIN, "}"]).text == """concat('{"a":1,"b":', r1.a, '}')"""


def test_what_may_be_null_prints_nothing_and_spoils_nothing() -> None:
    found = chained(["[", CERTAIN, NULLABLE, "]"])

    assert (found.text, found.is_not_null) == ("concat('[' || r1.a, r1.b, ']')", True)


def test_long_chains_are_cut() -> None:
    pieces = [CERTAIN] * (CHAINED + 1)

    assert chained([*pieces]).text == f"concat({' || '.join(['r1.a'] * CHAINED)}, r1.a)"


def test_a_nullable_value_is_read_once() -> None:
    assert chained(or_else(['"', NULLABLE, '"'], "null")).text == """coalesce('"' || r1.b || '"', 'null')"""


def test_no_more_arguments_than_a_function_takes() -> None:
    found = joined([NULLABLE] * 91).text

    assert found.startswith("concat(concat(r1.b")
    assert found.endswith("concat(r1.b))") or found.endswith(", r1.b)")


def test_values_are_printed_by_their_type() -> None:
    def printed(type_: types.TypeEngine[object], *, is_not_null: bool = True) -> str:
        return chained(scalar(Sql("r1.c", type_, is_not_null), if_null="null")).text

    assert printed(types.Integer()) == "CAST(r1.c AS TEXT)"
    assert printed(types.Text()) == "CAST(JSON_SCALAR(r1.c) AS TEXT)"
    assert printed(types.Numeric()) == """'"' || (CAST(r1.c AS TEXT)) || '"'"""
    assert printed(types.ARRAY(types.Text())) == "CAST(to_json(r1.c) AS TEXT)"
    assert printed(types.Text(), is_not_null=False) == "coalesce(CAST(JSON_SCALAR(r1.c) AS TEXT), 'null')"
