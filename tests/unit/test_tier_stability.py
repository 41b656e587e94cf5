"""The population stability index: nought where nothing moved, the same both ways, finite with empty tiers (S4-15)."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.tiers.stability import stability_index

COUNTS = st.dictionaries(st.sampled_from(["GOLD", "SILVER", "BRONZE"]), st.integers(0, 10_000), max_size=3)


def test_a_tenth_that_moves_up_shows_by_the_formula() -> None:
    """0.1 x ln(0.3 / 0.2) - 0.1 x ln(0.7 / 0.8) = 0.0405465 + 0.0133531."""
    assert stability_index({"GOLD": 30, "BRONZE": 70}, {"GOLD": 20, "BRONZE": 80}) == Decimal("0.053900")


def test_an_empty_tier_counts_as_one_in_ten_thousand() -> None:
    """0.0999 x ln(0.1 / 0.0001) + 0.1 x ln(1 / 0.9)."""
    assert stability_index({"GOLD": 1, "BRONZE": 9}, {"BRONZE": 10}) == Decimal("0.700621")


@given(COUNTS, COUNTS)
def test_it_is_nought_without_a_move_never_less_and_the_same_both_ways(
    one: dict[str, int], other: dict[str, int]
) -> None:
    found = stability_index(one, other)

    assert found == stability_index(other, one)
    assert (found is None) == (not sum(one.values()) or not sum(other.values()))
    assert found is None or found >= 0
    assert stability_index(one, one) in (None, 0)


@given(COUNTS, st.integers(1, 100))
def test_only_shares_matter(counts: dict[str, int], factor: int) -> None:
    grown = {tier: customers * factor for tier, customers in counts.items()}

    assert stability_index(grown, counts) in (None, 0)
