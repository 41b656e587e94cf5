"""Naming a thing by the id that a source gave it."""

from operator import eq

import strawberry
from sqlalchemy import ColumnElement, Subquery, Table, select

from db import tables as t
from resolvers.readpath.filter_inputs import by_column


@strawberry.input(description="An id that a source gave.")
class ExternalRefInput:
    source: str = by_column("source", eq, "Code of the source.")
    external_id: str = by_column("external_id", eq, "The id it gave.")


def refs_with_source(refs: Table, *keys: ColumnElement[int]) -> Subquery:
    """The ids that sources gave to the rows with these keys: what `ExternalRefInput` speaks about."""
    return (
        select(*keys, refs.c.external_id, t.sources.c.code.label("source"))
        .join(t.sources, t.sources.c.source_id == refs.c.source_id)
        .subquery(f"{refs.name}_with_source")
    )
