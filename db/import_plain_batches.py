"""Orders and lines that are plainly right, sorted by customer, cut into batches: rows to copy, with their sums
and days by category."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.import_plain_cells import Array, Booleans, Integers
from db.import_plain_checks import Judged, Products
from db.import_plain_rows import PlainRows
from db.import_wire import Field, day, moment, stream, text, thousandths, whole
from domain.calendar import Calendar
from domain.orders.order import MAXIMUM_CATEGORIES, Moments, counted_moments


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """`orders` are rows in the order of customer and time; `lines` are rows in the order of their orders.

    `first_line[i]` is where the lines of the i-th order begin; one more says where the last ones end.
    """

    order_rows: PlainRows
    line_rows: PlainRows | None
    customer_id: Integers
    orders: Integers
    lines: Integers
    first_line: Integers
    product_of: Integers
    products: Products


def sort_plain(judged: Judged, orders: PlainRows, lines: PlainRows | None) -> Plain:
    rows = np.flatnonzero(judged.orders)
    rows = rows[np.lexsort((orders["placed_at"][rows], judged.customer_id[rows]))]
    rank = np.zeros(orders.rows, np.int64)
    rank[rows] = np.arange(len(rows))
    line_rows = np.flatnonzero(judged.lines)
    if lines is not None:
        of_order = rank[judged.order_of[line_rows]]
        ascending = np.argsort((of_order << 31) + lines["line_no"][line_rows], kind="stable")
        line_rows, of_order = line_rows[ascending], of_order[ascending]
        first_line = np.searchsorted(of_order, np.arange(len(rows) + 1))
    else:
        first_line = np.zeros(len(rows) + 1, np.int64)
    return Plain(
        orders,
        lines,
        judged.customer_id[rows],
        rows,
        line_rows,
        first_line,
        judged.product_of[line_rows],
        judged.products,
    )


def batches(plain: Plain, rows: int) -> Iterator[slice]:
    """Of about that many orders and lines, with all orders of each customer in one."""
    if not len(plain.orders):
        return
    customer_begins = np.flatnonzero(
        np.concatenate([[True], plain.customer_id[1:] != plain.customer_id[:-1]])
    )
    rows_before = customer_begins + plain.first_line[customer_begins]
    batch_of = rows_before // rows
    cuts = customer_begins[np.concatenate([[True], batch_of[1:] != batch_of[:-1]])].tolist()
    for first, end in zip(cuts, [*cuts[1:], len(plain.orders)], strict=True):
        yield slice(first, end)


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows for COPY, and the columns that they have."""

    columns: list[str]
    content: bytes

    @classmethod
    def of(cls, fields: list[Field]) -> "Stream":
        return cls([field.name for field in fields], stream(fields))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Customers with all their orders that are plainly right."""

    customers: list[int]
    rows: Integers
    """Of the file of orders."""
    lines: int
    unequal: int
    streams: dict[str, Stream]
    """By table."""


def make_batch(plain: Plain, part: slice, order_id: Integers, calendar: Calendar, source_id: int) -> Batch:
    """Of the orders in `part`; `order_id` has a new id for each."""
    rows, customer_id = plain.orders[part], plain.customer_id[part]
    lines = slice(int(plain.first_line[part.start]), int(plain.first_line[part.stop]))
    first_line = plain.first_line[part.start : part.stop + 1] - lines.start
    order_of = np.repeat(np.arange(len(rows)), np.diff(first_line))
    cents = plain.line_rows["net_amount"][plain.lines[lines]] if plain.line_rows else np.zeros(0, np.int64)
    shares = plain.products.shares[:, plain.product_of[lines]]
    sums = [sums_by_order(first_line, cents * share) for share in (np.int64(1), *shares)]
    counted_us, counts = counted_at(plain.order_rows, rows)
    days = category_days(
        customer_id[order_of],
        calendar.day_numbers(counted_us)[order_of],
        plain.products.category_id[plain.product_of[lines]],
        order_of,
        cents,
        counts[order_of],
    )
    fields = {
        "orders": order_fields(plain.order_rows, rows, customer_id, order_id, sums, source_id),
        "order_lines": line_fields(plain, lines, customer_id[order_of], order_id[order_of], cents),
        "category_days": days,
    }
    has_lines, charged = np.diff(first_line) > 0, plain.order_rows["net_amount"][rows]
    return Batch(
        np.unique(customer_id).tolist(),
        rows,
        len(order_of),
        int((has_lines & (sums[0] != charged)).sum()),
        {table: Stream.of(of_table) for table, of_table in fields.items()},
    )


def sums_by_order(first_line: Integers, cents: Integers) -> Integers:
    """Exact: differences of a running sum of whole numbers."""
    running = np.concatenate([[0], np.cumsum(cents)])
    sums: Integers = running[first_line[1:]] - running[first_line[:-1]]
    return sums


def counted_at(orders: PlainRows, rows: Integers) -> tuple[Integers, Booleans]:
    return counted_moments(
        status=orders["status"][rows],
        placed_us=orders["placed_at"][rows],
        paid=moments_of(orders, "paid_at", rows),
        confirmed=moments_of(orders, "confirmed_at", rows),
        charged_cents=orders["net_amount"][rows],
        refunded_cents=orders["refunded_amount"][rows],
    )


def moments_of(orders: PlainRows, name: str, rows: Integers) -> Moments:
    column = orders.columns[name]
    return Moments(column.values[rows], column.known[rows])


def order_fields(
    orders: PlainRows,
    rows: Integers,
    customer_id: Integers,
    order_id: Integers,
    sums: list[Integers],
    source_id: int,
) -> list[Field]:
    placed, days = orders["placed_at"][rows], orders.columns["credit_days"]
    paid, confirmed = (moments_of(orders, name, rows) for name in ("paid_at", "confirmed_at"))
    stated = placed
    for known in (paid, confirmed):
        stated = np.where(known.known, np.maximum(stated, known.us), stated)
    amounts = {
        "charged_cents": orders["net_amount"][rows],
        "refunded_cents": orders["refunded_amount"][rows],
        "delivery_fee_cents": orders["delivery_fee"][rows],
    } | dict(zip(("line_cents", "high_margin_cents", "organic_cents", "imported_cents"), sums, strict=True))
    return [
        whole("customer_id", customer_id, "int8"),
        whole("order_id", order_id, "int8"),
        whole("source_id", np.full(len(rows), source_id), "int4"),
        text("external_id", orders["external_id"][rows]),
        moment("placed_at", placed),
        moment("paid_at", paid.us, paid.known),
        moment("confirmed_at", confirmed.us, confirmed.known),
        whole("credit_days", days.values[rows], "int4", days.known[rows]),
        moment("stated_at", stated),
        whole("status", orders["status"][rows], "int2"),
        whole("channel", orders["channel"][rows], "int2"),
        *(whole(name, values, "int8") for name, values in amounts.items()),
    ]


def line_fields(
    plain: Plain, part: slice, customer_id: Integers, order_id: Integers, cents: Integers
) -> list[Field]:
    if plain.line_rows is None:
        return [whole("customer_id", customer_id, "int8")]
    rows = plain.lines[part]
    return [
        whole("customer_id", customer_id, "int8"),
        whole("order_id", order_id, "int8"),
        whole("line_no", plain.line_rows["line_no"][rows], "int4"),
        whole("product_id", plain.products.product_id[plain.product_of[part]], "int8"),
        thousandths("quantity", plain.line_rows["quantity"][rows]),
        whole("net_cents", cents, "int8"),
    ]


def category_days(
    customer_id: Integers,
    days: Integers,
    category_id: Array,
    order_of: Integers,
    cents: Integers,
    counts: Booleans,
) -> list[Field]:
    """Of lines in the order of their orders: amounts, and orders that touch a category, by customer and day."""
    customer_id, days, category_id, order_of, cents = (
        of_all[counts] for of_all in (customer_id, days, category_id, order_of, cents)
    )
    ascending = np.argsort(day_keys(customer_id, days, category_id), kind="stable")
    keys: Any = day_keys(customer_id, days, category_id)[ascending]
    order_of, cents = order_of[ascending], cents[ascending]
    begins = np.flatnonzero(changes(keys))
    order_begins = changes(keys) | changes(order_of)
    first = ascending[begins]
    return [
        whole("customer_id", customer_id[first], "int8"),
        day("day", days[first]),
        whole("category_id", category_id[first], "int2"),
        whole("orders", added(order_begins.astype(np.int64), begins), "int4"),
        whole("spend_cents", added(cents, begins), "int8"),
    ]


def day_keys(customer_id: Integers, days: Integers, category_id: Array) -> Integers:
    """One number for the three, in their order."""
    if not len(days):
        return np.zeros(0, np.int64)
    first = customer_id.min(), days.min()
    span = days.max() - first[1] + 1
    keys: Integers = ((customer_id - first[0]) * span + days - first[1]) * MAXIMUM_CATEGORIES + category_id
    return keys


def changes(values: Array) -> Booleans:
    return np.concatenate([np.ones(min(len(values), 1), np.bool_), values[1:] != values[:-1]])


def added(values: Integers, begins: Integers) -> Integers:
    return np.add.reduceat(values, begins) if len(begins) else np.zeros(0, np.int64)
