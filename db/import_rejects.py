"""The reject file: rows that were not taken in, with their number and the reason, beside the file itself."""

from pathlib import Path

import asyncpg

from db.import_expressions import identifier
from db.import_staging import Staged
from domain.errors import SetupError


def reject_path(path: Path, kind: str, *, alone: bool) -> Path:
    """`orders.csv.rejects.csv`; with the kind in it when the file feeds more than one."""
    return path.with_name(f"{path.name}.rejects.csv" if alone else f"{path.name}.{kind}.rejects.csv")


async def write_rejects(connection: asyncpg.Connection, staged: Staged, checked: str, path: Path) -> int:
    """How many rows are rejected. Without any, a reject file of an earlier import is taken away.

    Streams: the rows never lie in memory.
    """
    count = int(await connection.fetchval(f"SELECT count(*) FROM {checked} WHERE reason IS NOT NULL"))
    try:
        if not count:
            path.unlink(missing_ok=True)
            return 0
        cells = "".join(
            f", s.c{place} AS {identifier(name or f'column {place + 1}')}"
            for place, name in enumerate(staged.header)
        )
        with path.open("wb") as file:
            await connection.copy_from_query(
                f'SELECT s.row_no AS "row", c.reason{cells} FROM {checked} c JOIN {staged.table} s USING (row_no) '
                "WHERE c.reason IS NOT NULL ORDER BY s.row_no",
                output=file,
                format="csv",
                header=True,
            )
    except OSError as error:
        raise SetupError(f"The reject file {path} cannot be written: {error.strerror}.") from error
    return count
