"""Tier policies and label definitions in the database: the presets are written once, an operator's own stay."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from domain.conditions.json_form import to_json
from domain.labels.rule import LabelDefinition
from domain.tiers.canary import CanaryScope
from domain.tiers.policy import Tier, TierPolicy, TierPolicyVersion, TierRule, VersionStatus
from domain.tiers.rule_json import rule_from_json, rule_to_json

INSERT_POLICY = """
INSERT INTO tier_policies (policy_id, code, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
INSERT_VERSION = """
INSERT INTO tier_policy_versions (policy_id, number, status, rule, effective_from) VALUES ($1, $2, $3, $4::jsonb, $5)
ON CONFLICT (policy_id, number) DO NOTHING RETURNING version_id
"""
INSERT_TIER = """
INSERT INTO tiers (version_id, rank, code, name, threshold, threshold_inclusive, target_share,
                   target_share_max, is_goal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
VERSIONS = """
SELECT version_id, v.policy_id, code, number, status, rule::text, effective_from, share, scope_where
FROM tier_policy_versions AS v JOIN tier_policies USING (policy_id) LEFT JOIN tier_policy_canaries USING (version_id)
ORDER BY effective_until NULLS FIRST, version_id
"""
WRITE_LABEL = """
INSERT INTO label_definitions (label_id, code, family, kind, words_zh, words_en, unit, window_days, refresh,
                               sensitivity, owner, rule, retired_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13)
ON CONFLICT (label_id) DO UPDATE SET words_zh = excluded.words_zh, words_en = excluded.words_en,
  rule = excluded.rule, retired_at = excluded.retired_at, window_days = excluded.window_days, unit = excluded.unit
"""


async def write_presets(connection: Any, policies: Sequence[TierPolicy]) -> None:
    """`policy_id` is the place in the sequence, which therefore only grows at its end."""
    for policy_id, policy in enumerate(policies):
        await connection.execute(INSERT_POLICY, policy_id, policy.code, policy.name.zh)
        for version in policy.versions:
            await write_version(connection, policy_id, version)


async def write_version(connection: Any, policy_id: int, version: TierPolicyVersion) -> None:
    rule = json.dumps(rule_to_json(version.rule), ensure_ascii=False)
    version_id = await connection.fetchval(
        INSERT_VERSION, policy_id, version.number, version.status.value, rule, version.effective_from
    )
    if version_id is not None:
        await connection.executemany(
            INSERT_TIER, [tier_row(version_id, version.rule, tier) for tier in version.rule.tiers]
        )


def tier_row(version_id: int, rule: TierRule, tier: Tier) -> tuple[Any, ...]:
    return (
        version_id,
        tier.rank,
        tier.code,
        tier.name.zh,
        tier.threshold,
        tier.threshold_inclusive,
        tier.target_share,
        tier.target_share_max,
        rule.is_goal(tier),
    )


async def read_versions(connection: Any) -> dict[int, tuple[int, TierPolicyVersion]]:
    """Every version by its id, with the id of its policy; what was in force comes in the order of its end."""
    return {
        row["version_id"]: (
            row["policy_id"],
            TierPolicyVersion(
                policy_code=row["code"],
                number=row["number"],
                status=VersionStatus(row["status"]),
                effective_from=row["effective_from"],
                rule=rule_from_json(json.loads(row["rule"])),
                canary_scope=running_scope(row),
            ),
        )
        for row in await connection.fetch(VERSIONS)
    }


def running_scope(row: Any) -> CanaryScope | None:
    """None of a version that does not run as a canary, also where it once did."""
    if row["status"] != VersionStatus.CANARY:
        return None
    return CanaryScope(share=row["share"], where=row["scope_where"])


def in_force(
    versions: Mapping[int, tuple[int, TierPolicyVersion]], status: VersionStatus = VersionStatus.ACTIVE
) -> dict[int, tuple[int, TierPolicyVersion]]:
    """The version of each policy that has this status, one at most: policy id -> (version id, version)."""
    return {
        policy_id: (version_id, version)
        for version_id, (policy_id, version) in versions.items()
        if version.status is status
    }


async def write_labels(
    connection: Any, labels: Sequence[LabelDefinition], category_names: Mapping[int, str]
) -> None:
    """Run again when categories were added: some labels are named after them."""
    await connection.executemany(WRITE_LABEL, [label_row(label, category_names) for label in labels])


def label_row(label: LabelDefinition, category_names: Mapping[int, str]) -> tuple[Any, ...]:
    words = label.worded(category_names)
    rule = None if label.condition is None else json.dumps(to_json(label.condition), ensure_ascii=False)
    return (
        label.bit,
        label.code,
        label.family,
        label.kind.value,
        words.zh,
        words.en,
        label.unit,
        label.window_days,
        label.refresh.value,
        label.sensitivity.value,
        label.owner,
        rule,
        label.retired_at,
    )
