"""Measures everybody without writing: what a first ranking is made of, before any facts are stored."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.customers.measure_orders import DETAIL_DAYS, measure_customers
from domain.standings.columns import condition_columns
from domain.standings.compare import StoredCustomers
from domain.standings.recompute import Progress
from domain.standings.review_customers import CustomerBatch

Arrays = dict[str, NDArray[Any]]


async def measure_population(customers: StoredCustomers, names: Sequence[str], progress: Progress) -> Arrays:
    """The columns of those names, one entry for each customer who has ordered.

    *Cost*: reads all orders, about half of a full run."""
    of_all = await customers.blocks()
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for number in range(of_all):
        async with customers.stored_block(number) as batch:
            if batch.size:
                for name, values in (await measured(batch, names)).items():
                    found[name].append(values)
        progress(number + 1, of_all)
    nothing = np.zeros(0, np.int64)
    return {name: np.concatenate([nothing, *parts]) for name, parts in found.items()}


async def measured(batch: CustomerBatch, names: Sequence[str]) -> Arrays:
    history = await batch.history(batch.as_of - timedelta(days=DETAIL_DAYS))

    def measure() -> Arrays:
        facts = measure_customers(history, as_of=batch.as_of, calendar=batch.rules.calendar)
        has_ordered = facts["last_order_at"].known
        columns = condition_columns(facts, history.customer_ids, 0)
        return {name: columns[name].values[has_ordered] for name in names}

    return await asyncio.to_thread(measure)
