"""Fields whose GraphQL name is a keyword of Python."""

from typing import Any


def named(graphql_name: str, field: Any) -> Any:
    """The declared field under another name: `from_: Tier = named("from", one(...))`."""
    field.graphql_name = graphql_name
    return field
