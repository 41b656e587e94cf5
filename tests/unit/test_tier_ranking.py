"""A place among everybody: ranks with ties averaged, top shares, and what settles ties at a cut (S4-3, S4-4)."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tier_cases import unhurried

from domain.tiers.ranking import FrozenRanking, Place, freeze
from domain.tiers.standing import Placing

columns = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=60
)
SHARES = {"TOP": Fraction(1, 20), "NEXT": Fraction(1, 4)}


def _frozen(rows: list[tuple[int, int, int]], ids: NDArray[Any] | None = None) -> FrozenRanking:
    orders, cents, moments = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    given_ids = np.arange(1, len(rows) + 1) if ids is None else ids
    return freeze([orders, cents], last_order_us=moments, customer_ids=given_ids, shares=SHARES, day=7)


@unhurried
@given(rows=columns)
def test_equals_share_the_mean_of_their_places(rows: list[tuple[int, int, int]]) -> None:
    orders, cents, _ = (list(column) for column in zip(*rows, strict=True))

    values = _frozen(rows).values([np.array(orders), np.array(cents)])

    for at, value in enumerate(values.tolist()):
        assert value == 2 * (_mean_place(orders, orders[at]) + _mean_place(cents, cents[at]))


def _mean_place(everybody: list[int], one: int) -> Fraction:
    places = [place for place, value in enumerate(sorted(everybody), start=1) if value == one]
    return Fraction(sum(places), len(places))


@unhurried
@given(rows=columns, new=st.tuples(st.integers(0, 12), st.integers(0, 40)))
def test_one_customer_ranks_as_among_many(rows: list[tuple[int, int, int]], new: tuple[int, int]) -> None:
    ranking = _frozen(rows)

    many = ranking.values([np.array([new[0]]), np.array([new[1]])])

    assert sum(ranking.ranks(new)) == many[0]


@unhurried
@given(rows=columns, orders=st.integers(0, 12), more=st.integers(1, 5))
def test_more_never_ranks_lower(rows: list[tuple[int, int, int]], orders: int, more: int) -> None:
    fact = _frozen(rows).facts[0]

    assert fact.doubled_rank(orders + more) >= fact.doubled_rank(orders)


@unhurried
@given(rows=columns)
def test_a_share_holds_as_many_as_it_says_and_ties_are_settled(rows: list[tuple[int, int, int]]) -> None:
    """The first floor(share * n) in the order of value, recency and lower id."""
    ranking = _frozen(rows)
    values = ranking.values([np.array([row[at] for row in rows]) for at in (0, 1)]).tolist()
    places = [Place(values[at], rows[at][2], -(at + 1)) for at in range(len(rows))]
    best_first = sorted(places, reverse=True)

    for tier, share in SHARES.items():
        cut = ranking.cuts.get(tier)
        inside = [place for place in places if cut is not None and place >= cut]
        assert sorted(inside, reverse=True) == best_first[: int(share * len(rows))]


@unhurried
@given(rows=columns, seed=st.integers(0, 2**31))
def test_the_order_of_reading_does_not_matter(rows: list[tuple[int, int, int]], seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(len(rows))

    mixed = _frozen([rows[at] for at in shuffled], ids=shuffled + 1)

    assert mixed.cuts == _frozen(rows).cuts


@pytest.mark.parametrize(("amounts", "score"), [((1, 1), 50), ((2, 2), 100), ((99, 99), 100)])
def test_scores_end_at_a_hundred(amounts: tuple[int, int], score: int) -> None:
    ranking = _frozen([(1, 1, 0), (2, 2, 0)])

    assert Placing(ranking.ranks(amounts), ranking.customers, frozenset(), ()).score == score


def test_nobody_can_be_ranked() -> None:
    nothing = np.zeros(0, np.int64)
    ranking = freeze([nothing], last_order_us=nothing, customer_ids=nothing, shares=SHARES, day=0)

    assert (ranking.customers, ranking.cuts) == (0, {})
    assert ranking.ranks([5]) == (1,)
    assert ranking.values([np.array([5])]).tolist() == [1]
