"""What is in each order: favourites mostly, else what the customer's taste likes, exact to the cent."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.orders import Orders
from domain.synthetic.people import FAVOURITES, People
from domain.synthetic.products import Shelf
from domain.synthetic.profiles import Block
from domain.synthetic.randomness import Stream, stream
from domain.synthetic.retailer import Retailer
from domain.synthetic.segments import each
from domain.synthetic.tables import Table

_FAVOURITE_SHARE = 0.7
_MOST_LINES = 30
_DEEPEST_DISCOUNT = 0.6
_FULL_BASKET_CENTS = 5_000  # under this, fewer kinds of goods


def build_lines(retailer: Retailer, block: Block, people: People, orders: Orders) -> Table:
    random = stream(retailer.seed, Stream.LINES, block.number)
    fullness = np.minimum(orders.net_cents / _FULL_BASKET_CENTS, 1)
    extra = random.poisson(each("extra_lines")[people.segment[orders.person]] * fullness)
    count = 1 + np.minimum(extra, _MOST_LINES - 1)
    order = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    product = _products(random, retailer, people, orders.person[order])
    price = retailer.shelf.unit_price_cents[product]
    net = _split(price * random.uniform(0.5, 1.5, len(price)), first, count, orders.net_cents)
    product = _affordable(random, retailer.shelf, product, net)
    price = retailer.shelf.unit_price_cents[product]
    return {
        "order_external_id": orders.table["external_id"][order],
        "line_no": np.arange(len(order)) - first[order] + 1,
        "product_external_id": retailer.shelf.table["external_id"][product],
        "quantity": np.maximum(-(-net // price), 1),  # so nobody pays more than the list price
        "net_amount": net,
    }


def _products(
    random: Generator, retailer: Retailer, people: People, person: NDArray[np.int64]
) -> NDArray[np.int64]:
    drawn = retailer.shelf.drawn
    explored = drawn[
        people.is_business.astype(np.int8)[person],
        people.taste[person],
        random.integers(0, drawn.shape[2], len(person)),
    ]
    rank = np.minimum(random.geometric(0.35, len(person)), FAVOURITES) - 1
    usual = people.favourites[person, rank]
    return np.where(random.random(len(person)) < _FAVOURITE_SHARE, usual, explored).astype(np.int64)


def _affordable(
    random: Generator, shelf: Shelf, product: NDArray[np.int64], net_cents: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Goods too dear for their line become a smaller pack, or others that such money buys."""
    lowest = _DEEPEST_DISCOUNT * shelf.unit_price_cents
    product = np.where(net_cents < lowest[product], shelf.smallest_pack[product], product)
    dear = np.flatnonzero(net_cents < lowest[product])
    prices = shelf.unit_price_cents[shelf.by_price]
    at = np.searchsorted(prices, net_cents[dear]) + random.integers(0, 40, len(dear))
    product[dear] = shelf.by_price[np.minimum(at, len(prices) - 1)]
    return product


def _split(
    weights: NDArray[np.float64],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    total_cents: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Each order's amount over its lines by weight; rounded running totals make the sum exact."""
    if not len(weights):
        return np.zeros(0, np.int64)
    running = np.cumsum(weights)
    before = np.repeat(running[first] - weights[first], count)
    whole = np.repeat(np.add.reduceat(weights, first), count)
    share = np.minimum((running - before) / whole, 1)
    upto = np.floor(share * np.repeat(total_cents, count)).astype(np.int64)
    last = first + count - 1
    upto[last] = total_cents
    parts: NDArray[np.int64] = np.diff(upto, prepend=0)
    parts[first] = upto[first]
    return parts
