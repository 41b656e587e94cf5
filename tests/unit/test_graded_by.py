"""Who is graded by which version while canaries run: everybody by exactly one of each policy."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import calendar_of
from domain.standings.rules import Rules, make_rules
from domain.tiers.canary import CanaryScope, bucket, buckets_of
from domain.tiers.policy import VersionStatus
from domain.tiers.presets import PRESETS

IDS = st.lists(st.integers(1, 2**40), min_size=1, max_size=40, unique=True).map(sorted)
SHARES = st.integers(1, 9_999).map(lambda buckets: Decimal(buckets) / 10_000)
FIRST = {place: policy.versions[0] for place, policy in enumerate(PRESETS)}


@cache
def everywhere() -> Rules:
    """A canary of every policy."""
    halves = {
        place: replace(
            version, number=2, status=VersionStatus.CANARY, canary_scope=CanaryScope(share=Decimal("0.5"))
        )
        for place, version in FIRST.items()
    }
    return make_rules(
        {place: (place, version) for place, version in FIRST.items()},
        calendar_of("Asia/Shanghai"),
        canaries={place: (100 + place, version) for place, version in halves.items()},
    )


def rules(shares: dict[int, Decimal]) -> Rules:
    canaries = [one for one in everywhere().canaries if one.policy.policy_id in shares]
    sized = [replace(one, buckets=buckets_of(shares[one.policy.policy_id])) for one in canaries]
    return replace(everywhere(), canaries=tuple(sized))


@given(IDS, st.dictionaries(st.sampled_from(sorted(FIRST)), SHARES, max_size=3))
def test_everybody_is_graded_by_one_version_of_each_policy(
    ids: list[int], shares: dict[int, Decimal]
) -> None:
    in_force, customers = rules(shares), np.array(ids, np.int64)

    for policy in in_force.policies:
        arms = list(in_force.arms(policy, customers))
        assert (sum(graded.astype(int) for _, graded in arms) == 1).all()
        for version, graded in arms:
            is_canary = version.version.number == 2
            share = shares.get(policy.policy_id)
            inside = np.zeros(len(ids), np.bool_)
            if share is not None:
                inside = bucket(customers, policy.policy_id) < buckets_of(share)
            assert (graded == (inside if is_canary else ~inside)).all()


@given(IDS, st.dictionaries(st.sampled_from(sorted(FIRST)), SHARES, max_size=3))
def test_one_customer_is_told_the_same_as_many(ids: list[int], shares: dict[int, Decimal]) -> None:
    in_force = rules(shares)
    versions = in_force.versions_of(np.array(ids, np.int64))

    for place, customer_id in enumerate(ids):
        for policy in in_force.policies_of(customer_id):
            assert versions[place, policy.policy_id] == policy.version_byte
    assert (versions[:, len(FIRST) :] == 0).all()


@given(IDS, SHARES, SHARES)
def test_widening_moves_customers_into_the_canary_only(ids: list[int], one: Decimal, other: Decimal) -> None:
    narrow, wide = sorted((one, other))
    customers = np.array(ids, np.int64)

    before, after = (rules({0: share}).versions_of(customers)[:, 0] for share in (narrow, wide))

    assert (after >= before).all()


@given(IDS, st.lists(st.integers(1, 2**40), max_size=40), SHARES)
def test_of_a_group_lots_take_a_part_and_of_others_nobody(
    ids: list[int], others: list[int], share: Decimal
) -> None:
    """One customer is told the same as many."""
    group = np.array(sorted({*ids[::2], *others}), np.int64)
    canary = replace(everywhere().canaries[0], buckets=buckets_of(share), group=group)

    taken = canary.takes(np.array(ids, np.int64))

    inside = set(group.tolist())
    assert taken.tolist() == [one in inside and bucket(one, 0) < buckets_of(share) for one in ids]
    assert taken.tolist() == [canary.takes_one(one) for one in ids]


def test_without_a_group_that_was_found_nobody_is_taken() -> None:
    canary = replace(everywhere().canaries[0], group=np.zeros(0, np.int64))

    assert not canary.takes(np.arange(1, 1_000, dtype=np.int64)).any()
