"""What goes the short way, through numpy and COPY, comes out as it does where SQL judges every row."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from imported import CUSTOMERS, LINES, ORDERS, PRODUCTS, SHOP, Importer, rejects, table_of

import db.import_plain
import db.import_plain_checks
from db.import_plain_rows import RowReader
from db.import_wire import moment, stream, text, thousandths, whole
from domain.ingest.report import ImportReport
from domain.orders.order import COUNTED_AT_SQL, Moments, counted_moments

ORDER_HEAD = [*ORDERS.splitlines()[0].split(","), "confirmed_at", "credit_days"]
LINE_HEAD = LINES.splitlines()[0].split(",")


def mostly(good: list[str], bad: list[str]) -> st.SearchStrategy[str]:
    """One in twenty is not plainly right, so that most files have rows of both sorts."""
    return st.integers(0, 19).flatmap(lambda chance: st.sampled_from(bad if chance == 0 else good))


ORDER_IDS = [f"O{number}" for number in range(1, 9)]
MOMENTS = [
    "2026-05-01",
    "2026-05-01 10:00",
    "2026-05-02T00:00:00+08:00",
    "2026-04-30T16:00:00Z",
    "2026-05-01 23:59:59",
]
NOT_MOMENTS = [
    "",
    "today",
    "2026-02-30",
    "2026-05-01T10:00:00+0800",
    "1960-05-01",
    "2027-01-01",
    "2026-5-1",
    " 2026-05-01",
]
AMOUNTS = ["0", "5", "5.5", "5.50", "12.34", "400000000"]
NOT_AMOUNTS = [
    "",
    "-1",
    "5.555",
    "1e1",
    "NaN",
    "5.",
    ".5",
    "+5",
    "007.50",
    "687194767.37",
    "9999999999999",
    " 5",
]
ORDER_ROWS = st.tuples(
    mostly(ORDER_IDS, ["", " O1", '"O2"', "订单", "O1" * 40, "O" * 401]),
    mostly(["C1", "C1", "C2"], ["C9", "", "c1", "C2 "]),
    mostly(MOMENTS, NOT_MOMENTS),
    mostly(["", "", "2026-05-02 00:00"], NOT_MOMENTS),
    mostly(["PLACED", "PAID", "DELIVERED", "CANCELLED", "REFUNDED"], ["", "paid", "SHIPPED", "PAID "]),
    mostly(["APP", "STORE"], ["", "app", "FAX"]),
    mostly(AMOUNTS, NOT_AMOUNTS),
    mostly(["0", "0", "0.00", "5"], NOT_AMOUNTS),
    mostly(["0", "6.00"], NOT_AMOUNTS),
    mostly(["", "", "2026-05-01 12:00", "2026-05-03"], NOT_MOMENTS),
    mostly(["", "", "7", "30"], ["0", "366", "1.5", "soon"]),
)
LINE_ROWS = st.tuples(
    mostly(ORDER_IDS, ["O9", "", "O1 "]),
    mostly(["1", "2", "3"], ["0", "01", "x", "1.0", "2147483648", ""]),
    mostly(["P1", "P2"], ["P9", ""]),
    mostly(["1", "1.5", "0.125", "12"], ["", "0", "1.2345", "many", "1e1", "1000000000"]),
    mostly(AMOUNTS, NOT_AMOUNTS),
)
FILES = st.tuples(
    st.lists(ORDER_ROWS, max_size=14, unique_by=lambda row: row[0]),
    st.lists(LINE_ROWS, max_size=20, unique_by=lambda row: row[:2]),
    st.lists(ORDER_ROWS, max_size=2),
    st.lists(LINE_ROWS, max_size=2),
)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would import for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=FILES, second=FILES)
def test_both_ways_come_to_the_same(
    migrated_database_url: str, tmp_path: Path, first: Any, second: Any
) -> None:
    short, long = (
        asyncio.run(taken(migrated_database_url, tmp_path, [first, second], short=short))
        for short in (True, False)
    )

    for step, (by_numpy, by_sql) in enumerate(zip(short, long, strict=True)):
        for what, pair in enumerate(zip(by_numpy, by_sql, strict=True)):
            assert (step, what, pair[0]) == (step, what, pair[1])


async def taken(database_url: str, folder: Path, imports: list[Any], *, short: bool) -> list[Any]:
    """What came of imports one after the other, into a source of their own."""
    importer = new_importer(database_url, folder)
    await importer.take_texts({"customers": CUSTOMERS, "products": PRODUCTS})
    with short_way(open_to_all=short):
        return [await outcome(importer, texts(files)) for files in imports]


def texts(files: Any) -> dict[str, str]:
    orders, lines, more_orders, more_lines = files
    return {
        "orders": table_of(ORDER_HEAD, *orders, *more_orders),
        "order_lines": table_of(LINE_HEAD, *lines, *more_lines),
    }


def new_importer(database_url: str, folder: Path) -> Importer:
    own = folder / uuid.uuid4().hex
    own.mkdir()
    return Importer(database_url, own)


@contextmanager
def short_way(*, open_to_all: bool) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if not open_to_all:
            patch.setattr(RowReader, "can_read", lambda *_: False)
        yield


async def outcome(importer: Importer, files: dict[str, str]) -> list[Any]:
    """Everything that can be seen of an import, without the ids that it gave. How often a version moved is not:
    a customer whose rows go both ways is in two batches."""
    await importer.rows(FORGET_VERSIONS)
    reports = await importer.take_texts(files)
    return [
        [told(report) for report in reports.values()],
        *[await importer.rows(query) for query in WHAT_IS_STORED],
    ]


def told(report: ImportReport) -> tuple[object, ...]:
    counts = (report.read, report.new, report.changed, report.rejected)
    rejected = rejects(report) if report.reject_file else []
    reasons = [(row, re.sub(r'"\d+/', '"id/', reason)) for row, reason in rejected]  # a repeated line's order
    return (*counts, dict(report.warnings), reasons)


FORGET_VERSIONS = """
UPDATE customers SET version = 1
WHERE customer_id IN (SELECT customer_id FROM customer_refs WHERE source_id = {source}) RETURNING customer_id
"""
WHAT_IS_STORED = (
    "SELECT r.external_id, o.external_id, placed_at, paid_at, confirmed_at, credit_days, stated_at, status,"
    " channel, charged_cents, refunded_cents, delivery_fee_cents, line_cents, high_margin_cents,"
    " organic_cents, imported_cents"
    " FROM orders o JOIN customer_refs r USING (customer_id) WHERE o.source_id = {source} ORDER BY 2",
    "SELECT o.external_id, line_no, p.external_id, quantity, l.net_cents FROM order_lines l"
    " JOIN orders o USING (customer_id, order_id) JOIN products p USING (product_id)"
    " WHERE o.source_id = {source} ORDER BY 1, 2",
    "SELECT r.external_id, day, c.code, orders, spend_cents FROM category_days JOIN categories c USING (category_id)"
    " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source} ORDER BY 1, 2, 3",
    "SELECT r.external_id, k.version > 1 AS has_moved, d.reason FROM customers k"
    " JOIN customer_refs r USING (customer_id) LEFT JOIN dirty_customers d USING (customer_id)"
    " WHERE r.source_id = {source} ORDER BY 1",
    "SELECT kind, status, rows_read, rows_changed, rows_rejected FROM import_runs WHERE source_id = {source}"
    " ORDER BY 1, 2, 3, 4, 5",
)


@pytest.fixture
def importer(migrated_database_url: str, tmp_path: Path) -> Importer:
    return Importer(migrated_database_url, tmp_path)


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many orders each batch brought by COPY."""
    batches: list[int] = []
    store = db.import_plain.store

    async def counted(connection: Any, target: Any, batch: Any, **options: Any) -> Any:
        batches.append(len(batch.rows))
        return await store(connection, target, batch, **options)

    monkeypatch.setattr(db.import_plain, "store", counted)
    return batches


async def test_one_bad_row_takes_only_its_customer_off_the_short_way(
    importer: Importer, copied: list[int]
) -> None:
    orders = SHOP["orders"] + "O4,C2,2026-05-04,,PAID,APP,8.888,0,0\n"

    reports = await importer.take_texts({**SHOP, "orders": orders})

    assert copied == [2]
    assert (reports["orders"].new, reports["order_lines"].new) == (3, 4)
    assert rejects(reports["orders"]) == [(4, 'net_amount "8.888" has more than two decimals')]


async def test_a_customer_with_orders_and_days_goes_the_short_way_too(
    importer: Importer, copied: list[int]
) -> None:
    await importer.take_texts(SHOP)

    await importer.take_texts(
        {
            "orders": table_of(
                ORDER_HEAD, ["O4", "C1", "2026-05-01 11:00", "", "PAID", "APP", "9", "0", "0", "", ""]
            ),
            "order_lines": table_of(LINE_HEAD, ["O4", 1, "P1", 1, 9]),
        }
    )

    assert copied == [3, 1]
    assert await importer.rows(
        "SELECT c.code, orders, spend_cents FROM category_days JOIN categories c USING (category_id)"
        " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source} ORDER BY 1"
    ) == [("FISH", 1, 8800), ("LEAFY", 3, 2000)]


async def test_a_batch_whose_order_an_event_stored_meanwhile_is_judged_instead(
    importer: Importer, copied: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await importer.take_texts({**SHOP, "orders": "\n".join(SHOP["orders"].splitlines()[:2]) + "\n"})

    async def nothing(connection: Any, source_id: int, keys: Any) -> Any:
        return np.zeros(len(keys), np.bool_)

    monkeypatch.setattr(db.import_plain_checks, "stored_already", nothing)
    reports = await importer.take_texts(SHOP)

    assert copied == [1, 3]
    assert [told(reports[kind])[:4] for kind in ("orders", "order_lines")] == [(3, 2, 0, 0), (4, 2, 0, 0)]


async def test_a_batch_waits_for_whoever_holds_its_customers(importer: Importer) -> None:
    await importer.take_texts({"customers": CUSTOMERS, "products": PRODUCTS})
    holder = await asyncpg.connect(importer.database_url)
    async with holder.transaction():
        await holder.execute("SELECT FROM customers FOR NO KEY UPDATE")
        coming = asyncio.create_task(importer.take_texts({"orders": ORDERS, "order_lines": LINES}))
        while await importer.rows(WAITING_IMPORTS) == [(0,)]:  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.01)
        stored = await importer.rows("SELECT 1 FROM orders WHERE source_id = {source}")
    reports = await coming
    await holder.close()

    assert stored == []
    assert (reports["orders"].new, reports["order_lines"].new) == (3, 4)


WAITING_IMPORTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'c360 import' AND wait_event_type = 'Lock'"
    " AND datname = current_database()"
)


async def test_quoted_cells_go_the_other_way(importer: Importer, copied: list[int]) -> None:
    reports = await importer.take_texts({**SHOP, "orders": SHOP["orders"].replace("O1,", '"O1",')})

    assert (copied, reports["orders"].new) == ([], 3)


async def test_parquet_goes_the_short_way_unless_a_text_needs_quotes(
    importer: Importer, copied: list[int]
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    await importer.take_texts({"customers": CUSTOMERS})
    for ids in (["O1", "O2"], ["O3", 'O"4']):
        columns = {"external_id": ids, "customer_external_id": ["C1", "C2"]}
        columns |= {"placed_at": ["2026-05-01", "2026-05-02"], "net_amount": ["5.50", "6"]}
        parquet.write_table(pyarrow.table(columns), importer.folder / "orders.parquet")
        await importer.take(importer.folder / "orders.parquet")

    assert copied == [2]
    assert await importer.rows("SELECT external_id FROM orders WHERE source_id = {source} ORDER BY 1") == [
        ('O"4',),
        ("O1",),
        ("O2",),
        ("O3",),
    ]


async def test_rows_are_copied_in_their_order_with_what_is_absent(database_url: str) -> None:
    names = np.array([b"O1", "订单".encode(), b"O333"])
    fields = [
        whole("number", np.array([1, -2, 3]), "int8"),
        text("name", names),
        moment("at", np.array([0, 1, 2]), np.array([True, False, True])),
        thousandths("quantity", np.array([1, 123_456_789_120, 999_999_999_999])),
    ]
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "CREATE TEMP TABLE copied (place serial, number bigint, name text, at timestamptz, quantity numeric(12, 3))"
    )

    async def parts() -> Any:
        yield stream(fields)

    await connection.copy_to_table(
        "copied", source=parts(), columns=[field.name for field in fields], format="binary"
    )
    rows = await connection.fetch("SELECT number, name, at, quantity FROM copied ORDER BY place")
    await connection.close()

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert [tuple(row) for row in rows] == [
        (1, "O1", epoch, Decimal("0.001")),
        (-2, "订单", None, Decimal("123456789.120")),
        (3, "O333", epoch.replace(microsecond=2), Decimal("999999999.999")),
    ]


def known_moments(given: Any) -> Moments:
    known = np.array([one is not None for one in given])
    return Moments(np.array([one or 0 for one in given]), known)


async def test_arrays_and_sql_agree_when_an_order_counts(database_url: str) -> None:
    cases = [
        (status, paid, confirmed, charged, refunded)
        for status in range(1, 6)
        for paid in (None, 3)
        for confirmed in (None, 2, 4)
        for charged, refunded in ((0, 0), (5, 0), (5, 4), (5, 5))
    ]
    rule = COUNTED_AT_SQL.replace("status", "$1::int").replace("refunded_cents", "$2::int")
    rule = rule.replace("charged_cents", "$3::int").replace("paid_at", "$4::int").replace("placed_at", "1")
    rule = rule.replace("confirmed_at", "$5::int")
    connection = await asyncpg.connect(database_url)
    by_sql = [
        await connection.fetchval(f"SELECT {rule}", status, refunded, charged, paid, confirmed)
        for status, paid, confirmed, charged, refunded in cases
    ]
    await connection.close()

    status, paid, confirmed, charged, refunded = (np.array(column) for column in zip(*cases, strict=True))
    moments, counts = counted_moments(
        status=status,
        placed_us=np.ones(len(cases), np.int64),
        paid=known_moments(paid),
        confirmed=known_moments(confirmed),
        charged_cents=charged,
        refunded_cents=refunded,
    )

    assert [int(moment) if count else None for moment, count in zip(moments, counts, strict=True)] == by_sql
