"""`domain.ingest.import_files.ImportSession` over PostgreSQL: connections, lock, transactions, run records.

The main connection holds the source's lock and takes rows in, batch by batch, each batch with everything that
follows from it in one transaction. A second connection stages files ahead, a third takes every other batch.
A dry run does the same in one transaction that is rolled back.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

import asyncpg

from db.import_batches import Applied, BatchDone, Checked, Customers, batches, side_by_side
from db.import_checks import check
from db.import_csv import TextFile
from db.import_expressions import CellReader
from db.import_orders import apply_batch
from db.import_people import take_communities, take_customers
from db.import_products import apply_products
from db.import_rejects import reject_path, write_rejects
from db.import_runs import Content, begin_run, count_changes, end_run
from db.import_short_way import ShortWay
from db.import_staging import Staged, stage, stage_chosen
from db.import_statistics import analyze, is_large
from domain.errors import DomainError, ErrorCode
from domain.ingest.canonical import RecordKind
from domain.ingest.import_files import Feed, InputFile
from domain.ingest.mapping import Section
from domain.ingest.report import ImportReport
from domain.ports import Cipher

LOCK_SPACE = 360_002
"""First key of the advisory locks of sources."""
LOCK_WAIT = "20s"
"""A killed import's server process notices within a second or two."""
SETTINGS = {
    "application_name": "c360 import",
    "DateStyle": "ISO, YMD",
    "client_connection_check_interval": "1s",
    "jit": "off",
    "lock_timeout": LOCK_WAIT,
    "search_path": "public",
    "synchronous_commit": "off",
    "work_mem": "128MB",
}
"""Commits of batches may be lost in a crash, in order, and are redone; the end of a run waits for the disk."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What an import needs to know of the shop."""

    time_zone: str
    currency_code: str | None


UNEQUAL = "orders whose lines do not add up to them"
Outcome = tuple[Applied, Mapping[str, int]]
"""What was taken in of one feed, and warnings."""
Progress = Callable[[str, InputFile, int, int], None]
"""Called with the stage in words, the file, how much is done and how much there is."""


@dataclass(slots=True)
class PostgresImport:
    """Made by `open_import`."""

    main: asyncpg.Connection
    stager: asyncpg.Connection
    beside: asyncpg.Connection
    source: str
    source_id: int
    shop: Shop
    cipher: Cipher
    now: datetime
    dry_run: bool
    open_table: Callable[[InputFile], TextFile]
    progress: Progress
    short_way: ShortWay
    staged: dict[Path, Staged] = field(default_factory=dict)
    staging: asyncio.Lock = field(default_factory=asyncio.Lock)
    analysis: asyncio.Task[None] | None = None

    async def stage(self, file: InputFile) -> None:
        """What can go the short way is read here; what is left of it is staged when that is known."""
        self.require_currency(file)
        if file.personal:
            await self.stage_over(self.main, file)
        else:
            async with self.staging:
                table = self.open_table(file)
                if self.dry_run or not await self.short_way.read(file, table, self.reading(file, table)):
                    await self.stage_over(self.stager, file)

    def reading(self, file: InputFile, table: TextFile) -> Callable[[int], None]:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self.progress("reading", file, done, table.size_bytes)

        return advance

    async def stage_over(self, connection: asyncpg.Connection, file: InputFile) -> None:
        table = self.open_table(file)
        self.staged[file.path] = await stage(
            connection,
            table,
            table=self.table_name(),
            temporary=file.personal,
            advance=self.reading(file, table),
        )

    def table_name(self) -> str:
        return f"staged_{self.source_id}_{len(self.staged)}"

    def require_currency(self, file: InputFile) -> None:
        told, ours = file.format.currency, self.shop.currency_code
        if told and ours and told != ours:
            message = (
                f"The mapping says {told}, but the shop's currency is {ours}; amounts are not converted."
            )
            raise DomainError(ErrorCode.INVALID, message, ("mapping",))

    async def take_in(self, feeds: Sequence[Feed]) -> list[ImportReport]:
        runs = [
            await begin_run(self.main, self.source_id, section.kind, self.read_of(file))
            for file, section in feeds
        ]
        short = await self.take_short(feeds, runs)
        verdicts: list[Checked] = []
        for file, section in feeds:
            verdicts.append(await self.check(file, section, verdicts))
        taken = await self.apply(feeds, verdicts, runs)
        reports = [
            await self.finish(feed, verdict, run, both)
            for feed, verdict, run, both in zip(feeds, verdicts, runs, added(taken, short), strict=True)
        ]
        await self.analyze(reports)
        return reports

    def read_of(self, file: InputFile) -> Content:
        return self.short_way.rows.get(file.path) or self.staged[file.path]

    async def take_short(self, feeds: Sequence[Feed], runs: Sequence[int]) -> list[Outcome]:
        """What is plainly right goes in at once; the rest is staged to be judged."""
        file = feeds[0][0]

        def advance(done: int, rows: int) -> None:
            self.progress(f"taking in {feeds[0][1].kind.value}", file, done, rows)

        read = dict(self.short_way.rows)
        taken = await self.short_way.take(feeds, runs, advance)
        for of_feed, _ in feeds:
            if of_feed.path in taken.left:
                self.staged[of_feed.path] = await stage_chosen(
                    self.main,
                    self.open_table(of_feed),
                    taken.left[of_feed.path],
                    table=self.table_name(),
                    content_sha256=read[of_feed.path].content_sha256,
                )
        return [(taken.done.orders, {}), (taken.done.lines, {UNEQUAL: taken.done.unequal})]

    async def analyze(self, reports: Sequence[ImportReport]) -> None:
        """Tables of large loads; those of customers while orders go the short way, which nobody plans."""
        large = [report.kind for report in reports if is_large(report)]
        if self.dry_run:
            for kind in large:
                await analyze(self.main, kind)
        elif RecordKind.CUSTOMERS in large:
            self.analysis = asyncio.create_task(self.analyze_aside(RecordKind.CUSTOMERS))
        else:
            connections = (self.main, self.beside)
            await side_by_side([analyze(*pair) for pair in zip(connections, large, strict=False)])

    async def analyze_aside(self, kind: RecordKind) -> None:
        async with self.staging:
            await analyze(self.stager, kind)

    async def settle(self) -> None:
        """What runs aside has ended."""
        if self.analysis is not None:
            await asyncio.gather(self.analysis, return_exceptions=True)

    async def check(self, file: InputFile, section: Section, earlier: Sequence[Checked]) -> Checked:
        await self.settle()
        staged = self.staged[file.path]
        self.progress(f"checking {section.kind.value}", file, 0, staged.rows)
        table = await check(
            self.main,
            staged,
            CellReader(section, file.format, file.header, self.now.isoformat(), staged.padded),
            source_id=self.source_id,
            temporary=file.personal,
            coming_orders=earlier[0].table if earlier else None,
        )
        return Checked(table, section)

    async def apply(
        self, feeds: Sequence[Feed], verdicts: Sequence[Checked], runs: Sequence[int]
    ) -> list[Outcome]:
        (file, section), checked = feeds[0], verdicts[0].table

        def advance(done: int) -> None:
            self.progress(f"taking in {section.kind.value}", file, done, self.staged[file.path].rows)

        match section.kind:
            case RecordKind.COMMUNITIES:
                return [await take_communities(self, section, checked)]
            case RecordKind.CUSTOMERS:
                return [await take_customers(self, section, checked, advance)]
            case RecordKind.PRODUCTS:
                async with self.main.transaction():
                    applied = await apply_products(
                        self.main, checked, section, shop_zone=self.shop.time_zone, source_id=self.source_id
                    )
                return [(applied, {})]
        alone = self.dry_run or any(file.personal for file, _ in feeds)
        done = await self.apply_batches(verdicts, runs, advance, alone=alone)
        outcomes: dict[RecordKind, Outcome] = {
            RecordKind.ORDERS: (done.orders, {}),
            RecordKind.ORDER_LINES: (done.lines, {UNEQUAL: done.unequal}),
        }
        return [outcomes[verdict.section.kind] for verdict in verdicts]

    async def apply_batches(
        self, verdicts: Sequence[Checked], runs: Sequence[int], advance: Callable[[int], None], *, alone: bool
    ) -> BatchDone:
        """Two connections take turns, unless there is one transaction or a table that only one can see."""
        left = (await batches(self.main, [verdict.table for verdict in verdicts]))[::-1]
        of_kind = {verdict.section.kind: verdict for verdict in verdicts}
        total = BatchDone()

        async def work(connection: asyncpg.Connection) -> None:
            nonlocal total
            while left:
                of: Customers = left.pop()
                async with connection.transaction():
                    done = await apply_batch(
                        connection,
                        of_kind.get(RecordKind.ORDERS),
                        of_kind.get(RecordKind.ORDER_LINES),
                        of=of,
                        shop_zone=self.shop.time_zone,
                        source_id=self.source_id,
                    )
                    for verdict, run in zip(verdicts, runs, strict=True):
                        of_run = done.orders if verdict.section.kind is RecordKind.ORDERS else done.lines
                        await count_changes(connection, run, of_run)
                total += done
                advance(total.orders.new + total.orders.changed)

        both = len(left) > 1 and not alone
        await side_by_side([work(self.main), *([work(self.beside)] if both else [])])
        return total

    async def finish(self, feed: Feed, verdict: Checked, run: int, outcome: Outcome) -> ImportReport:
        (file, section), (applied, warnings) = feed, outcome
        staged = self.staged[file.path]
        path = reject_path(file.path, section.kind.value, alone=len(file.sections) == 1)
        rejected = await write_rejects(self.main, staged, verdict.table, path)
        await end_run(self.main, run, rejected, source_id=self.source_id, now=self.now)
        await self.main.execute(f"DROP TABLE {verdict.table}")
        return ImportReport(
            file=file.path.name,
            kind=section.kind,
            read=staged.rows,
            new=applied.new,
            changed=applied.changed,
            rejected=rejected,
            warnings={words: count for words, count in warnings.items() if count},
            reject_file=path if rejected else None,
            ignored_columns=file.ignored_columns(),
        )

    async def forget(self, path: Path) -> None:
        await self.main.execute(f"DROP TABLE {self.staged[path].table}")


def added(taken: Sequence[Outcome], short: Sequence[Outcome]) -> list[Outcome]:
    """By feed, of both ways."""
    none: Outcome = (Applied(), {})
    return [
        (one + other, {words: ones.get(words, 0) + others.get(words, 0) for words in {**ones, **others}})
        for (one, ones), (other, others) in zip_longest(taken, short[: len(taken)], fillvalue=none)
    ]
