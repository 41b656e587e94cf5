"""Only Cypher on which both engines agree gets into the catalogue."""

import pytest

from graph.questions import catalogue, read_statement

HEADER = "// What it answers.\n// parameters: none\n// columns: n\n// bound: one row\n"


def test_every_file_of_the_catalogue_keeps_the_rules() -> None:
    by_folder = dict.fromkeys(("schema", "writes", "questions"), 0)
    for statement in catalogue().values():
        by_folder[statement.folder] += 1

    assert by_folder == {"schema": 5, "writes": 21, "questions": 10}


@pytest.mark.parametrize("statement", [one for one in catalogue().values() if one.folder == "questions"])
def test_a_question_only_reads_and_comes_in_a_total_order(statement: object) -> None:
    text = getattr(statement, "text")  # noqa: B009

    assert not any(word in text for word in ("MERGE", "CREATE", "SET ", "DELETE", "REMOVE"))
    assert "ORDER BY" in text.splitlines()[-1] or getattr(statement, "name") == "watermark"  # noqa: B009


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("an invented property", "MATCH (c:Customer) WHERE c.name IS NULL RETURN c.key AS n"),
        ("another property in a pattern", "MATCH (c:Customer {tier: 1}) RETURN c.key AS n"),
        ("a second property in a pattern", "MERGE (c:Customer {key: 1, tier: 2}) RETURN c.key AS n"),
        ("an edge with properties in a pattern", "MATCH ()-[e:BOUGHT {orders: 1}]-() RETURN e.orders AS n"),
        ("a path without end", "MATCH (a)-[:REFERRED*]->(b) RETURN b.key AS n"),
        ("a path without an upper bound", "MATCH (a)-[:REFERRED*2..]->(b) RETURN b.key AS n"),
        ("a date", "RETURN datetime() AS n"),
        ("a float", "MATCH (c) RETURN avg(c.key) AS n"),
        ("whole properties", "MATCH (c) RETURN properties(c) AS n"),
        ("a file", "LOAD CSV FROM 'x' AS row RETURN row AS n"),
        ("batches of the engine", "MATCH (c) CALL (c) { DELETE c } IN TRANSACTIONS RETURN 1 AS n"),
        ("two statements", "RETURN 1 AS n; RETURN 2 AS n"),
        ("a label from a parameter", "MATCH (c:$label) RETURN 1 AS n"),
        ("a regular expression", "MATCH (c) WHERE c.key =~ 'x' RETURN 1 AS n"),
        ("a block comment", "RETURN 1 AS n /* one */"),
        ("a procedure of the server", "CALL db.labels() YIELD x RETURN x AS n"),
    ],
)
def test_what_engines_disagree_on_is_refused(words: str, text: str) -> None:
    with pytest.raises(ValueError, match="probe"):
        read_statement("questions", "probe", HEADER + text)


@pytest.mark.parametrize(
    ("words", "source"),
    [
        ("no header", "MATCH (c) RETURN c.key AS n"),
        ("a missing bound", HEADER.replace("// bound: one row\n", "") + "RETURN 1 AS n"),
        ("an undeclared parameter", HEADER + "RETURN $key AS n"),
        ("an unused parameter", HEADER.replace("none", "key") + "RETURN 1 AS n"),
    ],
)
def test_a_file_without_an_honest_header_is_refused(words: str, source: str) -> None:
    with pytest.raises(ValueError, match="probe"):
        read_statement("questions", "probe", source)


def test_a_plain_statement_is_read_with_its_header() -> None:
    statement = read_statement("questions", "probe", HEADER + "RETURN 1 AS n\n")

    assert (statement.about, statement.columns, statement.text) == (
        "What it answers.",
        ("n",),
        "RETURN 1 AS n",
    )
