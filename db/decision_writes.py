"""Writes decisions: the log, the standings that follow from it, and what is published of them."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.outbox import publish_lock_and_ids
from db.tier_lives import COLUMNS, NAMES, PROJECT, state_values
from domain.calendar import Calendar
from domain.standings.lives import Decision

Ids = NDArray[np.int64]

DECIDED = {
    "transition_id": "bigint",
    "customer_id": "bigint",
    "policy_id": "smallint",
    "version_id": "bigint",
    "kind": "text",
    "from_rank": "smallint",
    "to_rank": "smallint",
    "reason": "text",
    "score": "text",
    "evidence": "text",
    "as_of": "timestamptz",
    "decided_at": "timestamptz",
    "effective_at": "timestamptz",
    "since": "timestamptz",
    "actor": "text",
}
GIVEN = DECIDED | COLUMNS
READ_AS = {
    "from_rank": "nullif(from_rank, 0)",
    "to_rank": "nullif(to_rank, 0)",
    "score": "score::numeric",
    "evidence": "evidence::json",
}
WAKE_FEEDS = "SELECT pg_notify('c360_outbox', '')"
WRITE = f"""
WITH decided AS (
  INSERT INTO tier_transitions ({", ".join(DECIDED)}, {NAMES})
  SELECT {", ".join(READ_AS.get(name, name) for name in GIVEN)}
  FROM unnest({", ".join(f"${place}::{kind}[]" for place, kind in enumerate(GIVEN.values(), 1))})
    AS decision ({", ".join(GIVEN)})
  RETURNING *
), told AS (
  INSERT INTO outbox (event_id, kind, customer_id, payload)
  SELECT transition_id, 'TIER_CHANGED', customer_id, jsonb_build_object('policy', code)
  FROM decided JOIN tier_policies USING (policy_id)
), stood AS (
  {PROJECT.format(decisions="decided")}
)
{WAKE_FEEDS}
"""
"""All in one: for a batch of a few decisions, statements cost more than their rows."""


async def write_decisions(
    connection: Any, ids: Ids, decisions: Sequence[Decision], calendar: Calendar
) -> None:
    """`ids`: of the customers, by row. From here to the commit nobody else publishes."""
    if not decisions:
        return
    event_ids = await publish_lock_and_ids(connection, len(decisions))
    customers = [int(ids[decision.row]) for decision in decisions]
    rows = [
        (event_id, customer_id, *values_of(decision, calendar))
        for event_id, customer_id, decision in zip(event_ids, customers, decisions, strict=True)
    ]
    await connection.execute(WRITE, *map(list, zip(*rows, strict=True)))


def values_of(decision: Decision, calendar: Calendar) -> tuple[Any, ...]:
    made, change = decision.transition, decision.transition.change
    return (
        decision.policy.policy_id,
        decision.policy.version_id,
        change.kind.value,
        change.from_rank,
        change.to_rank,
        change.reason.value,
        made.evidence["score"],
        json.dumps(made.evidence, ensure_ascii=False),
        made.as_of,
        made.decided_at,
        made.effective_at,
        decision.since,
        made.actor,
        *state_values(
            change.state, measured_rank=made.raw_rank, base_since=decision.base_since, calendar=calendar
        ),
    )
