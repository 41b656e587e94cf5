"""What decides standings now: the shop's moment, the policy versions in force, and the rankings they read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from db.policy_canaries import read_group
from db.policy_store import in_force, read_versions
from db.ranking_store import Rankings
from domain.calendar import calendar_of
from domain.errors import SetupError
from domain.standings.compute_standings import Rules, make_rules
from domain.tiers.policy import TierPolicyVersion, VersionStatus
from domain.tiers.policy_store import CustomerIds

LIVE_STATE = """
SELECT live_as_of, time_zone,
       ARRAY(SELECT concat_ws(' ', status, version_id, share_event_id)
             FROM tier_policy_versions AS v LEFT JOIN tier_policy_canaries USING (version_id)
             WHERE status IN ('ACTIVE', 'CANARY', 'RETIRED') ORDER BY version_id) AS versions,
       (SELECT json_object_agg(version_id, day ORDER BY version_id) FROM (
          SELECT version_id, max(day) AS day FROM tier_rankings
          WHERE day <= ((coalesce($1, live_as_of) - INTERVAL '1 microsecond') AT TIME ZONE time_zone)::date
          GROUP BY version_id) AS latest)::text AS rankings
FROM shop
"""


@dataclass(frozen=True, slots=True)
class LiveState:
    """`as_of` is the moment that everything live is of."""

    as_of: datetime
    rules: Rules


def ended(
    versions: Mapping[int, tuple[int, TierPolicyVersion]],
) -> dict[int, tuple[int, TierPolicyVersion]]:
    """Of each policy that has none in force the version that was last: policy id -> (version id, version)."""
    alive = in_force(versions)
    return {
        policy_id: (version_id, version)
        for version_id, (policy_id, version) in versions.items()
        if version.status is VersionStatus.RETIRED and policy_id not in alive
    }


def ladders(versions: Mapping[int, tuple[int, TierPolicyVersion]]) -> dict[int, tuple[str, ...]]:
    """Codes from the lowest tier up, by version id."""
    return {
        version_id: tuple(tier.code for tier in version.rule.tiers)
        for version_id, (_, version) in versions.items()
    }


class RulesInForce:
    """Remembers the rules for as long as the same versions and rankings are in force."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Rules] = {}
        self._rankings = Rankings()

    async def read(self, connection: Any, as_of: datetime | None = None) -> LiveState:
        """`as_of`: of whose business day to take the rankings; None: of the live one.

        *Errors*: SetupError where there is no shop yet.
        """
        row = await connection.fetchrow(LIVE_STATE, as_of)
        if row is None:
            raise SetupError("This database holds no shop yet: run c360 migrate.")
        key = (row["time_zone"], row["rankings"], *row["versions"])
        rules = self._known.get(key)
        if rules is None:
            days = ranking_days(row["rankings"])
            versions = await self._rankings.bound(connection, await read_versions(connection), days)
            canaries = in_force(versions, VersionStatus.CANARY)
            rules = make_rules(
                in_force(versions),
                calendar_of(row["time_zone"]),
                ended=ended(versions),
                ladders=ladders(versions),
                canaries=canaries,
                groups=await read_groups(connection, canaries),
            )
            self._known = {key: rules}
        return LiveState(row["live_as_of"], rules)


async def read_groups(
    connection: Any, canaries: Mapping[int, tuple[int, TierPolicyVersion]]
) -> dict[int, CustomerIds]:
    """By version id those that have one. *Memory*: 8 bytes a customer of it."""
    return {
        version_id: await read_group(connection, version_id)
        for version_id, version in canaries.values()
        if version.canary_scope is not None and version.canary_scope.where is not None
    }


def ranking_days(text: str | None) -> dict[int, date]:
    """The days of the rankings in force, by version id."""
    return {int(key): date.fromisoformat(day) for key, day in json.loads(text or "{}").items()}
