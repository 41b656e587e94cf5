"""Everything in the schema says what it is."""

from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLInputObjectType, is_introspection_type, is_specified_scalar_type

from domain.customers.facts import FACTS
from resolvers.schema import schema


def described() -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument and value, with its description."""
    for name, type_ in schema._schema.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        yield name, type_.description
        if isinstance(type_, GraphQLEnumType):
            continue
        for field_name, field in getattr(type_, "fields", {}).items():
            yield f"{name}.{field_name}", field.description
            if not isinstance(type_, GraphQLInputObjectType):
                yield from (
                    (f"{name}.{field_name}({a}:)", made.description) for a, made in field.args.items()
                )


def test_everything_is_described() -> None:
    assert [place for place, words in described() if not words] == []


def test_descriptions_are_sentences() -> None:
    """They end like one, or with the rule they follow."""
    assert [place for place, words in described() if words and words.strip()[-1] not in ".]"] == []


def test_each_fact_names_its_unit() -> None:
    fields = schema._schema.type_map["Facts"].fields  # type: ignore[attr-defined]

    for fact in FACTS:
        if fact.unit and not fact.per_category:
            assert f"Unit: {fact.unit}." in fields[fact.graphql_name].description
