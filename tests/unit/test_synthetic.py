import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from api.demo_files import csv_chunks
from domain.errors import DomainError, ErrorCode
from domain.orders.order import OrderChannel, OrderStatus
from domain.synthetic.generate import Batch, generate, generate_block
from domain.synthetic.phones import phone_numbers
from domain.synthetic.profiles import PROFILES, Block, Profile, blocks, get_profile
from domain.synthetic.purchases import simulate
from domain.synthetic.randomness import Stream, pick_by_row, stream
from domain.synthetic.retailer import open_retailer
from domain.synthetic.segments import CHANNELS, SEGMENTS
from domain.synthetic.tables import COLUMNS, Column, Table, numbered

CHINA = timezone(timedelta(hours=8))
END = datetime(2026, 11, 23, tzinfo=CHINA)
TINY = PROFILES["tiny"]


def whole(
    *, seed: int = 7, as_of: datetime = END, duplicates: bool = False, profile: Profile = TINY
) -> Batch:
    (batch,) = generate(profile, seed=seed, as_of=as_of, duplicates=duplicates)
    return batch


@pytest.fixture(scope="module")
def tiny() -> Batch:
    return whole()


def digest(tables: Mapping[str, Table]) -> str:
    sha = hashlib.sha256()
    for name, table in sorted(tables.items()):
        for chunk in csv_chunks(name, table):
            sha.update(chunk)
    return sha.hexdigest()


def row_of(ids: Column, wanted: Column) -> Column:
    order = np.argsort(ids)
    at = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)]
    assert (ids[at] == wanted).all(), "a reference leads nowhere"
    return at


def local(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(CHINA).replace(tzinfo=None), "s")


def test_the_same_seed_and_end_give_the_same_bytes(tiny: Batch) -> None:
    assert digest(whole().tables) == digest(tiny.tables)


def test_another_seed_gives_another_retailer(tiny: Batch) -> None:
    assert digest(whole(seed=8).tables) != digest(tiny.tables)


def test_another_zone_for_the_same_moment_changes_nothing(tiny: Batch) -> None:
    assert digest(whole(as_of=END.astimezone(timezone.utc)).tables) == digest(tiny.tables)  # noqa: UP017


def test_a_block_has_the_same_rows_whatever_was_made_before_it() -> None:
    retailer = open_retailer(TINY, seed=7, as_of=END)
    second, first = Block(1, 1_000, 1_000), Block(0, 0, 1_000)

    backwards = [generate_block(retailer, block) for block in (second, first)]
    forwards = [generate_block(retailer, block) for block in (first, second)]

    assert [digest(b.tables) for b in backwards] == [digest(b.tables) for b in reversed(forwards)]


def test_blocks_share_no_identifier_and_no_phone() -> None:
    retailer = open_retailer(TINY, seed=7, as_of=END)
    one, two = (generate_block(retailer, Block(n, n * 1_000, 1_000)).tables for n in (0, 1))

    for name in ("customers", "communities", "orders"):
        assert not set(one[name]["external_id"]) & set(two[name]["external_id"])


def test_blocks_cover_all_customers_once() -> None:
    assert list(blocks(250_000)) == [
        Block(0, 0, 100_000),
        Block(1, 100_000, 100_000),
        Block(2, 200_000, 50_000),
    ]


def test_tables_have_the_columns_of_the_import_files_and_no_ragged_ends(tiny: Batch) -> None:
    assert {name: list(table) for name, table in tiny.tables.items()} == {
        name: list(columns) for name, columns in COLUMNS.items()
    }
    for table in tiny.tables.values():
        assert len({len(column) for column in table.values()}) == 1


def test_the_shelf_holds_2016_differently_named_products_in_24_categories(tiny: Batch) -> None:
    products = tiny.tables["products"]

    assert len(set(products["name"])) == len(products["name"]) == 2_016
    assert len(set(products["category"])) == 24
    assert products["unit_price"].min() > 0


def test_lines_add_up_to_their_order_to_the_cent(tiny: Batch) -> None:
    orders, lines = tiny.tables["orders"], tiny.tables["order_lines"]

    at = row_of(orders["external_id"], lines["order_external_id"])
    total = np.zeros(len(orders["net_amount"]), np.int64)
    np.add.at(total, at, lines["net_amount"])

    assert (total == orders["net_amount"]).all()
    assert (lines["net_amount"] >= 0).all()


def test_no_line_costs_more_than_the_list_price_of_what_was_bought(tiny: Batch) -> None:
    products, lines = tiny.tables["products"], tiny.tables["order_lines"]
    price = products["unit_price"][row_of(products["external_id"], lines["product_external_id"])]

    assert (lines["quantity"] >= 1).all()
    assert (lines["net_amount"] <= lines["quantity"] * price).all()


@pytest.mark.parametrize("as_of", [END, datetime(2026, 11, 22, 15, 30, 7, tzinfo=CHINA)])
def test_nothing_happens_after_the_end_of_data_nor_before_its_customer_registered(as_of: datetime) -> None:
    tables = whole(as_of=as_of).tables
    orders, customers = tables["orders"], tables["customers"]
    registered = customers["registered_at"][row_of(customers["external_id"], orders["customer_external_id"])]
    paid = orders["paid_at"][~np.isnat(orders["paid_at"])]

    assert orders["placed_at"].max() <= local(as_of)
    assert paid.max() <= local(as_of)
    assert customers["registered_at"].max() <= local(as_of)
    assert (orders["placed_at"] >= registered).all()


def test_refunds_follow_from_the_status(tiny: Batch) -> None:
    orders = tiny.tables["orders"]
    status, refunded, net = orders["status"], orders["refunded_amount"], orders["net_amount"]
    unpaid = np.isnat(orders["paid_at"]) & np.isnat(orders["confirmed_at"])

    assert (refunded[status == b"REFUNDED"] == net[status == b"REFUNDED"]).all()
    assert (refunded <= net).all()
    assert (refunded[unpaid] == 0).all()
    assert set(status[unpaid]) <= {b"PLACED", b"CANCELLED"}
    assert ((status == b"DELIVERED") & (refunded > 0)).any()
    assert set(status) == {b"PLACED", b"PAID", b"DELIVERED", b"CANCELLED", b"REFUNDED"}


def test_some_businesses_buy_on_credit_and_most_pay_in_time(tiny: Batch) -> None:
    """Confirmed within minutes, paid within days; what is not paid by the end of data is owed (C4)."""
    orders, customers = tiny.tables["orders"], tiny.tables["customers"]
    buyer = row_of(customers["external_id"], orders["customer_external_id"])
    on_credit = ~np.isnat(orders["confirmed_at"])
    days, paid = orders["credit_days"][on_credit], orders["paid_at"][on_credit]
    confirmed, placed = orders["confirmed_at"][on_credit], orders["placed_at"][on_credit]

    assert (customers["kind"][buyer[on_credit]] == b"BUSINESS").all()
    assert set(orders["status"][on_credit]) == {b"PLACED", b"DELIVERED"}
    assert (set(days), set(orders["credit_days"][~on_credit])) == ({b"7", b"15", b"30"}, {b""})
    assert 0.3 < on_credit[customers["kind"][buyer] == b"BUSINESS"].mean() < 0.8
    waits = (confirmed - placed).astype(np.int64)
    assert 300 <= waits.min() <= waits.max() < 5_400
    assert confirmed.max() <= local(END)
    due = confirmed + days.astype(np.int64) * np.timedelta64(86_400, "s")
    is_judged = due < local(END)
    assert 0.75 < (paid <= due)[is_judged].mean() < 0.97
    assert (paid > due).any()
    assert (np.isnat(paid) & is_judged).any()
    assert np.isnat(paid[~is_judged]).mean() > 0.3


def test_who_buys_on_credit_always_has_the_same_days(tiny: Batch) -> None:
    orders = tiny.tables["orders"]
    on_credit = orders["credit_days"] != b""
    pairs = set(zip(orders["customer_external_id"][on_credit], orders["credit_days"][on_credit], strict=True))

    assert len(pairs) == len({customer for customer, _ in pairs}) > 30


def test_only_customers_of_a_community_buy_in_groups(tiny: Batch) -> None:
    orders, customers = tiny.tables["orders"], tiny.tables["customers"]
    group = orders["customer_external_id"][orders["channel"] == b"COMMUNITY_GROUP"]

    assert len(group) > 0
    assert (customers["community"][row_of(customers["external_id"], group)] != b"").all()


def test_each_community_is_led_by_a_household_that_lives_in_it(tiny: Batch) -> None:
    communities, customers = tiny.tables["communities"], tiny.tables["customers"]
    leader = row_of(customers["external_id"], communities["leader_external_id"])

    assert len(communities["external_id"]) == 8
    assert (customers["community"][leader] == communities["external_id"]).all()
    assert (customers["city"][leader] == communities["city"]).all()
    assert (customers["kind"][leader] == b"HOUSEHOLD").all()


def test_inviters_are_households_registered_earlier(tiny: Batch) -> None:
    customers = tiny.tables["customers"]
    invited = np.flatnonzero(customers["referred_by"] != b"")
    inviter = row_of(customers["external_id"], customers["referred_by"][invited])

    assert 300 < len(invited) < 600
    assert (customers["registered_at"][inviter] <= customers["registered_at"][invited]).all()
    assert (inviter < invited).all()  # so no ring of invitations
    assert (customers["kind"][inviter] == b"HOUSEHOLD").all()


def test_phones_come_in_all_spellings_and_most_can_be_understood(tiny: Batch) -> None:
    phones = [unicodedata.normalize("NFKC", phone.decode()) for phone in tiny.tables["customers"]["phone"]]
    bare = [re.sub(r"^(\+86|0086|86)", "", re.sub(r"[ -]", "", phone)) for phone in phones]
    valid = [phone for phone in bare if re.fullmatch(r"1[3-9]\d{9}", phone)]
    spelled = b"\n".join(tiny.tables["customers"]["phone"]).decode()

    assert all(mark in spelled for mark in ("+86", "\n0086", "\n86", " ", "-", "１", "\n\n"))
    assert 0.93 < len(valid) / len(phones) < 0.97
    assert len(set(valid)) == len(valid)


def test_phone_numbers_of_different_customers_differ() -> None:
    numbers = phone_numbers(np.arange(300_000), offset=99_999_999)

    assert len(set(numbers)) == 300_000
    assert {len(number) for number in numbers[:1_000]} == {11}


def test_one_record_a_customer_unless_asked_for_more(tiny: Batch) -> None:
    records = whole(duplicates=True)

    assert len(tiny.tables["customers"]["external_id"]) == 2_000
    assert (tiny.truth["records"]["person"] == np.arange(2_000)).all()
    assert 2_250 < len(records.tables["customers"]["external_id"]) < 2_480  # 2,000 and Poisson(0.18) each
    assert len(set(records.tables["customers"]["external_id"])) == len(records.truth["records"]["person"])
    assert set(records.truth["records"]["person"]) == set(range(2_000))


def test_records_of_one_person_share_the_orders() -> None:
    batch = whole(duplicates=True)
    customers, orders, truth = batch.tables["customers"], batch.tables["orders"], batch.truth["records"]
    person = truth["person"][row_of(truth["external_id"], orders["customer_external_id"])]
    several = np.flatnonzero(np.bincount(truth["person"]) > 1)

    buyers = {(one, record) for one, record in zip(person, orders["customer_external_id"], strict=True)}

    assert any(
        sum((one, record) in buyers for record in customers["external_id"]) > 1 for one in several[:40]
    )


def test_the_truth_lists_each_customer_with_its_segment_and_hidden_end(tiny: Batch) -> None:
    truth = tiny.truth["customers"]

    assert (truth["person"] == np.arange(2_000)).all()
    assert set(truth["segment"]) == {segment.code.encode() for segment in SEGMENTS}
    assert 0.3 < np.isnat(truth["left_at"]).mean() < 0.7
    assert not set(truth) & {column for columns in COLUMNS.values() for column in columns}


def test_nobody_buys_after_the_hidden_end(tiny: Batch) -> None:
    orders, left = tiny.tables["orders"], tiny.truth["customers"]["left_at"]
    at = left[row_of(tiny.tables["customers"]["external_id"], orders["customer_external_id"])]
    gone = ~np.isnat(at)

    # The process says the day; the hour, and a wait for the next day, come on top.
    assert (orders["placed_at"][gone] < at[gone] + np.timedelta64(2, "D")).all()


def test_a_customer_who_always_leaves_buys_once() -> None:
    first = np.array([0.5, 3.0, 9.0])

    purchases = simulate(
        stream(1, Stream.PURCHASES), first_day=first, rate=np.ones(3), dropout=np.ones(3), last_day=5.0
    )

    assert purchases.customer.tolist() == [0, 1]
    assert purchases.day.tolist() == [0.5, 3.0]
    assert purchases.death_day[:2].tolist() == [0.5, 3.0]
    assert np.isnan(purchases.death_day[2])


def test_a_customer_who_never_leaves_buys_at_the_given_rate() -> None:
    count, rate, days = 4_000, 0.3, 50.0

    purchases = simulate(
        stream(1, Stream.PURCHASES),
        first_day=np.zeros(count),
        rate=np.full(count, rate),
        dropout=np.zeros(count),
        last_day=days,
    )

    repeats = len(purchases.customer) / count - 1
    assert abs(repeats - rate * days) < 4 * np.sqrt(
        rate * days / count
    )  # four standard errors of a Poisson mean
    assert np.isnan(purchases.death_day).all()


def test_a_profile_may_be_smaller_than_its_communities() -> None:
    batch = whole(profile=replace(TINY, customers=1))

    assert batch.tables["customers"]["external_id"].tolist() == [b"C0000001"]
    assert batch.tables["communities"]["leader_external_id"].tolist() == [b"C0000001"]


@pytest.mark.parametrize(
    ("name", "customers", "code", "field"),
    [
        ("huge", None, ErrorCode.NOT_FOUND, "profile"),
        ("demo", 0, ErrorCode.OUT_OF_RANGE, "customers"),
        ("demo", 10_000_000, ErrorCode.OUT_OF_RANGE, "customers"),
    ],
)
def test_an_impossible_size_is_refused(name: str, customers: int | None, code: ErrorCode, field: str) -> None:
    with pytest.raises(DomainError) as refusal:
        get_profile(name, customers=customers)

    assert (refusal.value.code, refusal.value.field) == (code, (field,))


def test_a_profile_may_be_made_with_another_number_of_customers() -> None:
    assert get_profile("demo") == Profile("demo", 20_000)
    assert get_profile("demo", customers=500) == Profile("demo", 500)


def test_channels_and_statuses_are_those_of_orders(tiny: Batch) -> None:
    orders = tiny.tables["orders"]

    assert set(CHANNELS) == {channel.value for channel in OrderChannel}
    assert {channel.decode() for channel in orders["channel"]} <= set(CHANNELS)
    assert {status.decode() for status in orders["status"]} == {status.value for status in OrderStatus}


def test_an_end_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        open_retailer(TINY, seed=1, as_of=datetime(2026, 11, 23))


def test_picking_by_row_follows_the_shares_of_that_row() -> None:
    shares = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])

    picked = pick_by_row(stream(1, Stream.PEOPLE), shares, np.repeat([0, 1], 1_000))

    assert set(picked[:1_000]) == {1}
    assert set(picked[1_000:]) == {0, 2}


def test_numbers_are_filled_with_zeros() -> None:
    assert numbered("C", np.array([1, 42, 1_234_567]), 7).tolist() == [b"C0000001", b"C0000042", b"C1234567"]


def test_businesses_of_the_demo_reach_every_grade_and_no_grade_is_empty() -> None:
    batch = whole(seed=1, profile=PROFILES["demo"])
    customers, orders = batch.tables["customers"], batch.tables["orders"]
    counted_at = np.fmin(orders["paid_at"], orders["confirmed_at"])
    counts = ~np.isnat(counted_at) & ~np.isin(orders["status"], [b"CANCELLED", b"REFUNDED"])
    at = row_of(customers["external_id"], orders["customer_external_id"])[counts]
    days = (local(END) - counted_at[counts]).astype(np.int64) // 86_400
    is_recent = days < 90
    net = (orders["net_amount"] - orders["refunded_amount"])[counts]

    # S0-1 to S0-4 in whole points times ten; good enough for shares.
    last = np.full(2 * 10_000, 9_999)
    np.minimum.at(last, at, days)
    number = np.bincount(at[is_recent], minlength=len(last))
    spend = np.bincount(at[is_recent], weights=net[is_recent], minlength=len(last)) / 100
    score = 3 * np.maximum(0, 100 - 2 * last) + 4 * np.minimum(100, 5 * number)
    score = score + 3 * np.minimum(100, spend / 1_000)
    grade = np.searchsorted([400, 600, 750, 900], score, side="right")
    shares = np.bincount(grade[customers["kind"] == b"BUSINESS"], minlength=5) / 2_004

    assert shares.min() > 0.02
    assert shares[0] < 0.75
