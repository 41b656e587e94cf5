"""Raises alerts, each once for its kind, subject and period, and publishes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from db.outbox import publish_lock_and_ids
from domain.watching.alert import SEVERITY, AlertKind

RAISE = """
WITH raised AS (
  INSERT INTO alerts (alert_id, kind, severity, subject, period, policy_id, customer_id, version_id, rank,
                      observed, expected, as_of, raised_at)
  SELECT *, $12, $13
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::bigint[],
              $8::bigint[], $9::smallint[], $10::numeric[], $11::numeric[])
  ON CONFLICT (kind, subject, period) DO NOTHING
  RETURNING alert_id, kind, policy_id, customer_id
)
INSERT INTO outbox (event_id, kind, customer_id, payload)
SELECT alert_id, 'ALERT_RAISED', customer_id, jsonb_build_object('policy', code, 'alert', kind)
FROM raised JOIN tier_policies USING (policy_id)
"""
GIVEN = ("subject", "period", "policy_id", "customer_id", "version_id", "rank", "observed", "expected")
WAKE_FEEDS = "SELECT pg_notify('c360_outbox', '')"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAlert:
    """What is wrong, raised before in its period or not. `rank` None: it is about the whole policy."""

    kind: AlertKind
    subject: str
    period: str
    policy_id: int
    version_id: int
    rank: int | None
    customer_id: int | None = None
    observed: Decimal | None = None
    expected: Decimal | None = None


async def raise_alerts(
    connection: Any, found: Sequence[FoundAlert], *, as_of: datetime, raised_at: datetime
) -> None:
    """From here to the commit nobody else publishes."""
    if not found:
        return
    rows = zip(
        await publish_lock_and_ids(connection, len(found)),
        [one.kind.value for one in found],
        [SEVERITY[one.kind].value for one in found],
        *([getattr(one, name) for one in found] for name in GIVEN),
        strict=True,
    )
    await connection.execute(RAISE, *map(list, zip(*rows, strict=True)), as_of, raised_at)
    await connection.execute(WAKE_FEEDS)
