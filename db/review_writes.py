"""Writes what a review changed, in one transaction: facts, standings, label changes, decisions, outbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.binary_copy import WireColumn, WireRows, WireType, stream_rows, write_columns
from db.decision_writes import write_decisions
from db.first_decision_writes import write_first_decisions
from db.signal_writes import write_signals
from db.tables.facts import FACT_COLUMNS
from domain.calendar import Calendar, microseconds
from domain.conditions.numpy_reader import Booleans
from domain.customers.fact import FactKind
from domain.labels.bits import WIDTH_BYTES
from domain.standings.changes import StandingChanges
from domain.standings.compute_standings import packed

Ids = NDArray[np.int64]

WIRE_TYPES: dict[FactKind, WireType] = {
    FactKind.INTEGER: "int4",
    FactKind.CENTS: "int8",
    FactKind.SECONDS: "int8",
    FactKind.MILLIONTHS: "int4",
    FactKind.MOMENT: "timestamptz",
}
FACT_WIRE = (
    WireColumn("customer_id", "int8"),
    *(WireColumn(fact.name, WIRE_TYPES[fact.kind]) for fact in FACT_COLUMNS),
)
FACT_NAMES = [fact.name for fact in FACT_COLUMNS]
WRITTEN_ONCE = ("customer_id", "loaded_at")
STANDING_WIRE = (
    WireColumn("customer_id", "int8"),
    WireColumn("facts_digest", "int8"),
    WireColumn("tiers", "int8"),
    WireColumn("raw_tiers", "int8"),
    WireColumn("versions", "int8"),
    WireColumn("tiers_due_on", "date"),
    WireColumn("label_bits", "bytea", width=WIDTH_BYTES),
    WireColumn("review_on", "date"),
    WireColumn("loaded_at", "timestamptz"),
)
LABEL_CHANGE_WIRE = (
    WireColumn("customer_id", "int8"),
    WireColumn("label_id", "int2"),
    WireColumn("entered", "bool"),
    WireColumn("as_of", "timestamptz"),
    WireColumn("changed_at", "timestamptz"),
)
MOVE_VERSIONS = """
UPDATE customers SET version = version + 1, changed_at = clock_timestamp() WHERE customer_id = ANY($1::bigint[])
"""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one table; where `known[name]` is false the value is NULL. `is_new`: nobody has such a row yet."""

    table: str
    wire: tuple[WireColumn, ...]
    values: Mapping[str, NDArray[Any]]
    known: Mapping[str, Booleans]
    is_new: Booleans

    def where(self, chosen: Booleans) -> "Rows":
        return Rows(
            self.table,
            self.wire,
            {name: values[chosen] for name, values in self.values.items()},
            {name: known[chosen] for name, known in self.known.items()},
            self.is_new[chosen],
        )


async def write_changes(
    connection: Any,
    ids: Ids,
    changes: StandingChanges,
    *,
    as_of: datetime,
    decided_at: datetime,
    calendar: Calendar,
) -> None:
    """Decisions last: publishing holds a lock that other workers wait for."""
    await write_rows(connection, fact_rows(ids, changes))
    await write_rows(connection, standing_rows(ids, changes, decided_at))
    await write_label_changes(connection, ids, changes, as_of=as_of, decided_at=decided_at)
    shown = ids[changes.shown_rows()].tolist()
    if shown:
        await connection.execute(MOVE_VERSIONS, shown)
    await write_first_decisions(connection, ids, changes.first_decisions, calendar)
    await write_decisions(connection, ids, changes.decisions, calendar)
    await write_signals(connection, ids, changes.signals, as_of=as_of, raised_at=decided_at)


def fact_rows(ids: Ids, changes: StandingChanges) -> Rows:
    rows = changes.facts_rows
    facts = {name: changes.standings.facts[name] for name in FACT_NAMES}
    return Rows(
        "customer_facts",
        FACT_WIRE,
        {"customer_id": ids[rows], **{name: column.values[rows] for name, column in facts.items()}},
        {name: column.known[rows] for name, column in facts.items() if column.known is not None},
        changes.is_new[rows],
    )


def standing_rows(ids: Ids, changes: StandingChanges, decided_at: datetime) -> Rows:
    rows, now = changes.standing_rows, changes.standings
    values: dict[str, NDArray[Any]] = {
        "customer_id": ids[rows],
        "facts_digest": now.facts_digest[rows],
        "tiers": packed(now.ranks[rows]),
        "raw_tiers": packed(now.raw_ranks[rows]),
        "versions": packed(now.versions[rows]),
        "tiers_due_on": now.tiers_due_day[rows],
        "label_bits": now.label_bits[rows],
        "review_on": now.review_day[rows],
        "loaded_at": np.full(len(rows), microseconds(decided_at)),
    }
    return Rows("customer_standings", STANDING_WIRE, values, {}, changes.is_new[rows])


async def write_rows(connection: Any, rows: Rows) -> None:
    """New rows are streamed in; others pass through a temporary table, which lives as long as the connection."""
    if rows.is_new.any():
        new = rows.where(rows.is_new)
        await write_columns(connection, rows.table, rows.wire, new.values, known=new.known)
    if rows.is_new.all():
        return
    old = rows.where(~rows.is_new)
    await connection.execute(create_temporary(rows))
    await write_columns(connection, f"new_{rows.table}", rows.wire, old.values, known=old.known)
    await connection.execute(upsert(rows))


def create_temporary(rows: Rows) -> str:
    return f"CREATE TEMP TABLE IF NOT EXISTS new_{rows.table} (LIKE {rows.table}) ON COMMIT DELETE ROWS"


def upsert(rows: Rows) -> str:
    names = [column.name for column in rows.wire]
    moved = ", ".join(f"{name} = excluded.{name}" for name in names if name not in WRITTEN_ONCE)
    return f"""
        INSERT INTO {rows.table} ({", ".join(names)}) SELECT {", ".join(names)} FROM new_{rows.table}
        ON CONFLICT (customer_id) DO UPDATE SET {moved}
    """


async def write_label_changes(
    connection: Any, ids: Ids, changes: StandingChanges, *, as_of: datetime, decided_at: datetime
) -> None:
    found = changes.label_changes
    if not len(found.rows):
        return
    values = {
        "customer_id": ids[found.rows],
        "label_id": found.bits,
        "entered": found.entered,
        "as_of": microseconds(as_of),
        "changed_at": microseconds(decided_at),
    }
    rows = WireRows(len(found.rows), LABEL_CHANGE_WIRE, values)
    await stream_rows(connection, "label_changes", [rows])
