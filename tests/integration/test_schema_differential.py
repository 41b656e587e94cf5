"""Over a retailer's data, the planner and the reference reader agree on random operations of the real schema."""

import pytest
from retailer import Retailer
from retailer_operations import comparison_over

from domain.privacy.viewer import Role
from resolvers.readpath.check_declarations import check_declarations
from resolvers.schema import schema


def test_nothing_is_wrong_with_the_declarations() -> None:
    assert check_declarations(schema._schema) == []


@pytest.mark.parametrize(("seed", "roots"), [(1, None), (2, ["customer"])])
async def test_both_readers_agree_on_random_operations(
    retailer: Retailer, seed: int, roots: list[str] | None
) -> None:
    comparison = await comparison_over(retailer, roots)

    await comparison.run(55, seed)

    assert comparison.disagreements == []
    assert retailer.fallbacks == []


async def test_both_readers_agree_while_the_graph_is_away(retailer: Retailer) -> None:
    comparison = await comparison_over(retailer, ["customer", "customers"])
    comparison.prepare = lambda _: setattr(retailer.graph, "is_down", True)

    await comparison.run(40, seed=3)

    assert comparison.disagreements == []
    assert retailer.fallbacks == []
    assert comparison.seen["graph down"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
async def test_both_readers_agree_on_five_thousand_operations(retailer: Retailer, seed: int) -> None:
    """Every root field, every role, the graph up and down; the last seeds dwell on customers."""
    roots = ["customer", "customers"] if seed >= 116 else None
    comparison = await comparison_over(retailer, roots)

    await comparison.run(250, seed)

    assert comparison.disagreements == []
    assert retailer.fallbacks == []
    asked = {word.removeprefix("root ") for word in comparison.seen if word.startswith("root ")}
    assert asked >= (set(roots) if roots else set(schema._schema.query_type.fields))  # type: ignore[union-attr]
    assert {word for word in comparison.seen if word.startswith("role ")} == {
        f"role {role.name}" for role in Role
    }
