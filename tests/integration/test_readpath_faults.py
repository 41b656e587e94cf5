"""The differential test is as good as what it notices: faults planted in the planner must be found."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from readpath_example.engine import Example, make_example
from readpath_example.rows import fill

from db.read_pool import ReadPool
from resolvers.readpath import builder, connections, execution, jsontext, operation, paging, planner
from resolvers.readpath.plan import SHAPE
from resolvers.readpath.sql import Sql

pytestmark = pytest.mark.slow
MOST_OPERATIONS = 500
STEP = 25


@pytest.fixture(scope="module")
async def reads(database_url: str) -> AsyncIterator[ReadPool]:
    await fill(database_url)
    pool = ReadPool(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def example(reads: ReadPool) -> Example:
    for name in ("customer360.readpath", "strawberry.execution"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return make_example(reads)


def page_one_too_long(patch: pytest.MonkeyPatch) -> None:
    def longer(builder: Any, rows: Any, size: Sql, asked: Any) -> Any:
        return original(builder, rows, Sql(f"({size.text} + 1)"), asked)

    original = connections.page_rows
    patch.setattr(connections, "page_rows", longer)


def skip_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(operation.Collection, "is_included", lambda *_: True)


def null_is_printed_empty(patch: pytest.MonkeyPatch) -> None:
    def or_empty(json: Any, if_null: str) -> Any:
        return original(json, '""' if if_null == "null" else if_null)

    original = jsontext.or_else
    patch.setattr(jsontext, "or_else", or_empty)


def filter_is_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connections, "filter_condition", lambda *_: None)


def first_of_the_graph_is_ignored(patch: pytest.MonkeyPatch) -> None:
    original = execution.numbered
    patch.setattr(execution, "numbered", lambda rows, _: original(rows, 100))


def keyset_includes_its_start(patch: pytest.MonkeyPatch) -> None:
    original = paging.sides_of

    def or_equal(*given: Any) -> Any:
        sides = original(*given)
        if sides.before is None:
            return sides
        first, row = sides.behind
        return paging.Sides([first, row.replace(" < (", " <= (").replace(" > (", " >= (")], sides.before)

    patch.setattr(connections, "sides_of", or_equal)


def role_is_missing_in_the_key(patch: pytest.MonkeyPatch) -> None:
    original = planner.Planner.plan_with

    def without_role(self: Any, prepared: Any, op: Any, inputs: Any, viewer_and_failed: Any) -> Any:
        for (owner, key), plan in self.documents.plans.kept.items():
            wanted = tuple(viewer_and_failed[1].items())
            if owner is prepared and key[2] == wanted and key[3] == inputs[SHAPE]:
                return plan
        return original(self, prepared, op, inputs, viewer_and_failed)

    patch.setattr(planner.Planner, "plan_with", without_role)


def row_scope_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(builder.StatementBuilder, "own_rows", lambda *_: [])


def order_is_reversed(patch: pytest.MonkeyPatch) -> None:
    def backwards(*given: Any) -> Any:
        found = original(*given)
        order = [
            " ".join([key, "ASC" if way == "DESC" else "DESC"]) for key, way in map(str.split, found.order)
        ]
        return replace(found, order=order)

    original = connections.page_rows
    patch.setattr(connections, "page_rows", backwards)


FAULTS = [
    page_one_too_long,
    skip_is_ignored,
    null_is_printed_empty,
    filter_is_dropped,
    first_of_the_graph_is_ignored,
    keyset_includes_its_start,
    role_is_missing_in_the_key,
    row_scope_is_forgotten,
    order_is_reversed,
]


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
async def test_a_planted_fault_is_noticed(
    example: Example, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    comparison = example.comparison()

    for step in range(1, MOST_OPERATIONS // STEP + 1):
        await comparison.run(step * STEP, seed=step)
        if comparison.disagreements:
            break

    assert comparison.disagreements != []
