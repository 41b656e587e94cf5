"""Writes signals that were not raised before in their period, with the alerts of some, and publishes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.alert_writes import FoundAlert, raise_alerts
from db.outbox import publish_lock_and_ids
from domain.tiers.signal import TierSignal
from domain.watching.alert import OF_SIGNAL

NOT_RAISED = """
SELECT place FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[])
  WITH ORDINALITY AS found (customer_id, policy_id, kind, period, place)
WHERE NOT EXISTS (
  SELECT FROM tier_signals AS raised WHERE raised.customer_id = found.customer_id
    AND raised.policy_id = found.policy_id AND raised.kind = found.kind AND raised.period = found.period
)
"""
PUBLISH = """
INSERT INTO outbox (event_id, kind, customer_id, payload)
SELECT event_id, 'TIER_SIGNAL', customer_id, jsonb_build_object('policy', policy, 'signal', kind)
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS event (event_id, customer_id, policy, kind)
"""
INSERT = """
INSERT INTO tier_signals (signal_id, customer_id, policy_id, kind, period, rank, as_of, raised_at)
SELECT *, $7, $8 FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::smallint[])
"""


async def write_signals(
    connection: Any,
    ids: NDArray[np.int64],
    signals: Sequence[TierSignal],
    *,
    as_of: datetime,
    raised_at: datetime,
) -> None:
    """The customers are held by this transaction, so nobody else raises the same meanwhile."""
    signals = await _not_raised(connection, ids, signals)
    if not signals:
        return
    event_ids = await publish_lock_and_ids(connection, len(signals))
    customers = [int(ids[one.row]) for one in signals]
    kinds = [one.kind.value for one in signals]
    await connection.execute(PUBLISH, event_ids, customers, [one.policy_code for one in signals], kinds)
    policies, ranks = [one.policy_id for one in signals], [one.rank for one in signals]
    periods = [one.period for one in signals]
    await connection.execute(INSERT, event_ids, customers, policies, kinds, periods, ranks, as_of, raised_at)
    await raise_alerts(connection, _alerts(ids, signals), as_of=as_of, raised_at=raised_at)
    await connection.execute("SELECT pg_notify('c360_outbox', '')")


def _alerts(ids: NDArray[np.int64], signals: Sequence[TierSignal]) -> list[FoundAlert]:
    return [
        FoundAlert(
            kind=OF_SIGNAL[one.kind],
            subject=f"{one.policy_code}/cus_{ids[one.row]}",
            period=one.period,
            policy_id=one.policy_id,
            version_id=one.version_id,
            rank=one.rank,
            customer_id=int(ids[one.row]),
        )
        for one in signals
        if one.kind in OF_SIGNAL
    ]


async def _not_raised(
    connection: Any, ids: NDArray[np.int64], signals: Sequence[TierSignal]
) -> list[TierSignal]:
    """Each once, also where a batch finds it twice."""
    once = list({(one.row, one.policy_id, one.kind, one.period): one for one in signals}.values())
    if not once:
        return []
    rows = await connection.fetch(
        NOT_RAISED,
        [int(ids[one.row]) for one in once],
        [one.policy_id for one in once],
        [one.kind.value for one in once],
        [one.period for one in once],
    )
    return [once[row["place"] - 1] for row in rows]
