"""`c360 import`: files of a source into the shop, with a progress bar, a summary, and reject files."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.caches import empty_caches
from api.house import prepare_house
from api.settings import Settings, read_settings
from api.stores import open_pool
from db.embedded_postgres import start_postgres
from db.encryption import LocalCipher
from db.import_open import input_files, open_import
from db.keys import open_keys
from db.migrations import upgrade_within_loop
from domain.errors import DomainError, ErrorCode
from domain.ingest.canonical import RecordKind
from domain.ingest.import_files import InputFile, import_files
from domain.ingest.mapping import FileMapping, parse_mapping
from domain.ingest.report import ImportReport
from domain.orders.currency import known_currency
from domain.ports import Cipher

SUFFIXES = (".csv", ".parquet")


def run(
    paths: Annotated[list[Path], typer.Argument(help="CSV or Parquet files, or a folder of them.")],
    source: Annotated[str, typer.Option(help="Where the records come from; their ids are its own.")],
    kind: Annotated[str | None, typer.Option(help="What the rows are; else the file's name says it.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="TOML file that names other columns.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
) -> None:
    settings, currency = read_settings(), read_currency(mapping)
    console = Console()
    with database(settings) as database_url, bar(console) as progress:
        taken = import_paths(
            paths,
            source=source,
            kind=kind,
            mapping=mapping,
            dry_run=dry_run,
            database_url=database_url,
            cipher=LocalCipher(open_keys(settings.home / "keys")),
            now=settings.clock or datetime.now(UTC),
            progress=progress,
        )
        work = taken if dry_run else within_house(settings, database_url, currency, taken)
        reports = asyncio.run(work)
    show(console, reports, dry_run=dry_run)


async def within_house(
    settings: Settings, database_url: str, currency: str, taken: Coroutine[Any, Any, list[ImportReport]]
) -> list[ImportReport]:
    """Makes the shop before its first file, in that file's currency; names labels after what came in."""
    await make_house(settings, database_url, currency)
    reports = await taken
    await make_house(settings, database_url, currency)
    await empty_caches(settings)
    return reports


async def make_house(settings: Settings, database_url: str, currency: str) -> None:
    async with open_pool(database_url, connections=1) as pool, pool.acquire() as connection:
        await prepare_house(connection, settings, currency_code=currency)


def read_currency(mapping: Path | None) -> str:
    """Of the mapping; CNY where it names none."""
    found = read_mapping(mapping)
    return known_currency(found.format.currency if found and found.format.currency else "CNY")


async def import_paths(  # noqa: PLR0913 - the command's own options
    paths: Sequence[Path],
    *,
    source: str,
    database_url: str,
    cipher: Cipher,
    now: datetime,
    kind: str | None = None,
    mapping: Path | None = None,
    dry_run: bool = False,
    progress: "Bar | None" = None,
) -> list[ImportReport]:
    """Errors: DomainError or SetupError, one sentence, when a file cannot be used; then nothing of it is in."""
    if not source.strip():
        raise DomainError(
            ErrorCode.REQUIRED, "Name the --source of the files, such as pos or crm.", ("source",)
        )
    files = input_files(expand(paths), kind=kind, mapping=read_mapping(mapping))
    await upgrade_within_loop(database_url)
    async with open_import(
        database_url,
        source=source,
        cipher=cipher,
        now=now,
        dry_run=dry_run,
        progress=progress.show if progress else silent,
    ) as session:
        return await import_files(session, files)


def expand(paths: Sequence[Path]) -> list[Path]:
    """Files as they are; of a folder the files whose names are kinds of record."""
    found: list[Path] = []
    for path in paths:
        found += of_folder(path) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def of_folder(folder: Path) -> list[Path]:
    kinds = [kind.value for kind in RecordKind]
    found = [folder / f"{kind}{suffix}" for kind in kinds for suffix in SUFFIXES]
    existing = [path for path in found if path.is_file()]
    if not existing:
        message = (
            f"{folder} holds none of {', '.join(kind + '.csv' for kind in kinds)}; name the files themselves."
        )
        raise DomainError(ErrorCode.NOT_FOUND, message, ("paths",))
    return existing


def read_mapping(path: Path | None) -> FileMapping | None:
    if path is None:
        return None
    try:
        return parse_mapping(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DomainError(ErrorCode.NOT_FOUND, f"There is no mapping file {path}.", ("mapping",)) from error
    except UnicodeDecodeError as error:
        raise DomainError(ErrorCode.INVALID, f"{path.name} is not UTF-8.", ("mapping",)) from error


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The address of PostgreSQL: the one that is set, else the embedded one, started if it does not run."""
    if settings.database_url:
        yield settings.database_url
        return
    server = start_postgres(settings.home / "postgres")
    try:
        yield server.url
    finally:
        server.stop()


class Bar:
    """One line of progress for each stage of each file."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[tuple[str, Path], TaskID] = {}

    def show(self, stage: str, file: InputFile, done: int, total: int) -> None:
        key = stage, file.path
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(f"{file.path.name}: {stage}", total=max(total, 1))
        self._progress.update(self._tasks[key], completed=done, total=max(total, 1))


@contextmanager
def bar(console: Console) -> Iterator[Bar]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress)


def silent(stage: str, file: InputFile, done: int, total: int) -> None:
    del stage, file, done, total


def show(console: Console, reports: Sequence[ImportReport], *, dry_run: bool) -> None:
    title = "Dry run: nothing was changed" if dry_run else None
    table = Table("file", "kind", title=title, box=None)
    for name in ("read", "new", "changed", "unchanged", "rejected"):
        table.add_column(name, justify="right")
    for report in reports:
        counts = (report.read, report.new, report.changed, report.unchanged, report.rejected)
        table.add_row(report.file, report.kind.value, *(f"{count:,}" for count in counts))
    console.print(table)
    for line in remarks(reports):
        console.print(line, markup=False, highlight=False)


def remarks(reports: Sequence[ImportReport]) -> Iterator[str]:
    for report in reports:
        if report.reject_file:
            yield f"{report.rejected:,} rows of {report.file} were not taken in; why is in {report.reject_file}"
        for words, count in report.warnings.items():
            yield f"{report.file}: {count:,} {words}"
    for file, columns in {report.file: report.ignored_columns for report in reports}.items():
        if columns:
            yield f"{file}: columns that nothing reads: {', '.join(columns)}"
