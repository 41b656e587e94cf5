"""Takes files in, one kind of record after the other, so that what a row refers to is there before it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from domain.errors import DomainError, ErrorCode
from domain.ingest.canonical import PERSONAL_KINDS, RecordKind
from domain.ingest.mapping import (
    FileFormat,
    FileMapping,
    Section,
    canonical_section,
    kind_named,
    missing_columns,
)
from domain.ingest.report import ImportReport


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file, its header, and the kinds of record it feeds."""

    path: Path
    header: tuple[str, ...]
    sections: tuple[Section, ...]
    format: FileFormat = field(default_factory=FileFormat)

    @property
    def personal(self) -> bool:
        """Its cells may not lie in a table in the clear that outlives the import's connection."""
        return any(section.kind in PERSONAL_KINDS for section in self.sections)

    def ignored_columns(self) -> tuple[str, ...]:
        """Columns of the file that nothing reads."""
        read = frozenset().union(*(section.file_columns() for section in self.sections))
        return tuple(name for name in self.header if name not in read)


Feed = tuple[InputFile, Section]


class ImportSession(Protocol):
    """One source's import, under a lock: nobody else imports from that source meanwhile."""

    async def stage(self, file: InputFile) -> None:
        """Brings the file's cells to the store, changing nothing else. Errors: DomainError when it cannot be
        read. Files that are not personal may be staged while others are staged or taken in."""

    async def take_in(self, feeds: Sequence[Feed]) -> list[ImportReport]:
        """Checks the staged rows, writes the bad ones to the reject file, makes the good ones count. More than
        one feed: orders and their lines, which go in together."""

    async def forget(self, path: Path) -> None:
        """Drops what `stage` brought."""


async def import_files(session: ImportSession, files: Sequence[InputFile]) -> list[ImportReport]:
    """Order: communities, products, customers, orders, order lines, whatever the order of `files`.

    While one file is taken in, the next ones are staged already.
    """
    steps = steps_of(files)
    staging: dict[Path, asyncio.Task[None]] = {}
    reports: list[ImportReport] = []
    try:
        for place, step in enumerate(steps):
            for file, _ in step:
                await staged(session, file, staging)
            left = [file for later in steps[place + 1 :] for file, _ in later]
            for ahead in left:
                if ahead.path not in staging and not ahead.personal:
                    staging[ahead.path] = asyncio.create_task(session.stage(ahead))
            reports += await session.take_in(step)
            for path in dict.fromkeys(file.path for file, _ in step):
                if all(later.path != path for later in left):
                    await session.forget(path)
    finally:
        await settle(staging.values())
    return reports


async def staged(session: ImportSession, file: InputFile, staging: dict[Path, asyncio.Task[None]]) -> None:
    if file.path not in staging:
        staging[file.path] = asyncio.create_task(session.stage(file))
    await staging[file.path]


async def settle(tasks: Iterable[asyncio.Task[None]]) -> None:
    """No staging goes on after the import has ended, well or badly."""
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


TOGETHER = [RecordKind.ORDERS, RecordKind.ORDER_LINES]


def steps_of(files: Sequence[InputFile]) -> list[list[Feed]]:
    """Feeds in the order of their kinds; orders and lines are one step when each comes from one file."""
    order = list(RecordKind)
    feeds = [(file, section) for file in files for section in file.sections]
    feeds.sort(key=lambda feed: order.index(feed[1].kind))
    bought = [feed for feed in feeds if feed[1].kind in TOGETHER]
    if [section.kind for _, section in bought] != TOGETHER:
        return [[feed] for feed in feeds]
    return [*([feed] for feed in feeds if feed not in bought), bought]


def sections_of(
    path: Path, header: tuple[str, ...], *, kind: str | None, mapping: FileMapping | None
) -> tuple[Section, ...]:
    """What a file feeds: the mapping's sections (those of `kind` only, if given), else its canonical columns.

    Errors: DomainError (INVALID) when the kind is unknown, or a column that is needed is missing.
    """
    if mapping is None:
        sections: tuple[Section, ...] = (canonical_section(kind_of(path, kind), header),)
    else:
        wanted = kind_named(kind) if kind else None
        sections = tuple(s for s in mapping.sections if wanted in (None, s.kind))
    if not sections:
        raise DomainError(ErrorCode.INVALID, f"The mapping file has no section [{kind}].", ("mapping",))
    for section in sections:
        if missing := missing_columns(section, header):
            raise DomainError(ErrorCode.INVALID, missing_words(path, section, header, missing), ("path",))
    return sections


def kind_of(path: Path, kind: str | None) -> RecordKind:
    """The kind given, else the file's stem."""
    try:
        return kind_named(kind or path.stem)
    except DomainError as error:
        if kind:
            raise
        kinds = ", ".join(known.value for known in RecordKind)
        message = (
            f"{path.name} does not say what it holds: name one of {kinds} with --kind, or use --mapping."
        )
        raise DomainError(ErrorCode.INVALID, message, ("kind",)) from error


def missing_words(path: Path, section: Section, header: tuple[str, ...], missing: tuple[str, ...]) -> str:
    plural = "columns" if len(missing) > 1 else "column"
    return (
        f"{path.name} lacks the {plural} {', '.join(missing)} for {section.kind.value}; it has "
        f"{', '.join(header)}. Say in the --mapping file which column is which."
    )
