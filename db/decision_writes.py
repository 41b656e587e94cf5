"""Writes decisions: the log, the standings that follow from it, and what is published of them."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.outbox import publish_lock_and_ids
from db.tier_lives import COLUMNS, NAMES, PROJECT_SOME, state_values
from domain.calendar import Calendar
from domain.standings.lives import Decision

Ids = NDArray[np.int64]

INSERT_OUTBOX = """
INSERT INTO outbox (event_id, kind, customer_id, payload)
SELECT event_id, 'TIER_CHANGED', customer_id, jsonb_build_object('policy', policy)
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS event (event_id, customer_id, policy)
"""
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
INSERT_TRANSITIONS = f"""
INSERT INTO tier_transitions ({", ".join(DECIDED)}, {NAMES})
SELECT {", ".join(READ_AS.get(name, name) for name in GIVEN)}
FROM unnest({", ".join(f"${place}::{kind}[]" for place, kind in enumerate(GIVEN.values(), 1))})
  AS decision ({", ".join(GIVEN)})
"""
WAKE_FEEDS = "SELECT pg_notify('c360_outbox', '')"


async def write_decisions(
    connection: Any, ids: Ids, decisions: Sequence[Decision], calendar: Calendar
) -> None:
    """`ids`: of the customers, by row. From here to the commit nobody else publishes."""
    if not decisions:
        return
    event_ids = await publish_lock_and_ids(connection, len(decisions))
    customers = [int(ids[decision.row]) for decision in decisions]
    codes = [decision.transition.policy_code for decision in decisions]
    await connection.execute(INSERT_OUTBOX, event_ids, customers, codes)
    rows = [
        (event_id, customer_id, *values_of(decision, calendar))
        for event_id, customer_id, decision in zip(event_ids, customers, decisions, strict=True)
    ]
    await connection.execute(INSERT_TRANSITIONS, *map(list, zip(*rows, strict=True)))
    await connection.execute(PROJECT_SOME, event_ids)
    await connection.execute(WAKE_FEEDS)


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
