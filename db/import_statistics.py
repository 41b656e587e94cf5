"""What the planner knows of tables after a large load, which does not wait for autovacuum to tell it."""

from typing import Any

from domain.ingest.canonical import RecordKind
from domain.ingest.report import ImportReport

LARGE_FROM_ROWS = 10_000
TABLES = {
    RecordKind.CUSTOMERS: "customers, customer_refs, source_records, identities",
    RecordKind.PRODUCTS: "products",
    RecordKind.ORDERS: "orders",
    RecordKind.ORDER_LINES: "order_lines, category_days",
}


def is_large(report: ImportReport) -> bool:
    return report.kind in TABLES and report.new + report.changed >= LARGE_FROM_ROWS


async def analyze(connection: Any, kind: RecordKind) -> None:
    await connection.execute(f"ANALYZE {TABLES[kind]}")
