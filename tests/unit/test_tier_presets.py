"""Every shipped policy comes out as its own examples say."""

from fractions import Fraction

import pytest

from domain.tiers.evaluation import read_rule
from domain.tiers.policy import TierExample, TierRule
from domain.tiers.presets import PRESETS
from domain.tiers.standing import stand

EXAMPLES = [
    pytest.param(version.rule, example, id=f"{policy.code} {example.tier} {example.score}")
    for policy in PRESETS
    for version in policy.versions
    for example in policy.examples
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_worked_example_comes_out_to_the_digit(rule: TierRule, example: TierExample) -> None:
    standing = stand(rule, example.facts)

    assert (standing.tier.code if standing.tier else None) == example.tier
    assert standing.score == example.score
    assert tuple(part.points for part in standing.parts) == tuple(map(Fraction, example.points))
    assert standing.never_ordered is example.never_ordered


def test_every_rule_reads_facts_of_the_catalogue() -> None:
    for policy in PRESETS:
        for version in policy.versions:
            assert len(read_rule(version.rule).rank_tests) == len(version.rule.tiers)
