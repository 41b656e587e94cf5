"""Imports small files, written on the spot, into a database of the test run."""

import csv
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from api.commands.import_ import import_paths
from db.encryption import LocalCipher
from db.keys import LocalKeys
from domain.ingest.report import ImportReport

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CIPHER = LocalCipher(LocalKeys(key_encryption=b"k" * 32, blind_index=b"i" * 32))

CUSTOMERS = "external_id,name,phone,email\nC1,张三,138-1234-5678,Zhang@Example.com\nC2,李四,12345,\n"
PRODUCTS = (
    "external_id,name,category,unit_price,high_margin,organic,imported\n"
    "P1,菠菜,LEAFY,5.50,false,true,false\nP2,三文鱼,FISH,88,true,false,true\n"
)
ORDERS = (
    "external_id,customer_external_id,placed_at,paid_at,status,channel,net_amount,refunded_amount,delivery_fee\n"
    "O1,C1,2026-05-01 10:00,2026-05-01 10:05,DELIVERED,APP,93.50,0,6\n"
    "O2,C1,2026-05-02T00:00:00+08:00,,PAID,STORE,5.50,0,0\n"
    "O3,C2,2026-05-03,,PLACED,APP,88,0,0\n"
)
LINES = (
    "order_external_id,line_no,product_external_id,quantity,net_amount\n"
    "O1,1,P1,1,5.50\nO1,2,P2,1,88.00\nO2,1,P1,1.5,5.50\nO3,1,P2,1,88\n"
)
SHOP = {"customers": CUSTOMERS, "products": PRODUCTS, "orders": ORDERS, "order_lines": LINES}


@dataclass(slots=True)
class Importer:
    """Files of one source of its own, so that tests of a module do not meet in the database."""

    database_url: str
    folder: Path
    source: str = field(default_factory=lambda: f"s{uuid.uuid4().hex[:10]}")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def take(self, *paths: Path, **options: Any) -> list[ImportReport]:
        return await import_paths(
            paths, source=self.source, database_url=self.database_url, cipher=CIPHER, now=NOW, **options
        )

    async def take_texts(self, texts: dict[str, str], **options: Any) -> dict[str, ImportReport]:
        """Kind -> content; the reports by kind."""
        paths = [self.write(f"{kind}.csv", text) for kind, text in texts.items()]
        return {report.kind.value: report for report in await self.take(*paths, **options)}

    async def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """`{source}` in the query is the id of the source."""
        connection = await asyncpg.connect(self.database_url)
        try:
            source_id = await connection.fetchval(
                "SELECT source_id FROM sources WHERE code = $1", self.source
            )
            query = query.replace("{source}", str(source_id or -1))
            return [tuple(row) for row in await connection.fetch(query, *parameters)]
        finally:
            await connection.close()

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that an import may change, for proving that nothing did."""
        return {table: await self.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


TABLES = (
    "sources",
    "customers",
    "customer_refs",
    "source_records",
    "identities",
    "referrals",
    "communities",
    "categories",
    "products",
    "orders",
    "order_lines",
    "category_days",
    "dirty_customers",
    "dirty_graph_keys",
    "import_runs",
)
RUN_TABLES = ("sources", "import_runs")


def rejects(report: ImportReport) -> list[tuple[int, str]]:
    """Row numbers and reasons of the reject file."""
    assert report.reject_file is not None
    with report.reject_file.open(encoding="utf-8", newline="") as file:
        return [(int(row["row"]), row["reason"]) for row in csv.DictReader(file)]


def table_of(header: Sequence[str], *rows: Sequence[object]) -> str:
    return "\n".join(",".join(map(str, row)) for row in (header, *rows)) + "\n"
