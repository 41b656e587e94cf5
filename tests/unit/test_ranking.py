"""What is offered, in which order, and why."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recommendations.ranking import (
    BoughtTogether,
    Candidates,
    OwnPurchase,
    Reason,
    ReasonKind,
    Recommendation,
    SimilarCustomers,
    is_due,
    rank,
)

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def own(product_id: int, *, orders: int, first_days_ago: float, last_days_ago: float) -> OwnPurchase:
    ago = [AS_OF - timedelta(days=days) for days in (first_days_ago, last_days_ago)]
    return OwnPurchase(product_id, orders, *ago)


def test_an_own_favourite_due_again_comes_before_discoveries_with_all_reasons() -> None:
    candidates = Candidates(
        own=[
            own(1, orders=5, first_days_ago=36, last_days_ago=8),
            own(2, orders=1, first_days_ago=3, last_days_ago=3),
        ],
        similar=[SimilarCustomers(3, score=10, peers=4), SimilarCustomers(4, score=5, peers=1)],
        together=[BoughtTogether(4, because_id=1, score=600, buyers=12), BoughtTogether(4, 2, 500, 20)],
    )

    ranked = rank(candidates, as_of=AS_OF, first=10)

    assert ranked == [
        Recommendation(
            1,
            rank=1,
            score=1300,
            reasons=(
                Reason(ReasonKind.OWN_FAVOURITE, "Bought in 5 orders, last 8 days ago.", 5),
                Reason(ReasonKind.DUE_AGAIN, "Usually bought every 7 days, last 8 days ago.", 8),
            ),
        ),
        Recommendation(
            4,
            rank=2,
            score=450,
            reasons=(
                Reason(
                    ReasonKind.BOUGHT_TOGETHER, "Bought by 12 buyers of an own favourite.", 12, because_id=1
                ),
                Reason(ReasonKind.SIMILAR_CUSTOMERS, "Bought by 1 customer who buy alike.", 1),
            ),
        ),
        Recommendation(
            3, 3, 300, (Reason(ReasonKind.SIMILAR_CUSTOMERS, "Bought by 4 customers who buy alike.", 4),)
        ),
    ]


def test_half_of_a_favourite_fades_in_60_days() -> None:
    fresh = own(1, orders=4, first_days_ago=0, last_days_ago=0)
    faded = own(2, orders=4, first_days_ago=60, last_days_ago=60)

    ranked = rank(Candidates(own=[faded, fresh]), as_of=AS_OF, first=2)

    assert [(one.product_id, one.score) for one in ranked] == [(1, 1000), (2, 500)]


@pytest.mark.parametrize(
    ("words", "last_days_ago", "expected"),
    [
        ("just bought", 0, False),
        ("a little early", 7.9, False),
        ("from 0.8 intervals", 8, True),
        ("on the day", 10, True),
        ("until three intervals", 30, True),
        ("given up", 30.1, False),
    ],
)
def test_a_product_is_due_about_its_usual_interval(words: str, last_days_ago: float, expected: bool) -> None:
    purchase = own(1, orders=4, first_days_ago=last_days_ago + 30, last_days_ago=last_days_ago)

    assert is_due(purchase, as_of=AS_OF) is expected, words


def test_two_orders_make_no_rhythm() -> None:
    assert not is_due(own(1, orders=2, first_days_ago=20, last_days_ago=10), as_of=AS_OF)


def test_many_orders_in_one_moment_make_no_rhythm() -> None:
    assert not is_due(own(1, orders=3, first_days_ago=10, last_days_ago=10), as_of=AS_OF)


def test_nothing_known_means_nothing_offered() -> None:
    assert rank(Candidates(), as_of=AS_OF, first=10) == []


PRODUCTS = st.integers(1, 12)
COUNTS = st.integers(0, 50)
DAYS = st.integers(-5, 400)


@given(
    owned=st.lists(st.tuples(PRODUCTS, COUNTS, DAYS, DAYS), max_size=12, unique_by=lambda one: one[0]),
    alike=st.lists(st.tuples(PRODUCTS, COUNTS, COUNTS), max_size=12, unique_by=lambda one: one[0]),
    linked=st.lists(
        st.tuples(PRODUCTS, PRODUCTS, COUNTS, COUNTS), max_size=12, unique_by=lambda one: one[:2]
    ),
    first=st.integers(1, 6),
    shuffle=st.randoms(),
)
def test_the_list_is_bounded_unique_ranked_and_free_of_the_input_order(
    owned: list[tuple[int, int, int, int]],
    alike: list[tuple[int, int, int]],
    linked: list[tuple[int, int, int, int]],
    first: int,
    shuffle: object,
) -> None:
    candidates = Candidates(
        own=[own(p, orders=n, first_days_ago=max(a, b), last_days_ago=min(a, b)) for p, n, a, b in owned],
        similar=[SimilarCustomers(*one) for one in alike],
        together=[BoughtTogether(*one) for one in linked],
    )
    shuffled = Candidates(
        *(mixed(part, shuffle) for part in (candidates.own, candidates.similar, candidates.together))
    )

    ranked = rank(candidates, as_of=AS_OF, first=first)

    assert rank(shuffled, as_of=AS_OF, first=first) == ranked
    assert [one.rank for one in ranked] == list(range(1, len(ranked) + 1))
    assert len(ranked) <= first
    assert len({one.product_id for one in ranked}) == len(ranked)
    assert all(a.score >= b.score for a, b in itertools.pairwise(ranked))
    for one in ranked:
        assert one.reasons
        assert len({reason.kind for reason in one.reasons}) == len(one.reasons)


def mixed(part: object, shuffle: object) -> list[object]:
    result = list(part)  # type: ignore[call-overload]
    shuffle.shuffle(result)  # type: ignore[attr-defined]
    return result
