"""What decides standings: the versions in force and what they read, made once for every batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar
from domain.conditions.expression import Condition, Fact
from domain.customers.facts import CONDITION_INPUTS
from domain.labels.bits import LabelReading, read_labels
from domain.labels.rules import LABELS
from domain.labels.silence import SilenceReading, read_silence
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
    """By policy id, the number of the version in force, counted round from 1 to 255; 0: none is."""


def make_rules(
    versions: Mapping[int, tuple[int, TierPolicyVersion]],
    calendar: Calendar,
    *,
    ended: Mapping[int, tuple[int, TierPolicyVersion]] = MappingProxyType({}),
    ladders: Mapping[int, tuple[str, ...]] = MappingProxyType({}),
) -> Rules:
    """`versions`: policy id -> (version id, the version in force); `ended` likewise, the last one that was.

    *Cost*: some 10 ms, once per change of them."""
    policies = active_policies(versions)
    tests = [test for policy in policies for test in policy.reading.rank_tests]
    conditions = [label.condition for label in LABELS if label.condition is not None]
    return Rules(
        policies=policies,
        ended=active_policies(ended),
        ladders=ladders,
        labels=read_labels(LABELS),
        silence=read_silence([*tests, *conditions, *_alarms(policies)]),
        calendar=calendar,
        version_bytes=_version_bytes(policies),
    )


def _alarms(policies: Sequence[ActivePolicy]) -> list[Condition]:
    """A silence that calls for care is found on its very day."""
    limits = [policy.version.rule.timing.silence_alarm_days for policy in policies]
    return [NUMBERS[ORDERED_FACT] >= days for days in limits if days is not None]


def _version_bytes(policies: Sequence[ActivePolicy]) -> NDArray[np.uint8]:
    found = np.zeros(POLICY_SLOTS, np.uint8)
    for policy in policies:
        found[policy.policy_id] = (policy.version.number - 1) % 255 + 1
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
