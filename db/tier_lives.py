"""States of standings in rows and back. Moments in the database end the days that the state machine counts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from db.binary_copy import Array, WireColumn, read_columns
from domain.calendar import Calendar, microseconds
from domain.standings.stored import StoredLife
from domain.tiers.life_days import date_of, day_of
from domain.tiers.life_state import Override, OverrideKind, Pending, RunningTrial, StandingState

COLUMNS = {
    "measured_rank": "smallint",
    "base_rank": "smallint",
    "before_rank": "smallint",
    "base_on": "date",
    "base_since": "timestamptz",
    "joined_on": "date",
    "valid_until": "timestamptz",
    "pending_rank": "smallint",
    "pending_reviews": "smallint",
    "pending_since": "timestamptz",
    "falls": "smallint",
    "trial_rank": "smallint",
    "trial_started_on": "date",
    "trial_until": "timestamptz",
    "override_rank": "smallint",
    "override_started_on": "date",
    "override_until": "timestamptz",
    "override_kind": "text",
    "override_reason": "text",
    "override_actor": "text",
}
"""Of the state, in `tier_transitions` as in `tier_standings`."""
NAMES = ", ".join(COLUMNS)
FIND = f"""
SELECT customer_id, policy_id, version_id, since, {NAMES} FROM tier_standings
WHERE customer_id = ANY($1::bigint[])
"""
FIND_SOME = f"""
SELECT customer_id, policy_id, version_id, since, {NAMES}
FROM unnest($1::bigint[], $2::smallint[]) AS wanted (customer_id, policy_id)
JOIN tier_standings USING (customer_id, policy_id)
"""
HELD = """
SELECT customer_id, policy_id, version_id, base_rank, before_rank, base_since,
  valid_until IS NOT NULL, coalesce(valid_until, timestamptz 'epoch'),
  trial_until IS NOT NULL OR override_until IS NOT NULL, pending_since IS NOT NULL
FROM tier_standings WHERE customer_id = ANY('{{{customer_ids}}}'::bigint[])
"""
HELD_COLUMNS = (
    WireColumn("customer_id", "int8"),
    WireColumn("policy_id", "int2"),
    WireColumn("version_id", "int8"),
    WireColumn("base_rank", "int2"),
    WireColumn("before_rank", "int2"),
    WireColumn("base_since", "timestamptz"),
    WireColumn("has_end", "bool"),
    WireColumn("valid_until", "timestamptz"),
    WireColumn("is_lent", "bool"),
    WireColumn("is_pending", "bool"),
)
LATEST = f"""
SELECT customer_id, policy_id, version_id, to_rank, reason, since, transition_id, {NAMES} FROM (
  SELECT DISTINCT ON (customer_id, policy_id) * FROM {{decisions}}
  ORDER BY customer_id, policy_id, transition_id DESC
) AS latest
"""
PROJECT = f"""
INSERT INTO tier_standings (customer_id, policy_id, version_id, rank, reason, since, transition_id, {NAMES})
{LATEST}
ON CONFLICT (customer_id, policy_id) DO UPDATE SET version_id = excluded.version_id, rank = excluded.rank,
  reason = excluded.reason, since = excluded.since, transition_id = excluded.transition_id,
  {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}
"""
PROJECT_ALL = PROJECT.format(decisions="tier_transitions")


async def find_some_lives(
    connection: Any, customer_ids: Sequence[int], policy_ids: Sequence[int], calendar: Calendar
) -> dict[tuple[int, int], StoredLife]:
    """Of these pairs, where there is a standing."""
    rows = await connection.fetch(FIND_SOME, customer_ids, policy_ids)
    return {(row["customer_id"], row["policy_id"]): life_of(row, calendar) for row in rows}


async def read_held(connection: Any, customer_ids: Sequence[int]) -> dict[str, Array]:
    """HELD_COLUMNS of these customers: a tenth of the cost of their whole states."""
    query = HELD.format(customer_ids=",".join(map(str, customer_ids)))
    return await read_columns(connection, query, HELD_COLUMNS)


async def find_lives(
    connection: Any, customer_ids: Sequence[int], calendar: Calendar
) -> dict[tuple[int, int], StoredLife]:
    """By customer and policy id."""
    rows = await connection.fetch(FIND, list(customer_ids))
    return {(row["customer_id"], row["policy_id"]): life_of(row, calendar) for row in rows}


async def project_standings(connection: Any) -> None:
    """The readable standings from the log of decisions alone, whatever was there."""
    await connection.execute("DELETE FROM tier_standings")
    await connection.execute(PROJECT_ALL)


def life_of(row: Mapping[str, Any], calendar: Calendar) -> StoredLife:
    return StoredLife(
        version_id=row["version_id"],
        state=state_of(row, calendar),
        since=row["since"],
        base_since=row["base_since"],
    )


def state_of(row: Mapping[str, Any], calendar: Calendar) -> StandingState:
    started = row["trial_started_on"]
    return StandingState(
        base_rank=row["base_rank"],
        before_rank=row["before_rank"],
        base_day=day_of(row["base_on"]),
        joined_day=day_of(row["joined_on"]),
        valid_day=_day_ending(row["valid_until"], calendar) if row["valid_until"] else None,
        pending=_pending(row, calendar) if row["pending_since"] else None,
        falls=row["falls"],
        trial=_trial(row, calendar) if row["trial_until"] else None,
        last_trial_day=day_of(started) if started else None,
        override=_override(row, calendar) if row["override_until"] else None,
    )


def _pending(row: Mapping[str, Any], calendar: Calendar) -> Pending:
    return Pending(
        rank=row["pending_rank"],
        reviews=row["pending_reviews"],
        first_day=_day_ending(row["pending_since"], calendar),
    )


def _trial(row: Mapping[str, Any], calendar: Calendar) -> RunningTrial:
    return RunningTrial(
        rank=row["trial_rank"],
        first_day=day_of(row["trial_started_on"]),
        last_day=_day_ending(row["trial_until"], calendar),
    )


def _override(row: Mapping[str, Any], calendar: Calendar) -> Override:
    return Override(
        rank=row["override_rank"],
        first_day=day_of(row["override_started_on"]),
        last_day=_day_ending(row["override_until"], calendar),
        kind=OverrideKind(row["override_kind"]),
        reason=row["override_reason"],
        actor=row["override_actor"],
    )


def state_values(
    state: StandingState, *, measured_rank: int, base_since: datetime, calendar: Calendar
) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    pending, trial, override = state.pending, state.trial, state.override
    started = state.last_trial_day
    return (
        measured_rank,
        state.base_rank,
        state.before_rank,
        date_of(state.base_day),
        base_since,
        date_of(state.joined_day),
        _end_of(state.valid_day, calendar),
        pending.rank if pending else None,
        pending.reviews if pending else None,
        _end_of(pending.first_day if pending else None, calendar),
        state.falls,
        trial.rank if trial else None,
        date_of(started) if started is not None else None,
        _end_of(trial.last_day if trial else None, calendar),
        override.rank if override else None,
        date_of(override.first_day) if override else None,
        _end_of(override.last_day if override else None, calendar),
        override.kind.value if override else None,
        override.reason if override else None,
        override.actor if override else None,
    )


@lru_cache(maxsize=4_096)
def _day_ending(moment: datetime, calendar: Calendar) -> int:
    """Standings share few midnights."""
    return calendar.day_number(microseconds(moment))


def _end_of(day: int | None, calendar: Calendar) -> datetime | None:
    return None if day is None else calendar.end_of_day(day)
