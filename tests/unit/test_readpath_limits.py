import pytest
from graphql import parse

from resolvers.readpath.failures import Refused
from resolvers.readpath.limits import Limits, check_values, parse_within


def bomb(levels: int) -> str:
    """Each fragment spreads the next one twice: 2 to the power of `levels` fields when walked per path."""
    fragments = [f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(levels)]
    return "{ ...F0 } " + " ".join(fragments) + f" fragment F{levels} on Query {{ a }}"


def nested(depth: int) -> str:
    return "{ a " * depth + "} " * depth


def chain(length: int) -> str:
    """Fragments that spread one another, deeper than a recursive walk should go."""
    fragments = [f"fragment F{i} on Query {{ ...F{i + 1} }}" for i in range(length)]
    return "{ ...F0 } " + " ".join(fragments) + f" fragment F{length} on Query {{ a }}"


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("characters", "{ a }" + " " * 65_536),
        ("tokens", "{ " + "a " * 2000 + "}"),
        ("tokens", "#\n" * 2001 + "{ a }"),
        ("nesting", nested(65)),
        ("operations", " ".join(f"query Q{i} {{ a }}" for i in range(11))),
        ("depth", nested(17)),
        ("fields", "{ " + "a " * 1001 + "}"),
        ("fields", bomb(10)),
        ("nesting", chain(65)),
        ("nesting", chain(240)),
        ("introspections", "{ " + " ".join(f"x{i}: __schema {{ a }}" for i in range(3)) + "}"),
        ("introspections", "{ __schema { " + " ".join(f"x{i}: types {{ a }}" for i in range(3)) + "} }"),
        ("aliases", "{ " + " ".join(f"x{i}: a" for i in range(31)) + "}"),
        ("directives", "{ a " + "@skip(if: false) " * 51 + "}"),
        ("variables", "query Q(" + " ".join(f"$v{i}: Int" for i in range(101)) + ") { a }"),
    ],
)
def test_a_document_beyond_a_limit_is_refused_by_its_name(limit: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_within(text, Limits())

    assert refused.value.failure.code == "LIMIT_EXCEEDED"
    assert refused.value.failure.more["limit"] == limit


@pytest.mark.parametrize(
    "text",
    [
        "{ " + "a " * 1000 + "}",
        nested(16),
        bomb(9),
        chain(60),
        "#\n" * 1997 + "{ a }",
        "{ " + " ".join(f"x{i}: a" for i in range(30)) + "}",
    ],
)
def test_a_document_at_a_limit_is_accepted(text: str) -> None:
    assert parse_within(text, Limits()) == parse(text)


def nested_json(depth: int) -> dict[str, object]:
    value: object = 1
    for _ in range(depth - 1):
        value = [value]
    return {"v": value}


@pytest.mark.parametrize(
    ("limit", "variables"),
    [
        ("values", {"v": ["x"] * 20_000}),
        ("values", {f"v{i}": i for i in range(20_001)}),
        ("objects", {"v": [{}] * 201}),
        ("objects", {"v": {f"k{i}": {} for i in range(200)}}),
        ("nesting", nested_json(70)),
    ],
)
def test_variables_beyond_a_limit_are_refused_by_its_name(limit: str, variables: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        check_values(variables, Limits(), objects=200)

    assert refused.value.failure.code == "LIMIT_EXCEEDED"
    assert refused.value.failure.more["limit"] == limit


@pytest.mark.parametrize("variables", [{"v": ["x"] * 19_999}, {"v": [{}] * 200}, nested_json(64), {}])
def test_variables_at_a_limit_are_accepted(variables: dict[str, object]) -> None:
    check_values(variables, Limits(), objects=200)


def test_a_bomb_of_eighty_levels_costs_what_its_text_costs() -> None:
    with pytest.raises(Refused):
        parse_within(bomb(80), Limits())  # walked per path it would be 2**80 steps, and never end


def test_fragments_that_no_operation_uses_are_measured_too() -> None:
    unused = "{ a } " + bomb(20).removeprefix("{ ...F0 } ")

    with pytest.raises(Refused):
        parse_within(unused, Limits())


def test_a_fragment_that_spreads_itself_is_refused_before_validation() -> None:
    with pytest.raises(Refused) as refused:
        parse_within("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", Limits())

    assert refused.value.failure.code == "BAD_USER_INPUT"
    assert "spreads itself" in refused.value.failure.message
