"""The planner and the reference reader must agree on random valid operations, roles and broken stores."""

import logging
from collections.abc import AsyncIterator

import pytest
from readpath_example.engine import Example, make_example
from readpath_example.rows import fill

from db.read_pool import ReadPool


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


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_both_readers_agree_on_random_operations(example: Example, seed: int) -> None:
    comparison = example.comparison()

    await comparison.run(50, seed)

    assert comparison.disagreements == []
    assert example.fallbacks == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 105))
async def test_both_readers_agree_on_two_thousand_operations(example: Example, seed: int) -> None:
    comparison = example.comparison()

    await comparison.run(400, seed)

    assert comparison.disagreements == []
    assert example.fallbacks == []
