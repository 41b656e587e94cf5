"""The whole invented retailer, as tables in the columns of the canonical import files, block by block."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.synthetic.lines import build_lines
from domain.synthetic.orders import build_orders
from domain.synthetic.people import People, build_people
from domain.synthetic.profiles import Block, Profile, blocks
from domain.synthetic.purchases import Purchases, simulate
from domain.synthetic.randomness import Stream, stream
from domain.synthetic.records import Records, build_records, communities_table
from domain.synthetic.retailer import SECONDS_PER_DAY, Retailer, open_retailer
from domain.synthetic.segments import SEGMENTS, TASTES
from domain.synthetic.tables import Table, texts

VERSION = 2
"""Raised whenever the same seed would make other bytes than before."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One block: rows of the import files by name, and the truth, which no service may read."""

    tables: Mapping[str, Table]
    truth: Mapping[str, Table]


def generate(profile: Profile, *, seed: int, as_of: datetime, duplicates: bool = False) -> Iterator[Batch]:
    """The batches of a retailer, one block of customers each; the products come with the first.

    Rows of a batch refer to customers and orders of the same batch and to any product or community.
    Errors: ValueError, see open_retailer.
    Cost: about 1.3 s of CPU for each 100,000 customers, and 0.7 GB in all.
    """
    retailer = open_retailer(profile, seed=seed, as_of=as_of, duplicates=duplicates)
    for block in blocks(profile.customers):
        yield generate_block(retailer, block)


def generate_block(retailer: Retailer, block: Block) -> Batch:
    """One block by itself: the same rows whatever was made before it."""
    people = build_people(retailer, block)
    records, customers = build_records(retailer, block, people)
    purchases = simulate(
        stream(retailer.seed, Stream.PURCHASES, block.number),
        first_day=people.first_day,
        rate=people.rate,
        dropout=people.dropout,
        last_day=float(retailer.profile.days),
    )
    orders = build_orders(retailer, block, people, records, purchases)
    tables = {
        "customers": customers,
        "communities": communities_table(retailer, people, records),
        "orders": orders.table,
        "order_lines": build_lines(retailer, block, people, orders),
    }
    if block.number == 0:
        tables = {"products": retailer.shelf.table, **tables}
    return Batch(tables, _truth(retailer, people, records, purchases))


def _truth(retailer: Retailer, people: People, records: Records, purchases: Purchases) -> dict[str, Table]:
    death = retailer.start_second + np.nan_to_num(purchases.death_day) * SECONDS_PER_DAY
    left_at = np.where(
        np.isnan(purchases.death_day), np.datetime64("NaT", "s"), death.astype("datetime64[s]")
    )
    products = retailer.shelf.table["external_id"]
    favourites = {
        f"favourite_{rank + 1}": products[people.favourites[:, rank]]
        for rank in range(people.favourites.shape[1])
    }
    customers = {
        "person": people.number,
        "segment": texts(*(segment.code for segment in SEGMENTS))[people.segment],
        "taste": texts(*TASTES)[people.taste],
        "orders_per_day": people.rate,
        "dropout_probability": people.dropout,
        "mean_order_amount": people.mean_amount,
        "left_at": left_at,
        **favourites,
    }
    return {
        "customers": customers,
        "records": {"external_id": records.external_id, "person": people.number[records.person]},
    }
