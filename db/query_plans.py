"""What PostgreSQL says of a statement that it ran, reduced to what a person reads: rows, time, missing indexes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
MANY_ROWS = 1_000
"""A sequential scan of fewer is what PostgreSQL does with small tables, and right."""

Node = Mapping[str, Any]


class Fetch(Protocol):
    """A pool of connections such as db.read_pool."""

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """Rows that can be read by position."""


async def explain_statement(reads: Fetch, sql: str, arguments: Sequence[Any]) -> dict[str, Any]:
    """Runs the statement once more, under observation: `planMs`, `runMs`, and a tree of steps, the last one first.

    With the values at hand; a prepared statement may get a plan for any values after five runs.
    """
    rows = await reads.fetch(EXPLAIN + sql, arguments)
    said = json.loads(rows[0][0])[0]
    return {"planMs": said["Planning Time"], "runMs": said["Execution Time"], **reduced(said["Plan"])}


def reduced(node: Node) -> dict[str, Any]:
    """`rows` that came out, of all loops; `ms` includes the steps below; `warning`: an index may be missing."""
    loops = node["Actual Loops"]
    step: dict[str, Any] = {
        "step": words_of(node),
        "rows": round(node["Actual Rows"] * loops),
        "loops": loops,
        "ms": round(node["Actual Total Time"] * loops, 3),
        "pages": node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0),
    }
    if node.get("Filter"):
        step["filter"] = node["Filter"]
    warning = find_warning(node)
    if warning is not None:
        step["warning"] = warning
    below = [reduced(child) for child in node.get("Plans", ())]
    return {**step, "steps": below} if below else step


def words_of(node: Node) -> str:
    """The kind of step and what it reads, as PostgreSQL's own text form has it."""
    words = [node["Node Type"]]
    if node.get("Index Name"):
        words.append(f"using {node['Index Name']}")
    if node.get("Relation Name"):
        words.append(f"on {node['Relation Name']}")
    if node.get("Subplan Name"):
        words.append(f"({node['Subplan Name']})")
    return " ".join(words)


def find_warning(node: Node) -> str | None:
    """Many rows read one after the other, or read to be dropped: an index would have known."""
    dropped = round(node.get("Rows Removed by Filter", 0) * node["Actual Loops"])
    read = round(node["Actual Rows"] * node["Actual Loops"]) + dropped
    if node["Node Type"] == "Seq Scan" and read >= MANY_ROWS:
        return f"reads {read:,} rows of {node['Relation Name']} one after the other: is an index missing?"
    if dropped >= MANY_ROWS:
        return f"reads {read:,} rows to drop {dropped:,}: is an index missing?"
    return None
