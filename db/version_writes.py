"""Says in the readable standings which version grades each customer, also where it decided nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.standings.changes import StandingChanges
from domain.standings.rules import Rules

REGRADE = """
UPDATE tier_standings SET version_id = $3
WHERE customer_id = ANY($1::bigint[]) AND policy_id = $2 AND version_id <> $3
"""


async def write_versions(
    connection: Any, ids: NDArray[np.int64], changes: StandingChanges, rules: Rules
) -> None:
    """*Cost*: nothing where no version changed."""
    versions = changes.standings.versions
    for policy in (*rules.policies, *(canary.policy for canary in rules.canaries)):
        at = policy.policy_id
        regraded = ids[changes.regraded[:, at] & (versions[:, at] == policy.version_byte)]
        if len(regraded):
            await connection.execute(REGRADE, regraded.tolist(), at, policy.version_id)
