"""Purchases as orders: hour and weekday, channel, amount, status, refund and delivery fee."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.credit import Credit, draw_credit
from domain.synthetic.people import NOBODY, People
from domain.synthetic.profiles import Block
from domain.synthetic.purchases import Purchases
from domain.synthetic.randomness import Stream, pick_by_row, stream
from domain.synthetic.records import Records
from domain.synthetic.retailer import SECONDS_PER_DAY, Retailer
from domain.synthetic.segments import CHANNELS, SEGMENTS, each
from domain.synthetic.tables import Table, numbered, texts

ORDERS_PER_BLOCK = 100_000_000
_STATUSES = texts("PLACED", "PAID", "DELIVERED", "CANCELLED", "REFUNDED")
_PLACED, _PAID, _DELIVERED, _CANCELLED, _REFUNDED = range(5)
_HOUR = 3_600
_KITCHEN_ON_WAY_HOURS = 8
_NEVER = np.datetime64("NaT", "s")
_GROUP = CHANNELS.index("COMMUNITY_GROUP")


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders by time; `person` is an index into the people of the block."""

    table: Table
    person: NDArray[np.int64]
    net_cents: NDArray[np.int64]


def build_orders(
    retailer: Retailer, block: Block, people: People, records: Records, purchases: Purchases
) -> Orders:
    random = stream(retailer.seed, Stream.ORDERS, block.number)
    placed = _placed(random, retailer, people.segment[purchases.customer], purchases.day)
    by_time = np.argsort(placed, kind="stable")
    by_time = by_time[: np.searchsorted(placed[by_time], retailer.end_second, side="right")]
    person, placed = purchases.customer[by_time], placed[by_time]
    channel = _channels(random, people, person)
    net = _net_cents(random, people, person)
    paid = placed + random.integers(20, 900, len(placed))
    status = _statuses(random, retailer.end_second, people.is_business[person], placed, paid)
    cancelled_unpaid = (status == _CANCELLED) & (random.random(len(placed)) < 0.5)
    is_paid = (status != _PLACED) & ~cancelled_unpaid
    credit = draw_credit(retailer, block, people, person, placed)
    status, on_credit = _on_credit(credit, status, retailer.end_second - placed)
    paid_at = np.where(is_paid, paid.astype("datetime64[s]"), _NEVER)
    record = records.first[person] + (random.random(len(person)) * records.count[person]).astype(np.int64)
    table = {
        "external_id": numbered("D", block.number * ORDERS_PER_BLOCK + np.arange(1, len(placed) + 1), 11),
        "customer_external_id": records.external_id[record],
        "placed_at": placed.astype("datetime64[s]"),
        "paid_at": np.where(on_credit, credit.paid_at, paid_at),
        "confirmed_at": np.where(on_credit, credit.confirmed_at, _NEVER),
        "credit_days": np.where(on_credit, credit.days, b""),
        "status": _STATUSES[status],
        "channel": texts(*CHANNELS)[channel],
        "net_amount": net,
        "refunded_amount": _refunded_cents(random, status, is_paid, net),
        "delivery_fee": np.where((channel <= 1) & (net < 5_900), 600, 0),
    }
    return Orders(table, person, net)


def _placed(
    random: Generator, retailer: Retailer, segment: NDArray[np.int64], day: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The process says the day; habits say the hour, and which weekdays are rather waited out."""
    midnight = (retailer.start_second + (day * SECONDS_PER_DAY).astype(np.int64)) // SECONDS_PER_DAY
    weekday = (midnight + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    waits = np.array([one.stays_home for one in SEGMENTS])[segment, weekday]
    midnight = midnight + (random.random(len(day)) < waits)
    hours = np.array([one.hours for one in SEGMENTS])
    hour = hours[segment, random.integers(0, hours.shape[1], len(day))]
    placed: NDArray[np.int64] = midnight * SECONDS_PER_DAY + hour * _HOUR
    return placed + random.integers(0, _HOUR, len(day))


def _channels(random: Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group orders need a community: who has none uses the app instead."""
    weights = np.array([segment.channels for segment in SEGMENTS], dtype=float)
    channel = pick_by_row(random, weights, people.segment[person])
    return np.where((channel == _GROUP) & (people.community[person] == NOBODY), 0, channel)


def _net_cents(random: Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gamma-Gamma amounts; nothing under one yuan."""
    yuan = random.standard_gamma(each("p")[people.segment[person]]) * people.amount_scale[person]
    return np.clip(np.round(yuan * 100), 100, 10**8).astype(np.int64)


def _statuses(
    random: Generator,
    end_second: int,
    is_business: NDArray[np.bool_],
    placed: NDArray[np.int64],
    paid: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Nearly all are delivered; the newest are on their way, and some on credit are not paid yet."""
    age = end_second - placed
    draw = random.random(len(placed))
    on_way = age < np.where(is_business, _KITCHEN_ON_WAY_HOURS, 3) * _HOUR
    unpaid = (paid > end_second) | ((draw > 0.97) & is_business & (age < 20 * SECONDS_PER_DAY))
    choices = [unpaid, draw < 0.02, draw < 0.032, on_way]
    return np.select(choices, [_PLACED, _CANCELLED, _REFUNDED, _PAID], _DELIVERED)


def _on_credit(
    credit: Credit, status: NDArray[np.int64], age: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Statuses, and which orders are on credit: none that was cancelled or refunded. They are delivered without having
    been paid; until then they are placed."""
    on_credit = credit.is_on_credit & (status != _CANCELLED) & (status != _REFUNDED)
    is_delivered = age >= _KITCHEN_ON_WAY_HOURS * _HOUR
    return np.where(on_credit, np.where(is_delivered, _DELIVERED, _PLACED), status), on_credit


def _refunded_cents(
    random: Generator, status: NDArray[np.int64], is_paid: NDArray[np.bool_], net: NDArray[np.int64]
) -> NDArray[np.int64]:
    """All of it when refunded or cancelled after payment; a part of one delivered order in forty."""
    is_part = (status == _DELIVERED) & (random.random(len(net)) < 0.025)
    part = np.ceil(net * random.uniform(0.1, 0.6, len(net))).astype(np.int64)
    is_whole = (status == _REFUNDED) | ((status == _CANCELLED) & is_paid)
    return np.where(is_whole, net, np.where(is_part, part, 0))
