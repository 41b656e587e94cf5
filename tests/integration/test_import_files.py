from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from imported import CIPHER, CUSTOMERS, LINES, ORDERS, RUN_TABLES, SHOP, Importer, rejects

from domain.errors import DomainError


@pytest.fixture
def importer(migrated_database_url: str, tmp_path: Path) -> Importer:
    return Importer(migrated_database_url, tmp_path)


async def test_a_folder_goes_in_whole(importer: Importer) -> None:
    for kind, text in SHOP.items():
        importer.write(f"{kind}.csv", text)

    reports = await importer.take(importer.folder)

    assert [(r.kind.value, r.read, r.new, r.rejected) for r in reports] == [
        ("products", 2, 2, 0),
        ("customers", 2, 2, 0),
        ("orders", 3, 3, 0),
        ("order_lines", 4, 4, 0),
    ]
    assert await importer.rows(
        "SELECT external_id, placed_at, counted_at, status, channel, net_cents, delivery_fee_cents, line_cents,"
        " high_margin_cents, organic_cents, imported_cents FROM orders WHERE source_id = {source} ORDER BY 1"
    ) == [
        ("O1", at(5, 1, 2), at(5, 1, 2, 5), 3, 1, 9350, 600, 9350, 8800, 550, 8800),
        ("O2", at(5, 1, 16), at(5, 1, 16), 2, 3, 550, 0, 550, 0, 550, 0),
        ("O3", at(5, 2, 16), None, 1, 1, 8800, 0, 8800, 8800, 0, 8800),
    ]


async def test_an_order_at_midnight_belongs_to_the_day_that_ends(importer: Importer) -> None:
    await importer.take_texts(SHOP)

    assert await importer.rows(
        "SELECT d.day, c.code, d.orders, d.spend_cents FROM category_days d JOIN categories c USING (category_id)"
        " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source} ORDER BY 1, 2"
    ) == [(date(2026, 5, 1), "FISH", 1, 8800), (date(2026, 5, 1), "LEAFY", 2, 1100)]


async def test_personal_values_are_cleaned_and_sealed(importer: Importer) -> None:
    reports = await importer.take_texts(SHOP)

    ((key, name, phone, email, flags, raw),) = await importer.rows(
        "SELECT c.data_key, c.name, c.phone, c.email, s.flags, s.raw FROM customers c"
        " JOIN source_records s USING (customer_id) WHERE s.source_id = {source} AND s.external_id = 'C1'"
    )
    assert CIPHER.open(key, name, field="name") == "张三"
    assert CIPHER.open(key, phone, field="phone") == "+8613812345678"
    assert CIPHER.open(key, email, field="email") == "zhang@example.com"
    assert '"138-1234-5678"' in CIPHER.open(key, raw, field="raw")
    assert flags == []
    assert await importer.rows(
        "SELECT flags FROM source_records WHERE source_id = {source} AND external_id = 'C2'"
    ) == [(["PHONE_INVALID"],)]
    assert reports["customers"].warnings == {"phones that are not a number one can dial": 1}
    hashed = CIPHER.blind_index("PHONE", "+8613812345678")
    assert await importer.rows(
        "SELECT namespace FROM identities WHERE value_hash = $1 AND source_id = {source}", hashed
    ) == [("PHONE",)]


async def test_the_same_files_twice_change_nothing(importer: Importer) -> None:
    await importer.take_texts(SHOP)
    before = await importer.everything()

    reports = await importer.take_texts(SHOP)

    assert {kind: (r.new, r.changed, r.unchanged) for kind, r in reports.items()} == {
        "products": (0, 0, 2),
        "customers": (0, 0, 2),
        "orders": (0, 0, 3),
        "order_lines": (0, 0, 4),
    }
    after = await importer.everything()
    assert {t: rows for t, rows in after.items() if t not in RUN_TABLES} == {
        t: rows for t, rows in before.items() if t not in RUN_TABLES
    }


async def test_a_dry_run_counts_all_and_changes_nothing(importer: Importer) -> None:
    before = await importer.everything()

    reports = await importer.take_texts(SHOP, dry_run=True)

    assert {kind: r.new for kind, r in reports.items()} == {
        "products": 2,
        "customers": 2,
        "orders": 3,
        "order_lines": 4,
    }
    assert await importer.everything() == before
    assert await importer.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'import_staging'") == []


async def test_a_refund_takes_an_order_out_of_its_day(importer: Importer) -> None:
    await importer.take_texts(SHOP)

    reports = await importer.take_texts(
        {"orders": ORDERS.replace("93.50,0,6", "93.50,93.50,6").replace("DELIVERED", "REFUNDED")}
    )

    assert (reports["orders"].new, reports["orders"].changed, reports["orders"].unchanged) == (0, 1, 2)
    assert await importer.rows(
        "SELECT c.code, d.orders, d.spend_cents FROM category_days d JOIN categories c USING (category_id)"
        " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source}"
    ) == [("LEAFY", 1, 550)]


async def test_changed_customers_are_marked_for_the_worker_and_the_graph(importer: Importer) -> None:
    await importer.take_texts(SHOP)
    ids = dict(
        await importer.rows("SELECT external_id, customer_id FROM customer_refs WHERE source_id = {source}")
    )
    await importer.rows("DELETE FROM dirty_customers RETURNING 1")
    await importer.rows("DELETE FROM dirty_graph_keys RETURNING 1")

    await importer.take_texts({"order_lines": LINES.replace("O2,1,P1,1.5", "O2,1,P1,2.5")})

    assert await importer.rows("SELECT customer_id FROM dirty_customers") == [(ids["C1"],)]
    assert await importer.rows("SELECT kind, key FROM dirty_graph_keys") == [("CUSTOMER", ids["C1"])]


async def test_a_product_that_moves_to_another_category_takes_its_days_along(importer: Importer) -> None:
    await importer.take_texts(SHOP)

    await importer.take_texts({"products": SHOP["products"].replace("P1,菠菜,LEAFY", "P1,菠菜,ROOTS")})

    assert await importer.rows(
        "SELECT c.code, d.orders FROM category_days d JOIN categories c USING (category_id)"
        " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source} ORDER BY 1"
    ) == [("FISH", 1), ("ROOTS", 2)]


async def test_what_a_product_costs_the_shop_is_optional(importer: Importer) -> None:  # S2-6
    costs = "SELECT external_id, unit_cost_cents FROM products WHERE source_id = {source} ORDER BY 1"
    await importer.take_texts({"products": SHOP["products"]})
    unknown = await importer.rows(costs)

    await importer.take_texts({"products": "external_id,category,unit_cost\nP1,LEAFY,3.10\nP2,FISH,\n"})
    told = await importer.rows(costs)
    await importer.take_texts({"products": SHOP["products"]})

    assert unknown == [("P1", None), ("P2", None)]
    assert told == [("P1", 310), ("P2", None)]
    assert await importer.rows(costs) == told  # a file without the column leaves it


async def test_referrers_and_communities_are_linked_and_unknown_ones_flagged(importer: Importer) -> None:
    reports = await importer.take_texts(
        {
            "customers": "external_id,name,referred_by,community\nC1,甲,C2,E1\nC2,乙,,\nC3,丙,C9,E9\n",
            "communities": "external_id,name,city,leader_external_id,leader_name\nE1,阳光花园,上海,L1,王团长\n",
        }
    )

    assert reports["communities"].new == 1
    assert reports["customers"].warnings == {
        "referrers who are not known": 1,
        "communities that are not known": 1,
    }
    names = "SELECT external_id FROM customer_refs r WHERE r.source_id = {source} AND r.customer_id = "
    assert await importer.rows(
        f"SELECT ({names}f.customer_id), ({names}f.referrer_id) FROM referrals f"
        " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source}"
    ) == [("C1", "C2")]
    assert await importer.rows(
        f"SELECT ({names}leader_customer_id) FROM communities WHERE source_id = {{source}}"
    ) == [("L1",)]
    assert await importer.rows(
        "SELECT r.external_id, m.external_id FROM customers k JOIN communities m USING (community_id)"
        " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source}"
    ) == [("C1", "E1")]
    assert await importer.rows(
        "SELECT flags FROM source_records WHERE source_id = {source} AND external_id = 'C3'"
    ) == [(["REFERRER_UNKNOWN", "COMMUNITY_UNKNOWN"],)]


HEAD = "external_id,customer_external_id,placed_at,paid_at,status,channel,net_amount,refunded_amount\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",C1,2026-05-01,,PAID,APP,1,0", "external_id is missing"),
        ("X,,2026-05-01,,PAID,APP,1,0", "customer_external_id is missing"),
        ("X,C1,,,PAID,APP,1,0", "placed_at is missing"),
        ("X,C1,2026-05-01,,PAID,APP,,0", "net_amount is missing"),
        ("X,C9,2026-05-01,,PAID,APP,1,0", 'customer "C9" is unknown; import customers first'),
        ("X,C1,2026-05-01,,PAID,APP,12.345,0", 'net_amount "12.345" has more than two decimals'),
        ("X,C1,2026-05-01,,PAID,APP,zwölf,0", 'net_amount "zwölf" is not an amount such as 12.50'),
        ("X,C1,2026-05-01,,PAID,APP,-1,0", 'net_amount "-1" is below zero'),
        ("X,C1,2026-05-01,,PAID,APP,NaN,0", 'net_amount "NaN" is more than 687,194,767.36'),
        ("X,C1,2026-05-01,,PAID,APP,1e12,0", 'net_amount "1e12" is more than 687,194,767.36'),
        ("X,C1,2026-05-01,,PAID,APP,1,2", "refunded_amount 2 is more than net_amount 1"),
        ("X,C1,2026-06-02,,PAID,APP,1,0", 'placed_at "2026-06-02" is in the future'),
        ("X,C1,2026-05-01,2027-01-01,PAID,APP,1,0", 'paid_at "2027-01-01" is in the future'),
        (
            "X,C1,2026-13-01,,PAID,APP,1,0",
            'placed_at "2026-13-01" is not a date such as 2026-05-31 or 2026-05-31 18:30',
        ),
        (
            "X,C1,today,,PAID,APP,1,0",
            'placed_at "today" is not a date such as 2026-05-31 or 2026-05-31 18:30',
        ),
        (
            "X,C1,05/06/2026,,PAID,APP,1,0",
            'placed_at "05/06/2026" is not a date such as 2026-05-31 or 2026-05-31 18:30',
        ),
        (
            "X,C1,2026-05-01,,SHIPPED,APP,1,0",
            'status "SHIPPED" is not known; it may be PLACED, PAID, DELIVERED, CANCELLED, REFUNDED, '
            "or a mapping file may translate it",
        ),
        (
            "X,C1,2026-05-01,,PAID,FAX,1,0",
            'channel "FAX" is not known; it may be APP, MINI_PROGRAM, STORE, WHOLESALE, COMMUNITY_GROUP, OTHER, '
            "or a mapping file may translate it",
        ),
        ("X,C1,2026-05-01", "the row has 3 cells where the header has 8"),
        ("X,C1,2026-05-01,,PAID,APP,1,0,more", "the row has 9 cells where the header has 8"),
        ("GOOD,C1,2026-05-02,,PAID,APP,1,0", 'orders "GOOD" is already in row 1 with other values'),
        (
            "X,C1,2026-05-01,,PAID,APP,687194767,0",
            'the orders of customer "C1" would come to more than 687,194,767.36',
        ),
    ],
)
async def test_a_bad_order_is_rejected_with_its_reason(importer: Importer, row: str, reason: str) -> None:
    await importer.take_texts({"customers": CUSTOMERS})
    good = (
        "GOOD,C2,2026-05-01,,PAID,APP,1,0\n" if "687194767" in row else "GOOD,C1,2026-05-01,,PAID,APP,1,0\n"
    )
    other = "Y,C1,2026-05-01,,PAID,APP,1,0\n" if row.endswith("687194767,0") else ""

    reports = await importer.take_texts({"orders": f"{HEAD}{good}{row}\n{other}"})

    assert rejects(reports["orders"])[0] == (2, reason)
    assert reports["orders"].new == 1
    assert await importer.rows("SELECT external_id FROM orders WHERE source_id = {source}") == [("GOOD",)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("O9,1,P1,1,5", 'order "O9" is unknown; import orders first'),
        ("O1,3,P9,1,5", 'product "P9" is unknown; import products first'),
        ("O1,0,P1,1,5", 'line_no "0" is not a whole number from 1'),
        ("O1,x,P1,1,5", 'line_no "x" is not a whole number from 1'),
        ("O1,3,P1,0,5", 'quantity "0" is not between 0 and 1,000,000,000'),
        ("O1,3,P1,1.2345,5", 'quantity "1.2345" has more than three decimals'),
        ("O1,3,P1,many,5", 'quantity "many" is not a number'),
        ("O1,3,P1,1,5.001", 'net_amount "5.001" has more than two decimals'),
    ],
)
async def test_a_bad_line_is_rejected_with_its_reason(importer: Importer, row: str, reason: str) -> None:
    reports = await importer.take_texts({**SHOP, "order_lines": f"{LINES}{row}\n"})

    assert rejects(reports["order_lines"]) == [(5, reason)]
    assert reports["order_lines"].new == 4


async def test_equal_rows_count_once_and_are_not_rejected(importer: Importer) -> None:
    reports = await importer.take_texts(
        {"customers": CUSTOMERS + "C1,张三,138-1234-5678,Zhang@Example.com\n"}
    )

    assert (reports["customers"].new, reports["customers"].unchanged, reports["customers"].rejected) == (
        2,
        1,
        0,
    )


async def test_a_good_file_takes_the_reject_file_of_an_earlier_one_away(importer: Importer) -> None:
    await importer.take_texts({"customers": CUSTOMERS})
    first = await importer.take_texts({"orders": f"{HEAD}X,C9,2026-05-01,,PAID,APP,1,0\n"})
    assert first["orders"].reject_file is not None

    second = await importer.take_texts({"orders": f"{HEAD}X,C1,2026-05-01,,PAID,APP,1,0\n"})

    assert second["orders"].reject_file is None
    assert not first["orders"].reject_file.exists()


async def test_spaces_around_cells_are_not_part_of_them(importer: Importer) -> None:
    await importer.take_texts({"customers": CUSTOMERS})
    tight = "X,C1,2026-05-01 10:00,,PAID,APP,5.50,0"

    (first,) = (await importer.take_texts({"orders": f"{HEAD}{tight}\n"})).values()
    (second,) = (await importer.take_texts({"orders": HEAD + tight.replace(",", " , ") + " \n"})).values()

    assert (first.new, second.unchanged, second.rejected) == (1, 1, 0)


async def test_an_order_without_lines_is_not_counted_as_unequal_to_them(importer: Importer) -> None:
    reports = await importer.take_texts({**SHOP, "order_lines": LINES.replace("O3,1,P2,1,88\n", "")})

    assert reports["order_lines"].warnings == {}


async def test_an_order_that_comes_later_adds_to_its_day(importer: Importer) -> None:
    await importer.take_texts(SHOP)

    await importer.take_texts(
        {
            "orders": f"{HEAD}O4,C1,2026-05-01 11:00,,PAID,APP,9,0\n",
            "order_lines": LINES.splitlines()[0] + "\nO4,1,P1,1,4\nO4,2,P1,1,5\n",
        }
    )

    assert await importer.rows(
        "SELECT c.code, d.orders, d.spend_cents FROM category_days d JOIN categories c USING (category_id)"
        " JOIN customer_refs r USING (customer_id) WHERE r.source_id = {source} ORDER BY 1"
    ) == [("FISH", 1, 8800), ("LEAFY", 3, 2000)]


async def test_lines_that_do_not_add_up_are_kept_and_counted(importer: Importer) -> None:
    reports = await importer.take_texts(
        {**SHOP, "order_lines": LINES.replace("O1,2,P2,1,88.00", "O1,2,P2,1,80")}
    )

    assert reports["order_lines"].warnings == {"orders whose lines do not add up to them": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "orders.csv is empty: the first line must name the columns."),
        (
            "external_id,placed_at\n".encode("utf-16"),
            "orders.csv is not UTF-8: it looks like UTF-16. "
            "Save it as UTF-8 (in Excel: CSV UTF-8) and import it again.",
        ),
        (
            (HEAD + "张,C1,2026-05-01,,PAID,APP,1,0\n").encode("gbk"),
            f"orders.csv is not UTF-8: byte {len(HEAD) + 1} (line 2) is 0xD5. "
            "Save it as UTF-8 (in Excel: CSV UTF-8) and import it again.",
        ),
        (
            b"external_id,placed_at\nX,2026-05-01\n",
            "orders.csv lacks the columns customer_external_id, net_amount for orders; it has external_id, placed_at."
            " Say in the --mapping file which column is which.",
        ),
        (b"external_id,external_id\n", "orders.csv has two columns named external_id; rename one."),
    ],
)
async def test_a_file_that_cannot_be_used_is_one_sentence(
    importer: Importer, content: bytes, sentence: str
) -> None:
    path = importer.write("orders.csv", content)

    with pytest.raises(DomainError) as caught:
        await importer.take(path)

    assert caught.value.message == sentence
    assert await importer.rows("SELECT 1 FROM orders WHERE source_id = {source}") == []


async def test_an_unknown_kind_lists_the_kinds(importer: Importer) -> None:
    path = importer.write("sales.csv", HEAD)

    with pytest.raises(DomainError) as caught:
        await importer.take(path)

    assert caught.value.message == (
        "sales.csv does not say what it holds: name one of communities, products, customers, orders, order_lines "
        "with --kind, or use --mapping."
    )


async def test_a_byte_order_mark_and_windows_line_ends_are_understood(importer: Importer) -> None:
    path = importer.write("customers.csv", b"\xef\xbb\xbf" + CUSTOMERS.replace("\n", "\r\n").encode())

    (report,) = await importer.take(path)

    assert (report.new, report.rejected) == (2, 0)


async def test_a_parquet_file_goes_in_like_its_csv(importer: Importer) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    await importer.take_texts({"customers": CUSTOMERS, "products": SHOP["products"]})
    columns = [line.split(",") for line in ORDERS.splitlines()]
    table = pyarrow.table(
        {name: [row[i] or None for row in columns[1:]] for i, name in enumerate(columns[0])}
    )
    path = importer.folder / "orders.parquet"
    parquet.write_table(table, path)

    (report,) = await importer.take(path)

    assert (report.read, report.new) == (3, 3)
    again = await importer.take_texts({"orders": ORDERS})
    assert again["orders"].unchanged == 3


MAPPING = """
[format]
date = "%Y%m%d"
time_of_day = "12:00"
delimiter = "whitespace"

[customers]
external_id = "who"
registered_at = "date"

[products]
external_id = "=CD"
category = "=Music"

[orders]
external_id = "@row"
customer_external_id = "who"
placed_at = "date"
net_amount = "dollars"
channel = "way"

[orders.values.channel]
web = "APP"
"*" = "OTHER"

[order_lines]
order_external_id = "@row"
line_no = "=1"
product_external_id = "=CD"
quantity = "cds"
net_amount = "dollars"
"""


async def test_one_log_feeds_four_kinds_by_a_mapping(importer: Importer) -> None:
    mapping = importer.write("mapping.toml", MAPPING)
    log = importer.write(
        "log.txt",
        "who    date      cds  dollars way\n"
        "00004 19970118    2   29.33   web\n00004 19970101 2 29.73 fax\n00021  19970101 3 63.34 web\n",
    )

    reports = await importer.take(log, mapping=mapping)

    assert [(r.kind.value, r.read, r.new, r.rejected) for r in reports] == [
        ("products", 3, 1, 0),
        ("customers", 3, 2, 0),
        ("orders", 3, 3, 0),
        ("order_lines", 3, 3, 0),
    ]
    assert await importer.rows(
        "SELECT external_id, placed_at, charged_cents, channel, line_cents FROM orders"
        " WHERE source_id = {source} ORDER BY 1"
    ) == [
        ("1", datetime(1997, 1, 18, 4, tzinfo=UTC), 2933, 1, 2933),
        ("2", datetime(1997, 1, 1, 4, tzinfo=UTC), 2973, 6, 2973),
        ("3", datetime(1997, 1, 1, 4, tzinfo=UTC), 6334, 1, 6334),
    ]
    assert await importer.rows(
        "SELECT r.external_id, c.registered_at FROM customers c JOIN customer_refs r USING (customer_id)"
        " WHERE r.source_id = {source} ORDER BY 1"
    ) == [
        ("00004", datetime(1997, 1, 1, 4, tzinfo=UTC)),
        ("00021", datetime(1997, 1, 1, 4, tzinfo=UTC)),
    ]


async def test_a_category_beyond_the_most_is_rejected(importer: Importer) -> None:
    rows = "".join(f"P{number},K{number:03}\n" for number in range(80))

    reports = await importer.take_texts({"products": "external_id,category\n" + rows}, dry_run=True)

    assert rejects(reports["products"])[-1] == (
        80,
        'category "K079" would be one too many: a shop has at most 64',
    )


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)
