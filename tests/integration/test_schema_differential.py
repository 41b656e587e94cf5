"""Over a retailer's data, the planner and the reference reader agree on random operations of the real schema."""

import pytest
from retailer import Retailer
from retailer_operations import comparison_over

from resolvers.readpath.check_declarations import check_declarations
from resolvers.schema import schema


def test_nothing_is_wrong_with_the_declarations() -> None:
    assert check_declarations(schema._schema) == []


@pytest.mark.parametrize(("seed", "roots"), [(1, None), (2, ["customer"])])
async def test_both_readers_agree_on_random_operations(
    retailer: Retailer, seed: int, roots: list[str] | None
) -> None:
    comparison = await comparison_over(retailer, roots)

    await comparison.run(35, seed)

    assert comparison.disagreements == []
    assert retailer.fallbacks == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "roots", "count"),
    [(100, None, 300), (101, None, 300), (102, None, 300), (103, ["customer", "customers"], 150)],
)
async def test_both_readers_agree_on_a_thousand_operations(
    retailer: Retailer, seed: int, roots: list[str] | None, count: int
) -> None:
    comparison = await comparison_over(retailer, roots)

    await comparison.run(count, seed)

    assert comparison.disagreements == []
    assert retailer.fallbacks == []
