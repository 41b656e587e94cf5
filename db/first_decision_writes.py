"""Writes first decisions that many have in common as columns: what `db.decision_writes` writes one by one.

Rows go in by customer and have ascending ids, so that every insertion into a key is at its end. One row of the outbox
publishes all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.binary_copy import WireColumn, WireRows, WireType, stream_rows
from db.decision_writes import DECIDED, WAKE_FEEDS
from db.outbox import MANY_DECISIONS, publish_lock_and_ids
from db.text_cells import (
    Cells,
    Part,
    choices,
    integers,
    integers_or_null,
    json_text,
    quoted_micros,
    side_by_side,
)
from db.tier_lives import COLUMNS, state_values
from domain.calendar import Calendar, microseconds
from domain.standings.first_decisions import FirstDecisions, Placings
from domain.tiers.exact import MICRO
from domain.tiers.life_days import day_of

Ids = NDArray[np.int64]
Values = dict[str, Any]
"""By column: an array, cells of the wire's bytes, what is the same for all rows, or None for NULL."""
ValuesOf = Callable[[Ids, FirstDecisions, Ids, Calendar], Values]

INTEGERS: Mapping[str, WireType] = {"smallint": "int2", "bigint": "int8"}
NUMERIC_DIGITS = 8
"""Of 10,000 each: six before the point, which holds all 64 bits, and two behind it."""
STANDING_COLUMNS = {
    "customer_id": "bigint",
    "policy_id": "smallint",
    "version_id": "bigint",
    "rank": "smallint",
    "reason": "text",
    "since": "timestamptz",
    "transition_id": "bigint",
} | COLUMNS
PUBLISH = f"""
INSERT INTO outbox (event_id, kind, payload) VALUES ($1, '{MANY_DECISIONS}', jsonb_build_object('first', $2::bigint))
"""


async def write_first_decisions(
    connection: Any, ids: Ids, groups: Sequence[FirstDecisions], calendar: Calendar
) -> None:
    """`ids`: of the customers, by row. From here to the commit nobody else publishes."""
    if not groups:
        return
    counts = [len(group.rows) for group in groups]
    order = np.argsort(np.concatenate([group.rows for group in groups]), kind="stable")
    taken = await publish_lock_and_ids(connection, sum(counts))
    await connection.execute(PUBLISH, taken[-1], taken[0])
    numbered = list(zip(groups, in_groups(taken, order, counts), strict=True))
    for table, kinds, values_of in TABLES:
        values = [values_of(ids, group, its, calendar) for group, its in numbered]
        given = {name: kind for name, kind in kinds.items() if any(one[name] is not None for one in values)}
        rows = [rows_of(given, one, count) for one, count in zip(values, counts, strict=True)]
        await stream_rows(connection, table, rows, order=order)
    await connection.execute(WAKE_FEEDS)


def in_groups(event_ids: range, order: NDArray[np.intp], counts: Sequence[int]) -> list[Ids]:
    """The ids of each group's decisions, where `order` says which one comes first, and so on."""
    by_place = np.empty(len(order), np.int64)
    by_place[order] = event_ids
    return np.split(by_place, np.cumsum(counts)[:-1])


def transition_values(ids: Ids, group: FirstDecisions, event_ids: Ids, calendar: Calendar) -> Values:
    change, policy = group.change, group.policy
    return state_of(group, calendar) | {
        "transition_id": event_ids,
        "customer_id": ids[group.rows],
        "policy_id": policy.policy_id,
        "version_id": policy.version_id,
        "kind": change.kind.value,
        "from_rank": None,
        "to_rank": change.to_rank,
        "reason": change.reason.value,
        "score": None if group.micro_scores is None else numerics(group.micro_scores),
        "evidence": evidence_cells(group),
        "as_of": group.as_of,
        "decided_at": group.decided_at,
        "effective_at": group.effective_at,
        "since": group.effective_at,
        "actor": None,
    }


def standing_values(ids: Ids, group: FirstDecisions, event_ids: Ids, calendar: Calendar) -> Values:
    return state_of(group, calendar) | {
        "customer_id": ids[group.rows],
        "policy_id": group.policy.policy_id,
        "version_id": group.policy.version_id,
        "rank": group.change.to_rank,
        "reason": group.change.reason.value,
        "since": group.effective_at,
        "transition_id": event_ids,
    }


def state_of(group: FirstDecisions, calendar: Calendar) -> Values:
    state = group.change.state
    values = state_values(
        state, measured_rank=group.change.to_rank, base_since=group.effective_at, calendar=calendar
    )
    return dict(zip(COLUMNS, values, strict=True))


TABLES: tuple[tuple[str, dict[str, str], ValuesOf], ...] = (
    ("tier_transitions", DECIDED | COLUMNS, transition_values),
    ("tier_standings", STANDING_COLUMNS, standing_values),
)
"""Columns that are NULL in all rows are left out: reading them costs PostgreSQL as much as others."""


def rows_of(kinds: Mapping[str, str], values: Values, count: int) -> WireRows:
    wire = {name: wire_value(values[name]) for name in kinds}
    columns = tuple(wire_column(name, kind, wire[name]) for name, kind in kinds.items())
    return WireRows(count, columns, wire)


def wire_value(value: Any) -> Any:
    match value:
        case str():
            return np.frombuffer(value.encode(), np.uint8)
        case datetime():
            return microseconds(value)
        case date():
            return day_of(value)
    return value


def wire_column(name: str, kind: str, value: Any) -> WireColumn:
    match kind:
        case "smallint" | "bigint":
            return WireColumn(name, INTEGERS[kind])
        case "timestamptz":
            return WireColumn(name, "timestamptz")
        case "date":
            return WireColumn(name, "date")
    return WireColumn(name, "bytea", width=0 if value is None else value.shape[-1])


def numerics(micro_scores: NDArray[np.int64]) -> Cells:
    """The wire form of numeric: how many digits of 10,000, the first one's weight, sign, shown decimals, digits."""
    whole, fraction = np.divmod(micro_scores, MICRO)
    words = np.zeros((len(micro_scores), 4 + NUMERIC_DIGITS), ">i2")
    words[:, :4] = NUMERIC_DIGITS, NUMERIC_DIGITS - 3, 0, 6
    words[:, -2], words[:, -1] = fraction // 100, fraction % 100 * 100
    for place in range(NUMERIC_DIGITS - 2):
        whole, words[:, NUMERIC_DIGITS + 1 - place] = np.divmod(whole, 10_000)
    return words.view(np.uint8)


def evidence_cells(group: FirstDecisions) -> Cells:
    """`domain.tiers.evidence.evidence_from` of each row."""
    tier = group.policy.version.rule.tiers[group.change.to_rank - 1]
    parts: list[Part] = [f'{{"asOf": {json_text(group.as_of.isoformat())}, "facts": {{']
    for place, (name, column) in enumerate(group.facts.items()):
        parts += [f"{', ' if place else ''}{json_text(name)}: ", integers_or_null(column)]
    parts += ['}, "score": ', "null" if group.micro_scores is None else quoted_micros(group.micro_scores)]
    parts.append(f', "tier": {json_text(tier.code)}')
    if group.placings:
        parts += [', "placing": ', *placing_parts(group.placings)]
    return side_by_side([*parts, "}"], len(group.rows))


def placing_parts(placings: Placings) -> list[Part]:
    """`domain.tiers.evidence.placing_to_json`, in parts."""
    codes = [code for code, _ in placings.cuts]
    key = placings.inside @ (1 << np.arange(len(codes)))
    found, chosen = np.unique(key, return_inverse=True)
    insides = [sorted(code for place, code in enumerate(codes) if one >> place & 1) for one in found.tolist()]
    head = f'{{"customers": {placings.customers}, "cuts": {json_text(dict(placings.cuts))}, "inside": '
    parts: list[Part] = [head, choices([json_text(one) for one in insides], chosen), ', "ranks": [']
    for place, ranks in enumerate(placings.ranks):
        parts += [", " if place else "", integers(ranks)]
    return [*parts, "]}"]
