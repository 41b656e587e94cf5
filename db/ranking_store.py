"""Rankings frozen by the night: kept for a while, read by every review, remembered by each process for its day."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from domain.tiers.policy import TierPolicyVersion
from domain.tiers.ranking import FrozenRanking, Place, RankedFact

KEPT_DAYS = 35
"""So long one can look back at who stood where; a day of a million customers takes some 3 MB."""
EPOCH = date(1970, 1, 1)

WRITE = """
INSERT INTO tier_rankings (version_id, day, customers, cuts, distribution) VALUES ($1, $2, $3, $4::jsonb, $5)
ON CONFLICT (version_id, day) DO UPDATE SET customers = excluded.customers, cuts = excluded.cuts,
  distribution = excluded.distribution, frozen_at = excluded.frozen_at
"""
DROP_OLD = "DELETE FROM tier_rankings WHERE version_id = $1 AND day <= $2"
READ = """
SELECT customers, cuts::text, distribution FROM tier_rankings WHERE version_id = $1 AND day = $2
"""
LIVE_DAYS = """
SELECT version_id, max(day) AS day FROM tier_rankings, shop
WHERE day < (live_as_of AT TIME ZONE time_zone)::date GROUP BY version_id
"""

Version = tuple[int, TierPolicyVersion]
Versions = Mapping[int, Version]
"""With the id of its policy, by version id."""
Days = Mapping[int, date]
"""The day of the ranking in force, by version id."""


class Rankings:
    """What was read of them; each is immutable, and only the newest asked for of a version is remembered."""

    def __init__(self) -> None:
        self._known: dict[int, FrozenRanking] = {}

    async def bound(self, connection: Any, versions: Versions, days: Days) -> dict[int, Version]:
        """The versions with their rules bound to the rankings of those days."""
        found = {}
        for version_id, (policy_id, version) in versions.items():
            frozen = (
                await self._read(connection, version_id, days[version_id]) if version_id in days else None
            )
            found[version_id] = (policy_id, replace(version, rule=version.rule.with_ranking(frozen)))
        return found

    async def _read(self, connection: Any, version_id: int, day: date) -> FrozenRanking:
        known = self._known.get(version_id)
        if known is None or known.day != (day - EPOCH).days:
            known = self._known[version_id] = await read_ranking(connection, version_id, day)
        return known


async def live_days(connection: Any) -> Days:
    """Of the rankings that hold at the live moment."""
    return {row["version_id"]: row["day"] for row in await connection.fetch(LIVE_DAYS)}


async def read_ranking(connection: Any, version_id: int, day: date) -> FrozenRanking:
    row = await connection.fetchrow(READ, version_id, day)
    cuts = {tier: Place(*place) for tier, place in json.loads(row["cuts"]).items()}
    facts = unpacked(row["distribution"])
    return FrozenRanking((day - EPOCH).days, row["customers"], facts, cuts)


async def write_ranking(connection: Any, version_id: int, ranking: FrozenRanking) -> None:
    """Drops what is too old, too."""
    day = EPOCH + timedelta(days=ranking.day)
    cuts = {tier: (cut.value, cut.newest_first, cut.lowest_id) for tier, cut in ranking.cuts.items()}
    distribution = packed(ranking.facts)
    await connection.execute(WRITE, version_id, day, ranking.customers, json.dumps(cuts), distribution)
    await connection.execute(DROP_OLD, version_id, day - timedelta(days=KEPT_DAYS))


def packed(facts: tuple[RankedFact, ...]) -> bytes:
    """Steps instead of values: small numbers, which compress to a few bytes each."""
    parts = [np.array([len(facts), *(len(fact.values) for fact in facts)], np.int64)]
    for fact in facts:
        parts += [np.diff(fact.values, prepend=0), np.diff(fact.upto, prepend=0)]
    return zlib.compress(np.concatenate(parts).astype("<i8").tobytes(), level=1)


def unpacked(distribution: bytes) -> tuple[RankedFact, ...]:
    numbers = np.frombuffer(zlib.decompress(distribution), "<i8").astype(np.int64)
    count = int(numbers[0])
    at, facts = 1 + count, []
    for length in numbers[1:at].tolist():
        values, upto = (np.cumsum(numbers[at + shift : at + shift + length]) for shift in (0, length))
        facts.append(RankedFact(values, upto))
        at += 2 * length
    return tuple(facts)
