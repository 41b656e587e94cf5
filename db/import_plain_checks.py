"""Which rows of orders and lines are plainly right among the others: known references, keys that come once,
nothing stored yet, spend within its bound.

What is left over is taken whole: with one doubtful row all orders of its customer go the other way, so that
nothing which that way looks at (equal keys, a customer's spend, the sum of an order's lines) is half in.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from db.import_plain_cells import Array, Booleans, Integers
from db.import_plain_rows import PlainRows
from domain.orders.order import MAXIMUM_SPEND_CENTS

NOWHERE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """The products that lines name, in ascending order of id."""

    product_id: Integers
    category_id: Integers
    shares: Array
    """A row each for high_margin, organic and imported."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What references mean: a customer's id for each order, an order's row and a product for each line.

    `orders` and `lines` are the rows that are plainly right.
    """

    orders: Booleans
    lines: Booleans
    customer_id: Integers
    order_of: Integers
    product_of: Integers
    """A place in `products`."""
    products: Products


async def judge(connection: Any, source_id: int, orders: PlainRows, lines: PlainRows | None) -> Judged:
    """Cost: four questions; sorts the keys."""
    customer_of, customer_id = await find_customers(connection, source_id, orders["customer_external_id"])
    doubtful = ~orders.sure | (customer_id[customer_of] == NOWHERE)
    doubtful |= orders["refunded_amount"] > orders["net_amount"]
    doubtful |= await stored_already(connection, source_id, orders["external_id"])
    by_id = np.argsort(orders["external_id"], kind="stable")
    doubtful |= repeated(orders["external_id"], by_id)
    nobody = np.zeros(0, np.int64)
    order_of, product_of, line_is_sure = nobody, nobody, np.zeros(0, np.bool_)
    products = Products(nobody, nobody, np.zeros((3, 0), np.int64))
    if lines is not None:
        order_of = rows_of(orders["external_id"], by_id, lines["order_external_id"])
        product_of, products = await find_products(connection, source_id, lines["product_external_id"])
        line_is_sure = lines.sure & (product_of != NOWHERE) & ~repeated_lines(order_of, lines["line_no"])
        doubtful[order_of[(order_of != NOWHERE) & ~line_is_sure]] = True
    left = await spending_too_much(connection, orders["net_amount"], customer_of, customer_id)
    left[customer_of[doubtful]] = True
    plain = ~left[customer_of]
    with_order = (order_of != NOWHERE) & line_is_sure
    with_order[with_order] = plain[order_of[with_order]]
    return Judged(plain, with_order, customer_id[customer_of], order_of, product_of, products)


async def find_customers(connection: Any, source_id: int, texts: Array) -> tuple[Integers, Integers]:
    """For each text a place in the array of ids, in which NOWHERE is a customer who is not known."""
    named, place = distinct(texts)
    found = await connection.fetch(FIND_CUSTOMERS, source_id, as_words(named))
    ids = np.full(len(named), NOWHERE, np.int64)
    ids[[row["place"] - 1 for row in found]] = [row["customer_id"] for row in found]
    return place, ids


async def find_products(connection: Any, source_id: int, texts: Array) -> tuple[Integers, Products]:
    named, place = distinct(texts)
    found = await connection.fetch(FIND_PRODUCTS, source_id, as_words(named))
    known = np.full(len(named) + 1, NOWHERE, np.int64)
    known[[row["place"] - 1 for row in found]] = np.arange(len(found))
    flags = [[row[name] for row in found] for name in ("high_margin", "organic", "imported")]
    products = Products(
        np.array([row["product_id"] for row in found], np.int64),
        np.array([row["category_id"] for row in found], np.int64),
        np.array(flags, np.int64).reshape(3, len(found)),
    )
    return known[place], products


async def stored_already(connection: Any, source_id: int, texts: Array) -> Booleans:
    stored = np.zeros(len(texts), np.bool_)
    if await connection.fetchval("SELECT EXISTS (SELECT FROM orders WHERE source_id = $1)", source_id):
        found = await connection.fetch(FIND_ORDERS, source_id, as_words(texts))
        stored[[row["place"] - 1 for row in found]] = True
    return stored


async def spending_too_much(
    connection: Any, cents: Integers, customer_of: Integers, customer_id: Integers
) -> Booleans:
    """Customers whose orders, coming and stored, might come to more than a customer may spend."""
    spend = np.zeros(len(customer_id), np.int64)
    np.add.at(spend, customer_of, np.minimum(cents, MAXIMUM_SPEND_CENTS + 1))
    known = np.flatnonzero(customer_id != NOWHERE)
    rows = await connection.fetch(STORED_SPEND, customer_id[known].tolist())
    spend[known[[row["place"] - 1 for row in rows]]] += np.array([row["cents"] for row in rows], np.int64)
    too_much: Booleans = spend > MAXIMUM_SPEND_CENTS
    return too_much


WANTED = "unnest($2::text[]) WITH ORDINALITY AS wanted (external_id, place)"
FIND_CUSTOMERS = (
    f"SELECT place, customer_id FROM {WANTED} JOIN customer_refs USING (external_id) WHERE source_id = $1"
)
FIND_ORDERS = f"SELECT place FROM {WANTED} JOIN orders USING (external_id) WHERE source_id = $1"
FIND_PRODUCTS = f"""
    SELECT place, product_id, category_id, high_margin, organic, imported
    FROM {WANTED} JOIN products USING (external_id) WHERE source_id = $1 ORDER BY place
"""
STORED_SPEND = """
    SELECT place, sum(charged_cents)::bigint AS cents
    FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (customer_id, place) JOIN orders USING (customer_id)
    GROUP BY place
"""


def as_words(texts: Array) -> list[str]:
    return [text.decode(errors="replace") for text in texts.tolist()]


def distinct(texts: Array) -> tuple[Array, Integers]:
    """The different texts, and for each text its place among them. Short ones are sorted as numbers."""
    if texts.dtype.itemsize > 8:
        named, place = np.unique(texts, return_inverse=True)
        return named, place
    numbers, place = np.unique(texts.astype("S8").view(">u8").astype(np.uint64), return_inverse=True)
    return numbers.astype(">u8").view("S8"), place


def repeated(keys: Array, ascending: Integers) -> Booleans:
    """Every row whose key some other row has too."""
    same = keys[ascending[1:]] == keys[ascending[:-1]]
    found = np.zeros(len(keys), np.bool_)
    found[ascending[1:][same]] = True
    found[ascending[:-1][same]] = True
    return found


def repeated_lines(order_of: Integers, line_no: Integers) -> Booleans:
    """Lines of one order with one number; lines without an order are not told apart."""
    keys = (order_of << 31) + line_no
    found: Booleans = repeated(keys, np.argsort(keys, kind="stable")) & (order_of != NOWHERE)
    return found


def rows_of(keys: Array, ascending: Integers, wanted: Array) -> Integers:
    """Where each wanted key stands among the keys, or NOWHERE. Runs of one key are looked up once."""
    if not len(wanted) or not len(keys):
        return np.full(len(wanted), NOWHERE, np.int64)
    begins = np.concatenate([[True], wanted[1:] != wanted[:-1]])
    heads, in_order = wanted[begins], keys[ascending]
    place = np.minimum(np.searchsorted(in_order, heads), len(keys) - 1)
    found = np.where(in_order[place] == heads, ascending[place], NOWHERE)
    rows: Integers = found[np.cumsum(begins) - 1]
    return rows
