"""Whom a canary takes: the same customers each time, about as many as its share says, and by nothing else."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DomainError
from domain.tiers.canary import BUCKETS, CanaryScope, bucket, buckets_of

IDS = st.integers(1, 2**63 - 1)
POLICIES = st.integers(0, 7)
SHARES = st.integers(1, BUCKETS - 1).map(lambda buckets: Decimal(buckets) / BUCKETS)
MANY = np.arange(1, 200_001, dtype=np.int64)


def takes(customer_id: int, policy_id: int, share: Decimal) -> bool:
    return int(bucket(customer_id, policy_id)) < buckets_of(share)


@given(IDS, POLICIES, SHARES, SHARES)
def test_whoever_is_in_a_share_is_in_every_larger_one(
    customer_id: int, policy_id: int, one: Decimal, other: Decimal
) -> None:
    smaller, larger = sorted((one, other))

    assert takes(customer_id, policy_id, smaller) <= takes(customer_id, policy_id, larger)


@given(st.lists(IDS, min_size=1, max_size=50), POLICIES)
def test_the_bucket_of_a_customer_depends_on_nobody_else(customer_ids: list[int], policy_id: int) -> None:
    together = bucket(np.array(customer_ids, np.int64), policy_id)

    assert together.tolist() == [bucket(customer_id, policy_id) for customer_id in customer_ids]
    assert all(0 <= one < BUCKETS for one in together)


@pytest.mark.parametrize("policy_id", range(8))
@pytest.mark.parametrize("share", ["0.01", "0.05", "0.1", "0.5"])
def test_a_share_takes_about_as_many_as_it_says(policy_id: int, share: str) -> None:
    """Within three standard deviations of drawing lots."""
    wanted = float(share)
    expected, deviation = len(MANY) * wanted, (len(MANY) * wanted * (1 - wanted)) ** 0.5

    taken = int((bucket(MANY, policy_id) < buckets_of(Decimal(share))).sum())

    assert abs(taken - expected) < 3 * deviation


def test_ids_that_follow_each_other_are_not_taken_together() -> None:
    taken = bucket(MANY, 0) < BUCKETS // 10

    assert abs(np.corrcoef(taken[:-1], taken[1:])[0, 1]) < 0.01
    assert all(abs(taken[start::7].mean() - 0.1) < 0.01 for start in range(7))


def test_canaries_of_two_policies_take_customers_independently() -> None:
    taken = [bucket(MANY, policy_id) < BUCKETS // 10 for policy_id in range(8)]

    assert all(
        abs(np.corrcoef(one, other)[0, 1]) < 0.01 for one in taken for other in taken if one is not other
    )


def test_the_formula_is_never_changed() -> None:
    """Whoever is in a canary that runs would change sides."""
    assert [bucket(customer_id, 0) for customer_id in (1, 2, 746, 2**62)] == [5592, 3844, 4675, 5592]
    assert [bucket(1, policy_id) for policy_id in range(8)] == [5592, 795, 1418, 4940, 9985, 6312, 4822, 7556]


@pytest.mark.parametrize(
    ("share", "code"),
    [("0", "OUT_OF_RANGE"), ("1", "OUT_OF_RANGE"), ("-0.1", "OUT_OF_RANGE"), ("0.00001", "INVALID")],
)
def test_a_share_that_is_none_is_refused(share: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        buckets_of(Decimal(share))

    assert (refused.value.code.name, refused.value.field) == (code, ("scope", "share"))


def test_only_a_group_may_be_taken_whole() -> None:
    assert CanaryScope(share=Decimal(1), where="{}").buckets == BUCKETS
    assert (
        CanaryScope(share=Decimal("0.25"), where="{}").buckets == CanaryScope(share=Decimal("0.25")).buckets
    )
    with pytest.raises(DomainError):
        CanaryScope(share=Decimal(1)).buckets  # noqa: B018
