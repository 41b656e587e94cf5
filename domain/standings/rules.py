"""What decides standings: the versions in force and what they read, made once for every batch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar
from domain.conditions.expression import Condition, Fact
from domain.conditions.numpy_reader import Booleans
from domain.customers.facts import CONDITION_INPUTS
from domain.labels.bits import LabelReading, read_labels
from domain.labels.rules import LABELS
from domain.labels.silence import SilenceReading, read_silence
from domain.tiers.canary import bucket
from domain.tiers.evaluation import RuleReading, read_rule
from domain.tiers.evidence import evidence_facts
from domain.tiers.policy import TierPolicyVersion
from domain.tiers.standing import ORDERED_FACT

POLICY_SLOTS = 8
"""Ranks of up to eight policies are packed into one integer of the standing row."""

NUMBERS: dict[str, Fact] = {
    name: found for name, found in CONDITION_INPUTS.items() if isinstance(found, Fact)
}


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """A version in force, with its stored ids; `fact_names`: what it reads, `evidence_facts`: what its decisions
    record of it."""

    policy_id: int
    version_id: int
    version: TierPolicyVersion
    reading: RuleReading
    fact_names: tuple[str, ...]
    evidence_facts: tuple[str, ...]

    @property
    def version_byte(self) -> int:
        """The number of the version, counted round from 1 to 255."""
        return (self.version.number - 1) % 255 + 1


@dataclass(frozen=True, slots=True, eq=False)
class RunningCanary:
    """A version that grades some customers, while the policy's other version grades the rest."""

    policy: ActivePolicy
    buckets: int
    silence: SilenceReading
    """Of this version, beside that of all who are not in the canary."""
    group: NDArray[np.int64] | None = None
    """The ids, ascending, that the buckets are of; null: of everybody."""

    def takes(self, customer_ids: NDArray[np.int64]) -> Booleans:
        found: Booleans = bucket(customer_ids, self.policy.policy_id) < self.buckets
        return found if self.group is None else found & is_among(self.group, customer_ids)

    def takes_one(self, customer_id: int) -> bool:
        return bool(self.takes(np.array([customer_id], np.int64))[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """All that decides standings; made once, read for every batch."""

    policies: tuple[ActivePolicy, ...]
    ended: tuple[ActivePolicy, ...]
    """The last versions of policies of which none is in force any more: whoever holds a tier there leaves it."""
    ladders: Mapping[int, tuple[str, ...]]
    """Codes from the lowest tier up, by version id: what the ranks of older decisions mean."""
    labels: LabelReading
    silence: SilenceReading
    calendar: Calendar

    version_bytes: NDArray[np.uint8]
    """By policy id, the byte of the version in force; 0: none is."""
    canaries: tuple[RunningCanary, ...] = ()

    def arms(
        self, policy: ActivePolicy, customer_ids: NDArray[np.int64]
    ) -> Iterator[tuple[ActivePolicy, Booleans]]:
        """The versions of a policy that is in force, each with whom of these customers it grades; none of nobody."""
        rest = np.ones(len(customer_ids), np.bool_)
        for canary in self.canaries:
            if canary.policy.policy_id == policy.policy_id:
                taken = canary.takes(customer_ids)
                rest = ~taken
                if taken.any():
                    yield canary.policy, taken
        if rest.any():
            yield policy, rest

    def all_arms(self, customer_ids: NDArray[np.int64]) -> Iterator[tuple[ActivePolicy, Booleans]]:
        """Likewise, of every policy."""
        for policy in self.policies:
            yield from self.arms(policy, customer_ids)

    def versions_of(self, customer_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """By customer and policy id, the byte of the version that grades them."""
        found = np.broadcast_to(self.version_bytes, (len(customer_ids), POLICY_SLOTS))
        for canary in self.canaries:
            found = found.copy()
            found[canary.takes(customer_ids), canary.policy.policy_id] = canary.policy.version_byte
        return found

    def policies_of(self, customer_id: int) -> tuple[ActivePolicy, ...]:
        """What grades one customer."""
        if not self.canaries:
            return self.policies
        own = {one.policy.policy_id: one.policy for one in self.canaries if one.takes_one(customer_id)}
        return tuple(own.get(policy.policy_id, policy) for policy in self.policies)


def make_rules(
    versions: Mapping[int, tuple[int, TierPolicyVersion]],
    calendar: Calendar,
    *,
    ended: Mapping[int, tuple[int, TierPolicyVersion]] = MappingProxyType({}),
    ladders: Mapping[int, tuple[str, ...]] = MappingProxyType({}),
    canaries: Mapping[int, tuple[int, TierPolicyVersion]] = MappingProxyType({}),
    groups: Mapping[int, NDArray[np.int64]] = MappingProxyType({}),
) -> Rules:
    """`versions`: policy id -> (version id, the version in force); `ended` likewise, the last one that was, and
    `canaries`, versions with a scope. `groups`: by version id the group of a canary that has one.

    *Cost*: some 10 ms, once per change of them."""
    policies = active_policies(versions)
    conditions = [label.condition for label in LABELS if label.condition is not None]
    return Rules(
        policies=policies,
        ended=active_policies(ended),
        ladders=ladders,
        labels=read_labels(LABELS),
        silence=read_silence([*_silences(policies), *conditions]),
        calendar=calendar,
        version_bytes=_version_bytes(policies),
        canaries=tuple(
            _running_canary(canary, groups.get(canary.version_id)) for canary in active_policies(canaries)
        ),
    )


def _running_canary(policy: ActivePolicy, group: NDArray[np.int64] | None) -> RunningCanary:
    scope = policy.version.canary_scope
    assert scope is not None, "a version runs as a canary on a scope"
    assert (scope.where is None) is (group is None), "a group is what a filter found"
    return RunningCanary(policy, scope.buckets, read_silence(_silences([policy])), group)


def is_among(group: NDArray[np.int64], customer_ids: NDArray[np.int64]) -> Booleans:
    """Which of these are in a group, whose ids ascend. *Cost*: the logarithm of the group, for each."""
    if not len(group):
        return np.zeros(len(customer_ids), np.bool_)
    places = np.minimum(np.searchsorted(group, customer_ids), len(group) - 1)
    found: Booleans = group[places] == customer_ids
    return found


def _silences(policies: Sequence[ActivePolicy]) -> list[Condition]:
    """What an age decides; a silence that calls for care is found on its very day, too."""
    limits = [policy.version.rule.timing.silence_alarm_days for policy in policies]
    alarms = [NUMBERS[ORDERED_FACT] >= days for days in limits if days is not None]
    return [*(test for policy in policies for test in policy.reading.rank_tests), *alarms]


def _version_bytes(policies: Sequence[ActivePolicy]) -> NDArray[np.uint8]:
    found = np.zeros(POLICY_SLOTS, np.uint8)
    for policy in policies:
        found[policy.policy_id] = policy.version_byte
    return found


def active_policies(versions: Mapping[int, tuple[int, TierPolicyVersion]]) -> tuple[ActivePolicy, ...]:
    return tuple(
        active_policy(policy_id, version_id, version)
        for policy_id, (version_id, version) in sorted(versions.items())
    )


def active_policy(policy_id: int, version_id: int, version: TierPolicyVersion) -> ActivePolicy:
    rule = version.rule
    return ActivePolicy(
        policy_id=policy_id,
        version_id=version_id,
        version=version,
        reading=read_rule(rule, NUMBERS),
        fact_names=tuple(dict.fromkeys((*rule.fact_names(), ORDERED_FACT))),
        evidence_facts=evidence_facts(rule),
    )
