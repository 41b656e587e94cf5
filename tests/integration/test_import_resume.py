import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
from imported import PRODUCTS, Importer

SCRIPT = """
import asyncio, sys
from pathlib import Path
import db.import_batches, db.import_plain, db.import_session
from imported import Importer
db.import_session.batches = lambda c, t: db.import_batches.batches(c, t, 200)
db.import_plain.BATCH_ROWS = 200
importer = Importer(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
asyncio.run(importer.take(Path(sys.argv[2]) / "orders.csv"))
"""
ORDERS = 20_000


async def test_a_killed_import_is_gone_on_with(migrated_database_url: str, tmp_path: Path) -> None:
    importer = Importer(migrated_database_url, tmp_path)
    customers = "external_id\n" + "".join(f"C{number}\n" for number in range(1_000))
    await importer.take_texts({"customers": customers, "products": PRODUCTS})
    rows = (f"O{number},C{number % 1_000},2026-05-01,{number}.50\n" for number in range(ORDERS))
    importer.write("orders.csv", "external_id,customer_external_id,placed_at,net_amount\n" + "".join(rows))

    killed_at = await asyncio.to_thread(kill_half_way, importer)
    (report,) = await importer.take(tmp_path / "orders.csv")

    assert 0 < killed_at < ORDERS
    assert (report.read, report.rejected, report.new + report.unchanged) == (ORDERS, 0, ORDERS)
    assert report.unchanged >= killed_at
    assert await importer.rows(
        "SELECT count(*), count(DISTINCT external_id) FROM orders WHERE source_id = {source}"
    ) == [(ORDERS, ORDERS)]
    assert await importer.rows(
        "SELECT kind, status, rows_read, rows_changed FROM import_runs WHERE source_id = {source} AND kind = 'orders'"
    ) == [("orders", "DONE", ORDERS, ORDERS)]
    assert await importer.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'import_staging'") == []


def kill_half_way(importer: Importer) -> int:
    """Kills an import of batches of 200 rows as soon as some are in; how many were seen."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, importer.database_url, str(importer.folder), importer.source],
        env={"PYTHONPATH": ".:tests/support", "PATH": ""},
    )
    try:
        while not (seen := asyncio.run(count_orders(importer.database_url))):
            assert process.poll() is None, "the import ended before it could be killed"
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return seen


async def count_orders(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    count: int = await connection.fetchval("SELECT count(*) FROM orders")
    await connection.close()
    return count
