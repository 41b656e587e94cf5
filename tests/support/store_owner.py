"""A process that owns embedded stores, adds one row, and says so; the tests kill it.

Run as `python store_owner.py FOLDER`; prints the number of rows and the servers' process ids, then waits.
"""

import asyncio
import signal
import sys
from pathlib import Path

import asyncpg

from db.embedded_postgres import start_postgres
from db.embedded_valkey import start_valkey


async def add_row(url: str) -> int:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (id bigserial)")
    await connection.execute("INSERT INTO kept DEFAULT VALUES")
    rows: int = await connection.fetchval("SELECT count(*) FROM kept")
    await connection.close()
    return rows


def main() -> None:
    folder = Path(sys.argv[1])
    postgres, valkey = start_postgres(folder / "postgres"), start_valkey(folder / "valkey")
    print(asyncio.run(add_row(postgres.url)), valkey.is_healthy(), flush=True)  # noqa: T201
    signal.pause()


if __name__ == "__main__":
    main()
