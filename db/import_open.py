"""Opens files and the session of an import: connections, the source's lock, the shop's settings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

import asyncpg

from db.import_csv import TextFile, open_csv, unusable
from db.import_parquet import open_parquet
from db.import_session import LOCK_SPACE, SETTINGS, PostgresImport, Progress, Shop
from db.import_short_way import ShortWay
from db.import_staging import SCHEMA
from domain.calendar import calendar_of, microseconds
from domain.errors import DomainError, ErrorCode, SetupError, StoreUnavailable
from domain.ingest.import_files import InputFile, sections_of
from domain.ingest.mapping import FileFormat, FileMapping
from domain.ports import Cipher

DEFAULT_ZONE = "Asia/Shanghai"


def open_table(path: Path, file_format: FileFormat) -> TextFile:
    """Errors: DomainError (INVALID) with one sentence when the file cannot be used."""
    if not path.is_file():
        raise DomainError(ErrorCode.NOT_FOUND, f"There is no file {path}.", ("path",))
    if path.suffix == ".parquet":
        return open_parquet(path)
    if path.suffix in {".xlsx", ".xls", ".json", ".zip", ".gz"}:
        raise unusable(path, "is neither CSV nor Parquet; save it as CSV in UTF-8")
    return open_csv(path, file_format.delimiter)


def input_files(
    paths: Sequence[Path], *, kind: str | None = None, mapping: FileMapping | None = None
) -> list[InputFile]:
    """Files with what they feed. Errors: DomainError as `open_table` and `sections_of`."""
    file_format = mapping.format if mapping else FileFormat()
    headers = [(path, open_table(path, file_format).header) for path in paths]
    return [
        InputFile(path, header, sections_of(path, header, kind=kind, mapping=mapping), file_format)
        for path, header in headers
    ]


@asynccontextmanager
async def open_import(
    database_url: str, *, source: str, cipher: Cipher, now: datetime, dry_run: bool, progress: Progress
) -> AsyncIterator[PostgresImport]:
    """Errors: DomainError (CONFLICT) when the source is being imported already; StoreUnavailable; SetupError
    when the disk is full."""
    try:
        async with AsyncExitStack() as stack:
            main, stager, beside = [
                await stack.enter_async_context(connected(database_url)) for _ in range(3)
            ]
            await lock_source(main, source)
            shop = await read_shop(main)
            for connection in (main, stager, beside):
                await connection.execute(f"SET TIME ZONE '{shop.time_zone}'")
            await stager.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            staging = await stack.enter_async_context(swept(stager))
            if dry_run:
                await stack.enter_async_context(rolled_back(main))
            source_id = await find_or_add_source(main, source)
            staging.append(source_id)
            await drop_leftovers(stager, source_id)
            session = PostgresImport(
                main=main,
                stager=stager,
                beside=beside,
                source=source,
                source_id=source_id,
                shop=shop,
                cipher=cipher,
                now=now,
                dry_run=dry_run,
                open_table=lambda file: open_table(file.path, file.format),
                progress=progress,
                short_way=ShortWay((main, beside), source_id, calendar_of(shop.time_zone), microseconds(now)),
            )
            try:
                yield session
            finally:
                await session.settle()
    except asyncpg.DiskFullError as error:
        raise SetupError("PostgreSQL's disk is full; make room and import again: nothing is lost.") from error


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(database_url, server_settings=SETTINGS)
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
        raise StoreUnavailable("postgres", str(error)) from error
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def swept(connection: asyncpg.Connection) -> AsyncIterator[list[int]]:
    """Collects sources whose staging tables go when the import ends, well or badly."""
    source_ids: list[int] = []
    try:
        yield source_ids
    finally:
        for source_id in source_ids:
            await drop_leftovers(connection, source_id)


@asynccontextmanager
async def rolled_back(connection: asyncpg.Connection) -> AsyncIterator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def lock_source(connection: asyncpg.Connection, source: str) -> None:
    try:
        await connection.execute(f"SELECT pg_advisory_lock({LOCK_SPACE}, hashtext($1))", source)
    except asyncpg.LockNotAvailableError as error:
        message = f"Another import from {source!r} is running; wait until it has ended."
        raise DomainError(ErrorCode.CONFLICT, message, ("source",)) from error


async def read_shop(connection: asyncpg.Connection) -> Shop:
    row = await connection.fetchrow("SELECT time_zone, currency_code FROM shop")
    return Shop(row["time_zone"], row["currency_code"]) if row else Shop(DEFAULT_ZONE, None)


async def find_or_add_source(connection: asyncpg.Connection, source: str) -> int:
    known = await connection.fetchval("SELECT source_id FROM sources WHERE code = $1", source)
    if known is not None:
        return int(known)
    return int(
        await connection.fetchval(
            "INSERT INTO sources (code, words, kind) VALUES ($1, $1, 'FILE') RETURNING source_id", source
        )
    )


async def drop_leftovers(connection: asyncpg.Connection, source_id: int) -> None:
    """Staging tables of this source that a killed or failed import left."""
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename ~ $2",
        SCHEMA,
        f"^(staged|checked)_{source_id}_",
    )
    for row in tables:
        await connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{row['tablename']}")
